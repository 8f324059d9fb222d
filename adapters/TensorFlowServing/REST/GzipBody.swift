import NIOCore
import RPC

/// Compressed bodies of requests.
enum GzipBody {
  static func inflated(_ body: ByteBuffer, limit: Int) throws(TensorFlowStatus) -> ByteBuffer {
    do throws(RPC.Status) {
      return try Compression.gzip.decompress(body, limit: limit)
    } catch {
      throw .invalid("Failed to decompress the request body: \(error.message)")
    }
  }
}
