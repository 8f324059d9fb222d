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
  public var byteWidth: Int? { Self.table[self].flatMap { $0.width == 0 ? nil : $0.width } }

  /// Of the enumerator ``enumerator``.
  public init?(enumerator: String) {
    guard enumerator.hasPrefix("DT_"),
      let type = Self.table.first(where: { $0.value.enumerator == enumerator.dropFirst(3) })?.key
    else { return nil }
    self = type
  }

  private struct Row { let name, enumerator: String; let width: Int }

  private static let table: [TensorFlowType: Row] = [
    .float: Row(name: "float", enumerator: "FLOAT", width: 4),
    .double: Row(name: "double", enumerator: "DOUBLE", width: 8),
    .int32: Row(name: "int32", enumerator: "INT32", width: 4),
    .uint8: Row(name: "uint8", enumerator: "UINT8", width: 1),
    .int16: Row(name: "int16", enumerator: "INT16", width: 2),
    .int8: Row(name: "int8", enumerator: "INT8", width: 1),
    .string: Row(name: "string", enumerator: "STRING", width: 0),
    .complex64: Row(name: "complex64", enumerator: "COMPLEX64", width: 8),
    .int64: Row(name: "int64", enumerator: "INT64", width: 8),
    .bool: Row(name: "bool", enumerator: "BOOL", width: 1),
    .qint8: Row(name: "qint8", enumerator: "QINT8", width: 1),
    .quint8: Row(name: "quint8", enumerator: "QUINT8", width: 1),
    .qint32: Row(name: "qint32", enumerator: "QINT32", width: 4),
    .bfloat16: Row(name: "bfloat16", enumerator: "BFLOAT16", width: 2),
    .qint16: Row(name: "qint16", enumerator: "QINT16", width: 2),
    .quint16: Row(name: "quint16", enumerator: "QUINT16", width: 2),
    .uint16: Row(name: "uint16", enumerator: "UINT16", width: 2),
    .complex128: Row(name: "complex128", enumerator: "COMPLEX128", width: 16),
    .half: Row(name: "half", enumerator: "HALF", width: 2),
    .resource: Row(name: "resource", enumerator: "RESOURCE", width: 0),
    .variant: Row(name: "variant", enumerator: "VARIANT", width: 0),
    .uint32: Row(name: "uint32", enumerator: "UINT32", width: 4),
    .uint64: Row(name: "uint64", enumerator: "UINT64", width: 8),
    .float8e5m2: Row(name: "float8_e5m2", enumerator: "FLOAT8_E5M2", width: 1),
    .float8e4m3fn: Row(name: "float8_e4m3fn", enumerator: "FLOAT8_E4M3FN", width: 1),
    .int4: Row(name: "int4", enumerator: "INT4", width: 1),
    .uint4: Row(name: "uint4", enumerator: "UINT4", width: 1),
  ]
}
