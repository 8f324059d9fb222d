import EarlyExit
import Foundation
import ModelGraph

/// What a prepared model's file says of its ramps: one JSON text under ``key`` in the model's metadata.
public struct PreparedDescription: Sendable, Codable, Equatable {
  /// Of `metadata_props`.
  public static let key = "apparate"
  public static let supportedFormat = 1

  public var format = supportedFormat
  /// Of the original model's file, see ``Fingerprint``; empty while there is none.
  public var fingerprint = ""
  /// The original's outputs, in its order.
  public var outputs: [String]
  /// Length of a row of scores; 0 without ramps.
  public var classes = 0
  /// The model's own scores; empty without ramps.
  public var finalLogits = ""
  /// From input to output: the position is the `RampID`.
  public var ramps: [Ramp] = []
  public var errorScore = ErrorScore.oneMinusTop1
  /// The share of answers that must be the model's own.
  public var accuracy = 0.99
  /// How much ramps may slow the model down, as a share.
  public var rampBudget = 0.02
  /// Active at first, ascending.
  public var startingRamps: [Int] = []
  /// Measured on ``device``, by batch size.
  public var latencies: [Latency] = []
  /// What ramps said of bootstrap items that they were not trained on; nil where that was not kept.
  public var evidence: Evidence?
  /// Where ``latencies`` were measured.
  public var device = ""

  /// One ramp.
  public struct Ramp: Sendable, Codable, Equatable {
    /// The tensor that it reads.
    public var site: String
    /// The model's operations up to there, as a share of all.
    public var flopShare: Double
    public var style: RampStyle
    public var pooling: RampPooling
    /// Already folded into the weights.
    public var temperature: Float
    /// On validation items, 0 to 1.
    public var validationAgreement: Double
    /// The output with its calibrated scores.
    public var logits: String
    /// For each of the original's outputs, the one that answers in its place.
    public var answers: [String: String]
  }

  /// `LatencyProfile.BatchLatency` as it is written, in seconds.
  public struct Latency: Sendable, Codable, Equatable {
    public var batchSize: Int
    public var untilSite: [Double]
    public var rampCost: [Double]
    public var total: Double
  }

  /// Answers of all ramps on the same items, for a controller to begin with.
  public struct Evidence: Sendable, Codable, Equatable {
    /// At most so many items are kept, the last ones: as many as a controller's window holds.
    public static let limit = 4096

    public var items: Int
    /// Error scores, little-endian floats, item-major.
    public var scores: Data
    /// A byte for each score, 1 where the answer is the model's own.
    public var agrees: Data

    /// - Parameter sites: one for each ramp, all of the same items.
    public init(_ sites: [HeldOutAnswers]) {
      let count = sites.map(\.scores.count).min() ?? 0
      let kept = max(0, count - Self.limit)..<count
      items = kept.count
      (scores, agrees) = (Data(), Data())
      for item in kept {
        for site in sites {
          withUnsafeBytes(of: site.scores[item].bitPattern.littleEndian) { scores.append(contentsOf: $0) }
          agrees.append(site.agrees[item] ? 1 : 0)
        }
      }
    }

    /// As a controller would have observed them.
    func window(sites: Int) throws(EarlyExitError) -> ObservationWindow {
      var window = try ObservationWindow(sites: sites, capacity: max(1, items))
      let values = scores.withUnsafeBytes { bytes in
        (0..<items * sites).map {
          Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
      let flags = agrees.map { $0 != 0 }
      for item in 0..<items {
        let row = item * sites..<(item + 1) * sites
        try window.record(
          scores: Array(values[row]).span, agrees: Array(flags[row]).span, exit: .final, batchSize: 1)
      }
      return window
    }
  }

  /// Of a model without ramps.
  init(unprepared graph: Graph) { outputs = graph.outputs.map { graph[$0].name } }

  init(json text: String) throws(PreparedModelError) {
    struct Version: Decodable { let format: Int }
    do {
      let version = try JSONDecoder().decode(Version.self, from: Data(text.utf8))
      guard version.format <= Self.supportedFormat else {
        throw PreparedModelError.newerFormat(version.format, supported: Self.supportedFormat)
      }
      self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
    } catch let error as PreparedModelError {
      throw error
    } catch {
      throw .damagedDescription(reason: "\(error)")
    }
  }

  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  /// Measured latencies, if there are any.
  public var latencyProfile: LatencyProfile? {
    get {
      guard !latencies.isEmpty else { return nil }
      return try? LatencyProfile(
        latencies.map {
          .init(batchSize: $0.batchSize, untilSite: $0.untilSite, rampCost: $0.rampCost, total: $0.total)
        })
    }
    set {
      latencies = (newValue?.measured ?? []).map {
        Latency(batchSize: $0.batchSize, untilSite: $0.untilSite, rampCost: $0.rampCost, total: $0.total)
      }
    }
  }

  /// Whether the file has all that is said here.
  func check(against graph: Graph) throws(PreparedModelError) {
    func damaged(_ reason: String) -> PreparedModelError { .damagedDescription(reason: reason) }
    let names = Set(graph.outputs.map { graph[$0].name })
    let mentioned = outputs + ramps.flatMap { [$0.logits] + $0.answers.values } + (ramps.isEmpty ? [] : [finalLogits])
    for name in mentioned where !names.contains(name) { throw damaged("the model has no output \"\(name)\"") }
    guard !outputs.isEmpty else { throw damaged("it names no output of the original model") }
    for ramp in ramps where Set(ramp.answers.keys) != Set(outputs) {
      throw damaged("the ramp at \"\(ramp.site)\" does not answer for all outputs of the original model")
    }
    guard ramps.isEmpty || classes >= 2 else { throw damaged("a row of scores has \(classes) classes") }
    guard startingRamps.allSatisfy(ramps.indices.contains), zip(startingRamps, startingRamps.dropFirst()).allSatisfy(<)
    else { throw damaged("ramps \(startingRamps) cannot be active at first") }
    guard (0...1).contains(accuracy), rampBudget >= 0, rampBudget.isFinite else {
      throw damaged("an accuracy of \(accuracy), a ramp budget of \(rampBudget)")
    }
    if let evidence {
      let count = evidence.items.multipliedReportingOverflow(by: ramps.count)
      guard evidence.items >= 0, !count.overflow, evidence.items <= Evidence.limit,
        evidence.scores.count == 4 * count.partialValue, evidence.agrees.count == count.partialValue
      else { throw damaged("its evidence is not that of \(evidence.items) items and \(ramps.count) ramps") }
    }
    guard latencies.isEmpty || latencyProfile?.sites == ramps.count else {
      throw damaged("its latencies are not those of \(ramps.count) ramps")
    }
  }
}
