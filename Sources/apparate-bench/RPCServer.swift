import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import RPC
import Wire

/// Our gRPC server in a process of its own, for `RPCBench`: the same work as `Peers/rpc/predict_server.cc`.
struct RPCServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rpc-server", abstract: "Answer PredictRequests until standard input ends (used by `rpc`).",
    shouldDisplay: false)

  func run() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    var router = Router()
    router.add("/tensorflow.serving.PredictionService/Predict", Predict())
    let server = try await Server.start(on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: group)
    guard case .tcp(_, let port) = server.endpoints[0] else { return }
    print("port \(port)")
    fflush(nil)
    while readLine() != nil {}
    await server.drain(within: .seconds(1))
    try await group.shutdownGracefully()
  }

  private struct Predict: UnaryHandler {
    private let predictions = [Float](repeating: 0.001, count: 1000)

    func handle(_ call: Call) {
      do {
        let (spec, probe) = try call.message.withUnsafeReadableBytes { bytes in
          let request = try PredictRequestMessage(reading: bytes)
          guard let input = request.inputs["input"], case .inPlace(let range) = try input.elements(in: bytes),
            range.count >= MemoryLayout<Float>.size
          else { throw Status(.invalidArgument, "no tensor \"input\"") }
          return (request.modelSpec, bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: Float.self))
        }
        var outputs = predictions
        outputs[0] = probe
        let elements = outputs.withUnsafeBytes { OwnedBytes(copying: $0) }
        let response = PredictResponseMessage.encoded(
          modelSpec: ModelSpec(name: spec?.name ?? "", version: .number(1), signatureName: "serving_default"),
          outputs: [("predictions", TensorValue(type: .float, shape: [1, 1000], elements: elements))])
        var message = ByteBuffer()
        message.reserveCapacity(response.byteCount)
        response.forEach { message.writeBytes($0) }
        call.respond(message)
      } catch let status as Status {
        call.fail(status)
      } catch {
        call.fail(Status(.invalidArgument, "\(error)"))
      }
    }
  }
}
