/// How a field's value is written. The two deprecated group types are not among them: no message we read uses them.
package enum WireType: UInt32 {
  case varint = 0
  case fixed64 = 1
  case lengthDelimited = 2
  case fixed32 = 5

  package var name: String {
    switch self {
    case .varint: "a varint"
    case .fixed64: "8 bytes"
    case .lengthDelimited: "a length and bytes"
    case .fixed32: "4 bytes"
    }
  }
}
