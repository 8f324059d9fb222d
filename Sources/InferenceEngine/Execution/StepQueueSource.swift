import ModelGraph

/// The text of a program that runs many kernels in one launch, see `step_queue.cl`.
///
/// A kernel with given defines becomes a plain function: its file is put into the text once for every set of defines,
/// with all names that it declares made unique and its macros taken back afterwards.
struct StepQueueSource: Sendable {
  /// A kernel and the kinds of its arguments.
  struct Variant: Hashable, Sendable {
    let kernel: KernelSpec
    let arguments: [Kind]

    enum Kind: Hashable, Sendable {
      case pointer, int, float, double, int4, int8

      init?(_ argument: Argument) {
        switch argument {
        case .input, .output: self = .pointer
        case .int: self = .int
        case .float: self = .float
        case .double: self = .double
        case .int4: self = .int4
        case .int8: self = .int8
        case .local: return nil
        }
      }

      /// Longs in the table of arguments.
      var longs: Int {
        switch self {
        case .int4: 2
        case .int8: 4
        default: 1
        }
      }

      /// The argument at `a + offset`.
      func expression(_ offset: Int) -> String {
        switch self {
        case .pointer: "(__global void *)a[\(offset)]"
        case .int: "(int)a[\(offset)]"
        case .float: "as_float((int)a[\(offset)])"
        case .double: "as_double(a[\(offset)])"
        case .int4: "vload4(0, (__global const int *)(a + \(offset)))"
        case .int8: "vload8(0, (__global const int *)(a + \(offset)))"
        }
      }
    }

    /// `nil` when the step needs local memory, that is a work-group of its own.
    init?(_ step: Step) {
      let kinds = step.arguments.compactMap(Kind.init)
      guard kinds.count == step.arguments.count, step.local.allSatisfy({ $0 == 1 }) else { return nil }
      kernel = step.kernel
      arguments = kinds
    }

    fileprivate var sortKey: String {
      kernel.file + " " + kernel.function + " " + kernel.defines.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
  }

  /// In the order of their numbers in the program.
  let variants: [Variant]
  let text: String

  /// - Parameters:
  ///   - prelude: what every program begins with: the target's defines, common functions.
  ///   - source: the text of a kernel file.
  init(_ set: Set<Variant>, prelude: String, source: (String) throws -> String) rethrows {
    variants = set.sorted { $0.sortKey < $1.sortKey }
    var text = prelude
    text += "#define __kernel static inline\n#undef ONE_ITEM\n#define ONE_ITEM\n"
    text += "#define get_global_id(dimension) (global_id_.s##dimension)\n"
    text += "#define get_global_size(dimension) (global_size_.s##dimension)\n"
    var calls = ""
    for (number, variant) in variants.enumerated() {
      let file = try source(variant.kernel.file)
      let names = Names(in: file)
      var macros = names.macros + variant.kernel.defines.map(\.macro)
      for define in variant.kernel.defines { text += "#define \(define.name) \(define.value)\n" }
      for name in names.helpers { text += "#define \(name) \(name)_\(number)\n" }
      for name in names.kernels {
        text += "#define \(name)(...) \(name)_\(number)"
        text += "(const uint4 global_id_, const uint4 global_size_, __VA_ARGS__)\n"
      }
      text += file + "\n"
      macros += names.helpers + names.kernels
      for name in Set(macros).sorted() { text += "#undef \(name)\n" }
      var offset = 0
      let expressions = variant.arguments.map { kind in
        defer { offset += kind.longs }
        return kind.expression(offset)
      }
      let arguments = (["task", "size"] + expressions).joined(separator: ", ")
      calls += "case \(number): \(variant.kernel.function)_\(number)(\(arguments)); break; "
    }
    text += "#define CALLS \(calls)\n"
    self.text = try text + source("step_queue")
  }

  /// What a kernel file declares.
  private struct Names {
    var macros: [String] = []
    var helpers: [String] = []
    var kernels: [String] = []

    init(in file: String) {
      for line in file.split(separator: "\n") {
        if line.hasPrefix("#define ") {
          macros.append(Self.word(in: line.dropFirst(8), from: line.dropFirst(8).startIndex))
        } else if line.hasPrefix("static inline "), let end = line.firstIndex(of: "(") {
          helpers.append(Self.wordBefore(end, in: line))
        } else if line.contains("__kernel "), !line.hasPrefix("//"), let end = line.lastIndex(of: "(") {
          kernels.append(Self.wordBefore(end, in: line))
        } else if line.hasPrefix("typedef ") || line.hasPrefix("} "), line.hasSuffix(";") {
          helpers.append(Self.wordBefore(line.index(before: line.endIndex), in: line))
        }
      }
      kernels = Array(Set(kernels)).sorted()
      helpers = Array(Set(helpers)).sorted()
    }

    private static func isWord(_ character: Character) -> Bool {
      character.isLetter || character.isNumber || character == "_"
    }

    private static func word(in text: Substring, from start: Substring.Index) -> String {
      String(text[start...].prefix(while: isWord))
    }

    private static func wordBefore(_ end: Substring.Index, in text: Substring) -> String {
      String(text[..<end].reversed().prefix(while: isWord).reversed())
    }
  }
}

extension KernelSpec.Define {
  /// The name without parameters.
  fileprivate var macro: String { String(name.prefix { $0 != "(" }) }
}
