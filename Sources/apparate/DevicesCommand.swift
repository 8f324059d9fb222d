import ArgumentParser
import Console
import OpenCLRuntime

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "devices", abstract: "List the OpenCL devices.")

  @Flag(help: "Print JSON.")
  var json = false

  private struct Entry: Encodable {
    let selector: String
    let name: String
    let kind: String
    let platform: String
    let version: String
    let driver: String
    let computeUnits: Int
    let floatVectorWidth: Int
    let memoryBytes: Int
    let localMemoryBytes: Int
  }

  func run() throws {
    try reporting {
      let entries = try Device.all().map { device in
        let properties = device.properties
        return Entry(
          selector: "\(device.platformIndex):\(device.deviceIndex)", name: properties.name,
          kind: properties.kind.rawValue,
          platform: properties.platform, version: properties.version, driver: properties.driverVersion,
          computeUnits: properties.computeUnits, floatVectorWidth: properties.nativeFloatVectorWidth,
          memoryBytes: properties.globalMemory, localMemoryBytes: properties.localMemory)
      }
      if json { return try printJSON(entries) }
      var table = Table(["device", "kind", "units", "vector", "memory", "name", "platform", "driver"])
      for entry in entries {
        table.add([
          entry.selector, entry.kind, "\(entry.computeUnits)", "\(entry.floatVectorWidth)",
          compact(entry.memoryBytes, "B"), entry.name, entry.platform, entry.driver,
        ])
      }
      print(table.text)
    }
  }
}
