import Foundation
import ModelGraph
import Serving
import Synchronization

/// The engine of one version, for all that serve it: which engine that is may change while they do, and its weights stay
/// on the device for as long as anybody needs them there.
///
/// Thread-safe. Submitting takes a lock for the length of a copy of a reference.
public final class SharedEngine: Sendable {
  public let id: ServableID
  public let signature: Signature
  private struct Current {
    var engine: EarlyExitEngine
    var sampler: InputSampler?
  }
  /// Guards which engine answers, and who looks at what it is sent.
  private let current: Mutex<Current>

  private struct Weights: Sendable {
    /// How many need them on the device.
    var holders = 0
    /// What batches were made ready for.
    var prepared: [Batch] = []
  }
  /// Guards who needs the weights; held while they are copied, so that one who lets go and one who takes keep their order.
  private let weights = Mutex(Weights())

  init(id: ServableID, engine: EarlyExitEngine) {
    self.id = id
    signature = engine.signature
    current = Mutex(Current(engine: engine))
  }

  /// The one that the next batch goes to.
  public var engine: EarlyExitEngine { current.withLock { $0.engine } }

  func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    let (engine, sampler) = current.withLock { ($0.engine, $0.sampler) }
    engine.submit(batch, to: receiver)
    // Behind the batch: the device is at work already.
    sampler?.take(batch)
  }

  /// From now on `sampler` sees every batch; `nil`: nobody does.
  func observe(with sampler: InputSampler?) { current.withLock { $0.sampler = sampler } }

  /// Puts another engine of the same model in the place of this one, ready for the same batches. Batches that were
  /// submitted before end where they are.
  func replace(with engine: EarlyExitEngine) throws(ServingError) {
    try weights.withLock { (weights) throws(ServingError) in
      for batch in weights.prepared { try engine.prepare(batch) }
      if weights.holders == 0 { try engine.releaseWeights() }
      // Let go of outside of the lock, and not closed here: whoever is about to submit to it still may, and the last
      // reference ends it.
      let old = current.withLock { current in
        let old = current.engine
        current.engine = engine
        return old
      }
      _ = consume old
    }
  }

  func prepare(_ batch: Batch) throws(ServingError) {
    try weights.withLock { (weights) throws(ServingError) in
      try engine.prepare(batch)
      weights.prepared.append(batch)
      if weights.holders == 0 { try engine.releaseWeights() }
    }
  }

  func holdWeights() throws(ServingError) {
    try weights.withLock { (weights) throws(ServingError) in
      try engine.loadWeights()
      weights.holders += 1
    }
  }

  func letGoOfWeights() throws(ServingError) {
    try weights.withLock { (weights) throws(ServingError) in
      weights.holders -= 1
      if weights.holders == 0 { try engine.releaseWeights() }
    }
  }
}
