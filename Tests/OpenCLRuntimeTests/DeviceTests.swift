import Testing

@testable import OpenCLRuntime

@Suite struct DeviceTests {
  @Test func everyThreadSeesTheSameDevices() async throws {
    let names = try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<16 { group.addTask { try Device.all().map(\.properties.name) } }
      return try await group.reduce(into: Set<[String]>()) { $0.insert($1) }
    }
    #expect(names.count == 1 && names.first?.isEmpty == false)
  }

  @Test func saysWhatADeviceCanDo() throws {
    let properties = try Device.select().properties
    #expect(properties.computeUnits >= 1 && properties.nativeFloatVectorWidth >= 1)
    #expect(properties.maxAllocation > 1 << 20 && properties.maxAllocation <= properties.globalMemory)
    #expect(properties.baseAddressAlignment >= 1)
    #expect(
      properties.fingerprint.contains(properties.name) && properties.fingerprint.contains(properties.driverVersion))
  }

  @Test(
    arguments: [
      ("auto", DeviceSelector.automatic), ("", .automatic), ("GPU", .kind(.gpu)), ("cpu", .kind(.cpu)),
      ("1", .position(platform: 0, device: 1)), ("2:3", .position(platform: 2, device: 3)), ("1:x", .name("1:x")),
      ("H200", .name("H200")),
    ])
  func selectorsReadAsWritten(text: String, selector: DeviceSelector) {
    #expect(DeviceSelector(text) == selector)
  }

  @Test func selectsByPositionAndByPartOfTheName() throws {
    let device = try Device.all()[0]
    let position = "\(device.platformIndex):\(device.deviceIndex)"
    #expect(try Device.select(DeviceSelector(position)).properties.name == device.properties.name)
    let part = String(device.properties.name.uppercased().prefix(6))
    #expect(try Device.select(.name(part)).properties.name.uppercased().contains(part))
  }

  @Test func anUnknownDeviceIsAnErrorThatListsTheOthers() throws {
    let known = try Device.all()[0].properties.name
    #expect {
      try Device.select(.name("no such device"))
    } throws: {
      "\($0)".contains("no such device") && "\($0)".contains(known)
    }
    #expect(throws: OpenCLError.self) { try Device.select(.position(platform: 99, device: 0)) }
  }
}
