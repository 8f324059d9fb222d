import COpenCL

/// What a driver says of a device.
public struct DeviceProperties: Sendable {
  public enum Kind: String, Sendable { case cpu, gpu, accelerator, other }

  public let platform: String
  public let platformVersion: String
  public let name: String
  public let vendor: String
  public let driverVersion: String
  public let version: String
  public let kind: Kind
  public let computeUnits: Int
  /// `CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT`.
  public let nativeFloatVectorWidth: Int
  /// Bytes.
  public let globalMemory: Int
  public let maxAllocation: Int
  public let localMemory: Int
  public let maxWorkGroupSize: Int
  /// Of sub-buffers, in bytes.
  public let baseAddressAlignment: Int
  public let extensions: Set<String>

  public var supportsHalf: Bool { extensions.contains("cl_khr_fp16") }
  public var supportsDouble: Bool { extensions.contains("cl_khr_fp64") }

  /// Whether this is PoCL running work-groups as threads of this machine's processor, with Clang as its compiler and one
  /// memory for host and device.
  public var isPoCLProcessor: Bool { kind == .cpu && platform.hasPrefix("Portable Computing Language") }

  /// Changes whenever a compiled program may no longer fit: device, driver or platform.
  public var fingerprint: String {
    [platform, platformVersion, name, vendor, driverVersion, version].joined(separator: "|")
  }
}

/// An OpenCL device. Devices live as long as the process.
public final class Device: @unchecked Sendable {
  // `cl_device_id` is a root device: never released, safe from any thread (OpenCL 1.2, section A.2).
  let id: cl_device_id
  public let properties: DeviceProperties
  /// Position among platforms and among the platform's devices, as `--device 0:1` names it.
  public let platformIndex: Int
  public let deviceIndex: Int

  private init(_ id: cl_device_id, platform: cl_platform_id, platformIndex: Int, deviceIndex: Int) throws(OpenCLError) {
    self.id = id
    self.platformIndex = platformIndex
    self.deviceIndex = deviceIndex
    func text(_ name: Int32) throws(OpenCLError) -> String {
      try infoText { clGetDeviceInfo(id, cl_device_info(name), $0, $1, $2) }
    }
    func number<N: FixedWidthInteger>(_ name: Int32, _: N.Type) throws(OpenCLError) -> Int {
      var value: N = 0
      try check(clGetDeviceInfo(id, cl_device_info(name), MemoryLayout<N>.size, &value, nil), "clGetDeviceInfo")
      return Int(clamping: value)
    }
    let type = try number(CL_DEVICE_TYPE, cl_device_type.self)
    properties = DeviceProperties(
      platform: try infoText { clGetPlatformInfo(platform, cl_platform_info(CL_PLATFORM_NAME), $0, $1, $2) },
      platformVersion: try infoText { clGetPlatformInfo(platform, cl_platform_info(CL_PLATFORM_VERSION), $0, $1, $2) },
      name: try text(CL_DEVICE_NAME), vendor: try text(CL_DEVICE_VENDOR), driverVersion: try text(CL_DRIVER_VERSION),
      version: try text(CL_DEVICE_VERSION),
      kind: type & Int(CL_DEVICE_TYPE_GPU) != 0
        ? .gpu
        : type & Int(CL_DEVICE_TYPE_CPU) != 0
          ? .cpu : type & Int(CL_DEVICE_TYPE_ACCELERATOR) != 0 ? .accelerator : .other,
      computeUnits: max(1, try number(CL_DEVICE_MAX_COMPUTE_UNITS, cl_uint.self)),
      nativeFloatVectorWidth: try number(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, cl_uint.self),
      globalMemory: try number(CL_DEVICE_GLOBAL_MEM_SIZE, cl_ulong.self),
      maxAllocation: try number(CL_DEVICE_MAX_MEM_ALLOC_SIZE, cl_ulong.self),
      localMemory: try number(CL_DEVICE_LOCAL_MEM_SIZE, cl_ulong.self),
      maxWorkGroupSize: try number(CL_DEVICE_MAX_WORK_GROUP_SIZE, Int.self),
      baseAddressAlignment: max(1, try number(CL_DEVICE_MEM_BASE_ADDR_ALIGN, cl_uint.self) / 8),
      extensions: Set(try text(CL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init)))
  }

