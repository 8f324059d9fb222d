import NIOCore
import Wire

/// `ServerReflection` (v1 and v1alpha): what the server serves, for tools like grpcurl.
public struct ReflectionService: Sendable {
  private let index: DescriptorIndex
  private let services: [String]

  /// - Parameters:
  ///   - fileDescriptorSet: A serialized `google.protobuf.FileDescriptorSet` with everything the services need.
  ///   - services: Full names to list, besides this service's own.
  /// - Throws: ``RPCError/malformedDescriptors(reason:)``.
  public init(fileDescriptorSet: [UInt8], services: [String]) throws(RPCError) {
    index = try DescriptorIndex(fileDescriptorSet)
    self.services = (services + Self.names).sorted()
  }

  private static let names = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]

  public func add(to router: inout Router) {
    for name in Self.names { router.add("/\(name)/ServerReflectionInfo", Info(service: self)) }
  }

  private struct Info: StreamingHandler {
    let service: ReflectionService

    func handle(_ call: StreamingCall) {
      call.events.onMessage = { [service, unowned call] message in
        do throws(Status) {
          call.send(ByteBuffer(bytes: try service.answer(message)))
        } catch {
          call.finish(error)
        }
      }
      call.events.onRequestEnd = { [unowned call] in call.finish(.ok) }
    }
  }

  /// Numbers are those of `grpc/reflection/v1/reflection.proto`; v1alpha has the same.
  func answer(_ request: ByteBuffer) throws(Status) -> [UInt8] {
    let fields = try MessageFields.read(request)
    var response = ProtobufWriter()
    if let host = fields.last(where: { $0.number == 1 })?.text { response.append(field: 1, string: host) }
    response.append(field: 2, bytes: Array(request.readableBytesView))
    // Of a oneof, the last one counts.
    guard let question = fields.last(where: { (3...7).contains($0.number) }) else {
      throw Status(.invalidArgument, "the request asks for nothing")
    }
    switch question.number {
    case 3: append(index.files(withName: question.text ?? ""), "file", question.text, to: &response)
    case 4: append(index.files(defining: question.text ?? ""), "symbol", question.text, to: &response)
    case 7:
      response.append(field: 6) { list in
        for service in services { list.append(field: 1) { $0.append(field: 1, string: service) } }
      }
    default:
      // Nothing that is served extends a message.
      append(nil, "extension", question.text, to: &response)
    }
    return response.bytes
  }

  private func append(_ files: [[UInt8]]?, _ kind: String, _ name: String?, to response: inout ProtobufWriter) {
    guard let files else {
      return response.append(field: 7) {
        $0.append(field: 1, varint: UInt64(Status.Code.notFound.rawValue))
        $0.append(field: 2, string: "\(kind) not found: \(name ?? "")")
      }
    }
    response.append(field: 4) { list in
      for file in files { list.append(field: 1, bytes: file) }
    }
  }
}
