import ModelGraph

/// Which kernel: a function of a file in `Kernels/`, and the `#define`s put before its text.
struct KernelSpec: Hashable, Sendable {
  /// Without the extension.
  let file: String
  let function: String
  /// In the order given; a value may be any text, also an expression.
  let defines: [Define]

  struct Define: Hashable, Sendable {
    let name: String
    let value: String
  }

  init(_ file: String, _ function: String, _ defines: KeyValuePairs<String, String> = [:]) {
    self.init(file: file, function: function, defines: defines.map { Define(name: $0.key, value: $0.value) })
  }

  private init(file: String, function: String, defines: [Define]) {
    self.file = file
    self.function = function
    self.defines = defines
  }

  func adding(_ more: [Define]) -> KernelSpec {
    KernelSpec(file: file, function: function, defines: defines + more)
  }
}

/// What a kernel is given, in the order of its parameters.
enum Argument: Sendable {
  /// A global pointer that the kernel reads, at element 0 of the view's memory (pass `view.offset` beside it if the
  /// kernel supports offsets).
  case input(TensorView)
  case output(TensorView)
  /// Local memory of a work-group, in bytes.
  case local(byteCount: Int)
  case int(Int)
  case float(Float)
  case double(Double)
  /// An `int8` vector, padded with `padding`; for shapes and strides of up to eight dimensions.
  case int8([Int], padding: Int = 1)
  /// An `int4` vector, padded with zeros.
  case int4([Int])
}

/// One kernel launch of a plan.
struct Step: Sendable {
  let kernel: KernelSpec
  let arguments: [Argument]
  /// One to three extents.
  let global: [Int]
  let local: [Int]
  /// The node that it computes (part of), for people.
  let node: String
  /// Which runs do it.
  let demand: Demand

  var reads: [MemoryID] { arguments.compactMap { if case .input(let view) = $0 { view.memory } else { nil } } }
  var writes: [MemoryID] { arguments.compactMap { if case .output(let view) = $0 { view.memory } else { nil } } }
}
