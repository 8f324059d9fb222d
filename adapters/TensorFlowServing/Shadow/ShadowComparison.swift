import ModelGraph
import NIOCore
import Wire

/// Compares answers of two servers to one request.
enum ShadowComparison {
  /// The worst verdict, and where it was found.
  struct Finding: Sendable, Equatable {
    var verdict: ShadowVerdict
    var place: String

    init(_ verdict: ShadowVerdict, at place: String) {
      self.verdict = verdict
      self.place = place
    }

    func or(_ other: Finding) -> Finding { other.verdict > verdict ? other : self }
  }

  // MARK: gRPC

  /// - Returns: `nil` when one of them is no answer.
  static func compare(predictions ours: ByteBuffer, _ theirs: ByteBuffer) -> Finding? {
    guard let ours = try? PredictResponseMessage.outputs(of: ours).1,
      let theirs = try? PredictResponseMessage.outputs(of: theirs).1
    else { return nil }
    guard Set(ours.keys) == Set(theirs.keys) else {
      return Finding(.different, at: "the names of outputs")
    }
    return ours.sorted { $0.key < $1.key }.reduce(Finding(.same, at: "")) { worst, output in
      worst.or(Finding(theirs[output.key].map { compare(output.value, $0) } ?? .different, at: output.key))
    }
  }

  static func compare(_ ours: Tensor, _ theirs: Tensor) -> ShadowVerdict {
    guard ours.type == theirs.type, ours.shape == theirs.shape else { return .different }
    let isSame = ours.storage.withUnsafeBytes { one in
      theirs.storage.withUnsafeBytes { other in one.elementsEqual(other) }
    }
    if isSame { return .same }
    guard ours.type == .float32 else { return .different }
    let (one, other) = (ours.floats.map(Double.init), theirs.floats.map(Double.init))
    // The last axis holds the scores of an item; of a list of numbers each is an item.
    let width = max(1, ours.shape.count > 1 ? ours.shape[ours.shape.count - 1] : 1)
    return stride(from: 0, to: one.count, by: width).reduce(.same) { worst, start in
      max(worst, ShadowVerdict(one[start..<(start + width)], other[start..<(start + width)]))
    }
  }

  // MARK: REST

  static func compare(json ours: ByteBuffer, _ theirs: ByteBuffer) -> Finding? {
    guard let ours = try? JSONParser.parse(ours), let theirs = try? JSONParser.parse(theirs) else { return nil }
    return compare(ours.root, theirs.root, at: "")
  }

  /// Our own answers are no deeper than tensors are.
  private static func compare(_ ours: JSONValue, _ theirs: JSONValue, at place: String) -> Finding {
    if let one = ours.double {
      return Finding(theirs.double.map { ShadowVerdict([one], [$0]) } ?? .different, at: place)
    }
    if ours.isArray, theirs.isArray, ours.count == theirs.count {
      let numbers = ours.elements.compactMap(\.double)
      // Inside of a list these are the scores of one item; the list itself, of numbers, has one item for each.
      if numbers.count == ours.count, place.contains("[") {
        return Finding(ShadowVerdict(numbers, theirs.elements.compactMap(\.double)), at: place)
      }
      return zip(ours.elements, theirs.elements).enumerated().reduce(Finding(.same, at: place)) { worst, next in
        worst.or(compare(next.element.0, next.element.1, at: "\(place)[\(next.offset)]"))
      }
    }
    if ours.isObject, theirs.isObject, ours.count == theirs.count {
      return ours.members.reduce(Finding(.same, at: place)) { worst, member in
        let path = place.isEmpty ? member.name : "\(place).\(member.name)"
        return worst.or(
          theirs[member.name].map { compare(member.value, $0, at: path) } ?? Finding(.different, at: path))
      }
    }
    let isSame = ours.kind == theirs.kind && ours.count == theirs.count && ours.bytes == theirs.bytes
    return Finding(isSame ? .same : .different, at: place)
  }
}
