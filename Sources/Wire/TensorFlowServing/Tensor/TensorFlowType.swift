/// `tensorflow.DataType`. Any number may come; those that are known have names.
public struct TensorFlowType: RawRepresentable, Hashable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let float = Self(rawValue: 1)
  public static let double = Self(rawValue: 2)
  public static let int32 = Self(rawValue: 3)
  public static let uint8 = Self(rawValue: 4)
  public static let int16 = Self(rawValue: 5)
  public static let int8 = Self(rawValue: 6)
  public static let string = Self(rawValue: 7)
  public static let complex64 = Self(rawValue: 8)
  public static let int64 = Self(rawValue: 9)
  public static let bool = Self(rawValue: 10)
  public static let qint8 = Self(rawValue: 11)
  public static let quint8 = Self(rawValue: 12)
  public static let qint32 = Self(rawValue: 13)
  public static let bfloat16 = Self(rawValue: 14)
  public static let qint16 = Self(rawValue: 15)
  public static let quint16 = Self(rawValue: 16)
  public static let uint16 = Self(rawValue: 17)
  public static let complex128 = Self(rawValue: 18)
  public static let half = Self(rawValue: 19)
  public static let resource = Self(rawValue: 20)
  public static let variant = Self(rawValue: 21)
  public static let uint32 = Self(rawValue: 22)
  public static let uint64 = Self(rawValue: 23)
  public static let float8e5m2 = Self(rawValue: 24)
  public static let float8e4m3fn = Self(rawValue: 25)
  public static let int4 = Self(rawValue: 29)
  public static let uint4 = Self(rawValue: 30)

  /// As TensorFlow's error texts call it: `float`, `int32`, …
  public var name: String { Self.table[self]?.name ?? "unknown dtype enum (\(rawValue))" }

  /// As the enumerator is called: `DT_FLOAT`, …
  public var enumerator: String { Self.table[self].map { "DT_\($0.enumerator)" } ?? "\(rawValue)" }

  /// Bytes of one element in `tensor_content`; nil where there is no fixed number, or where we know none.
  public var byteWidth: Int? {
    switch self {
    case .float, .int32, .uint32, .qint32: 4
    case .double, .int64, .uint64, .complex64: 8
    case .complex128: 16
    case .half, .bfloat16, .int16, .uint16, .qint16, .quint16: 2
    case .int8, .uint8, .bool, .qint8, .quint8, .float8e5m2, .float8e4m3fn, .int4, .uint4: 1
    default: nil
    }
  }

  /// Of the enumerator ``enumerator``.
  public init?(enumerator: String) {
    guard enumerator.hasPrefix("DT_"),
      let type = Self.table.first(where: { $0.value.enumerator == enumerator.dropFirst(3) })?.key
    else { return nil }
    self = type
  }

  private struct Row { let name, enumerator: String }

  private static let table: [TensorFlowType: Row] = [
    .float: Row(name: "float", enumerator: "FLOAT"),
    .double: Row(name: "double", enumerator: "DOUBLE"),
    .int32: Row(name: "int32", enumerator: "INT32"),
    .uint8: Row(name: "uint8", enumerator: "UINT8"),
    .int16: Row(name: "int16", enumerator: "INT16"),
    .int8: Row(name: "int8", enumerator: "INT8"),
    .string: Row(name: "string", enumerator: "STRING"),
    .complex64: Row(name: "complex64", enumerator: "COMPLEX64"),
    .int64: Row(name: "int64", enumerator: "INT64"),
    .bool: Row(name: "bool", enumerator: "BOOL"),
    .qint8: Row(name: "qint8", enumerator: "QINT8"),
    .quint8: Row(name: "quint8", enumerator: "QUINT8"),
    .qint32: Row(name: "qint32", enumerator: "QINT32"),
    .bfloat16: Row(name: "bfloat16", enumerator: "BFLOAT16"),
    .qint16: Row(name: "qint16", enumerator: "QINT16"),
    .quint16: Row(name: "quint16", enumerator: "QUINT16"),
    .uint16: Row(name: "uint16", enumerator: "UINT16"),
    .complex128: Row(name: "complex128", enumerator: "COMPLEX128"),
    .half: Row(name: "half", enumerator: "HALF"),
    .resource: Row(name: "resource", enumerator: "RESOURCE"),
    .variant: Row(name: "variant", enumerator: "VARIANT"),
    .uint32: Row(name: "uint32", enumerator: "UINT32"),
    .uint64: Row(name: "uint64", enumerator: "UINT64"),
    .float8e5m2: Row(name: "float8_e5m2", enumerator: "FLOAT8_E5M2"),
    .float8e4m3fn: Row(name: "float8_e4m3fn", enumerator: "FLOAT8_E4M3FN"),
    .int4: Row(name: "int4", enumerator: "INT4"),
    .uint4: Row(name: "uint4", enumerator: "UINT4"),
  ]
}
