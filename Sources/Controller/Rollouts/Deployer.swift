import Appliance
import Fleet
import Foundation
import Journal

/// Brings batches onto pairs: walks the rollout machine, one step, one record.
struct Deployer: Sendable {
  let recorder: Recorder
  let verifier: Verifier
  let clock: any TimeSource

  /// Rolls a batch out.
  ///
  /// - Parameters:
  ///   - certificates: the state of the batch's certificates when the order was given.
  ///   - neighbour: a certificate that the pair serves already, where it serves none of the batch.
  /// - Returns: why it did not come to its good end, if it did not.
  func rollOut(
    _ order: RolloutOrder, _ certificates: [CertificateState], neighbour: CertificateSpec?, on pair: PairSession
  ) async throws(JournalError) -> Failure? {
    let batch = certificates.filter { certificate in order.items.contains { $0 == certificate.issuedReference } }
    guard !batch.isEmpty else { return nil }
    let nodes = [order.first] + [order.second].compactMap(\.self)
    if batch.allSatisfy({ $0.isInstalled(on: pair.pair.nodes.map(\.id)) && $0.standingDrift.isEmpty }) {
      return try await VIPProof(pair: pair, recorder: recorder, verifier: verifier).prove(batch, rollout: order.id)
    }
    try await recorder.record(
      .rolloutStarted(
        rollout: order.id, pair: order.pair, batch: batch.compactMap(\.issuedReference), first: order.first,
        second: order.second))
    await pair.renewMarks(on: nodes)
    var walk = try RolloutWalk(
      order: order, nodes: nodes, batch: batch, neighbour: neighbour, pair: pair, deployer: self)
    var rollout = Rollout(id: order.id, hasSecond: order.second != nil)
    while case .doing(let step) = rollout.state {
      let outcome = try await walk.perform(step, rollout)
      // What we ended ourselves is no verdict on a node or a name: the rollout stays open, as after a crash, and the next run finishes it.
      if Task.isCancelled, outcome != .succeeded {
        return Failure(.interrupted, "the rollout was ended in the middle", node: outcome.failure?.node)
      }
      try await recorder.record(.rolloutStepped(rollout: order.id, step: step, failure: outcome.failure))
      do throws(IllegalTransition) {
        try rollout.apply(step, outcome)
      } catch {
        throw JournalError.illegalTransition(error.description)
      }
    }
    try await walk.tidy()
    return try await finish(rollout, walk)
  }

  /// Records the end, and for each certificate that is not served why.
  private func finish(_ rollout: Rollout, _ walk: RolloutWalk) async throws(JournalError) -> Failure? {
    var events: [Event] = []
    let end: RolloutEnd
    var blamed: Failure?
    switch rollout.state {
    case .done: end = walk.order.owing == nil ? .done : .degradedSecond
    case .degraded(let turn): end = turn == .first ? .degradedFirst : .degradedSecond
    case .refused: (end, blamed) = (.refused, rollout.cause)
    case .stranded(let turn): (end, blamed) = (turn == .first ? .strandedFirst : .strandedSecond, rollout.cause)
    case .doing: throw JournalError.illegalTransition("rollout \(rollout.id) ended in the middle")
    }
    for certificate in walk.batch {
      // Each by its own evidence; where nothing was found out about single ones, what turned the rollout round is all that is known.
      let isKnown = walk.blamesSingleCertificates || !walk.evidence.isEmpty
      guard let blamed, let failure = walk.evidence[certificate.spec.id] ?? (isKnown ? nil : blamed) else { continue }
      events.append(.ejected(rollout: rollout.id, spec: certificate.spec.id, failure: failure))
    }
    if rollout.state == .done { events += healed(walk) }
    events.append(.rolloutEnded(rollout: rollout.id, end: end, cause: rollout.cause))
    try await recorder.record(events)
    if rollout.state == .done { try await walk.pair.askAgain(walk.nodes) }
    return rollout.cause
  }
}

extension Deployer {
  /// What differed where the batch was just proved is put right.
  private func healed(_ walk: RolloutWalk) -> [Event] {
    let places = Set(walk.nodes.map { DriftPlace.node($0) } + [.vip])
    return walk.batch.flatMap { certificate in
      certificate.standingDrift.filter { places.contains($0.place) }
        .map { .driftGone(spec: certificate.spec.id, place: $0.place, isHealed: true) }
    }
  }
}

extension Rollout.Outcome {
  /// The failure, if it is one.
  var failure: Failure? {
    switch self {
    case .succeeded: nil
    case .failed(let failure), .nodeLost(let failure): failure
    }
  }

  /// A failure of a node: lost where it does not answer, refused where it does.
  init(_ failure: Failure) {
    switch failure.kind {
    case .nodeUnreachable, .hostKeyUnknown, .hostKeyChanged, .loginRefused, .noCommonAlgorithm, .interrupted:
      self = .nodeLost(failure)
    default: self = .failed(failure)
    }
  }
}

extension CertificateState {
  /// Whether the newest certificate was proved on all of these nodes.
  func isInstalled(on nodes: [NodeID]) -> Bool {
    guard let issued else { return false }
    return nodes.allSatisfy { installations[$0]?.attempt == issued.attempt }
  }
}

extension Failure {
  /// The same failure, told of a node and a name.
  func on(_ node: NodeID, name: String?) -> Failure {
    var failure = self
    failure.node = failure.node ?? node
    failure.name = failure.name ?? name
    return failure
  }
}