  /// Every device of every platform, in the order of the platforms. Asked for once: drivers need not bear being
  /// initialised by several threads.
  public static func all() throws(OpenCLError) -> [Device] { try listed.get() }

  private static let listed = Result { () throws(OpenCLError) in try list() }

  private static func list() throws(OpenCLError) -> [Device] {
    ProcessorThreads.pinWorkers()
    var count: cl_uint = 0
    let code = clGetPlatformIDs(0, nil, &count)
    if code == -1001 || (code == CL_SUCCESS && count == 0) { throw .noPlatform }
    try check(code, "clGetPlatformIDs")
    var platforms = [cl_platform_id?](repeating: nil, count: Int(count))
    try check(clGetPlatformIDs(count, &platforms, nil), "clGetPlatformIDs")
    var devices: [Device] = []
    for (platformIndex, platform) in platforms.enumerated() {
      guard let platform else { continue }
      var deviceCount: cl_uint = 0
      guard clGetDeviceIDs(platform, cl_device_type(CL_DEVICE_TYPE_ALL), 0, nil, &deviceCount) == CL_SUCCESS else {
        continue  // a platform without devices says so with an error
      }
      var ids = [cl_device_id?](repeating: nil, count: Int(deviceCount))
      try check(
        clGetDeviceIDs(platform, cl_device_type(CL_DEVICE_TYPE_ALL), deviceCount, &ids, nil), "clGetDeviceIDs")
      for (deviceIndex, id) in ids.enumerated() {
        if let id {
          devices.append(
            try Device(id, platform: platform, platformIndex: platformIndex, deviceIndex: deviceIndex))
        }
      }
    }
    return devices
  }

  /// The device that a selector means.
  /// - Throws: ``OpenCLError/noDevice(selector:available:)`` with what there is, when none does.
  public static func select(_ selector: DeviceSelector = .automatic) throws(OpenCLError) -> Device {
    let devices = try all()
    guard let device = selector.choose(from: devices) else {
      throw .noDevice(
        selector: selector.description,
        available: devices.map { "\($0.platformIndex):\($0.deviceIndex) \($0.properties.name)" })
    }
    return device
  }
}

/// Which device to use, as written after `--device`.
public enum DeviceSelector: Sendable, Hashable, CustomStringConvertible {
  /// The first GPU, else the first CPU, else anything.
  case automatic
  case kind(DeviceProperties.Kind)
  case position(platform: Int, device: Int)
  /// Part of the device's name, in any case.
  case name(String)

  /// `gpu`, `cpu`, `accelerator`, `1` (device 1 over all platforms is not meant: platform 0), `0:1`, or part of a name.
  public init(_ text: String) {
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    switch (text.lowercased(), numbers) {
    case ("", _), ("auto", _): self = .automatic
    case (let kind, _) where DeviceProperties.Kind(rawValue: kind) != nil:
      self = .kind(DeviceProperties.Kind(rawValue: kind) ?? .other)
    case (_, let n) where n.count == 1 && n[0] != nil: self = .position(platform: 0, device: n[0] ?? 0)
    case (_, let n) where n.count == 2 && n[0] != nil && n[1] != nil:
      self = .position(platform: n[0] ?? 0, device: n[1] ?? 0)
    default: self = .name(text)
    }
  }

  func choose(from devices: [Device]) -> Device? {
    switch self {
    case .automatic:
      devices.first { $0.properties.kind == .gpu } ?? devices.first { $0.properties.kind == .cpu } ?? devices.first
    case .kind(let kind): devices.first { $0.properties.kind == kind }
    case .position(let platform, let device):
      devices.first { $0.platformIndex == platform && $0.deviceIndex == device }
    case .name(let part): devices.first { $0.properties.name.lowercased().contains(part.lowercased()) }
    }
  }

  public var description: String {
    switch self {
    case .automatic: "auto"
    case .kind(let kind): kind.rawValue
    case .position(let platform, let device): "\(platform):\(device)"
    case .name(let name): name
    }
  }
}

/// Reads a text that OpenCL gives by size, then by content.
func infoText(
  _ query: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
) throws(OpenCLError) -> String {
  var size = 0
  try check(query(0, nil, &size), "clGetInfo")
  var bytes = [UInt8](repeating: 0, count: size)
  try check(query(size, &bytes, nil), "clGetInfo")
  return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
