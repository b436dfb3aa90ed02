import Appliance
import Fleet
import Foundation
import Journal
import PKI
import SSH

/// One rollout's walk over its nodes: what is still in the batch, which keys are sealed, what each step came to.
struct RolloutWalk {
  let order: RolloutOrder
  /// In turn order.
  let nodes: [NodeID]
  /// What is left of the batch.
  var batch: [CertificateState]
  /// Certificates were refused one by one; the others are not to blame and go on at once without them.
  var blamesSingleCertificates = false
  /// Why certificates that are still in the batch are not served, each by its own evidence.
  var evidence: [SpecID: Failure] = [:]
  let pair: PairSession
  let deployer: Deployer
  /// A certificate that the pair serves already, where it serves none of the batch.
  let neighbour: CertificateSpec?
  /// Every leaf that was ever issued for these certificates: each is ours wherever it lies.
  let ever: [SpecID: [String]]
  var sealed: [NodeID: [AttemptID: String]] = [:]
  private var active: [VIPID: NodeID] = [:]
  /// Nodes with a directory of this rollout that no step has taken away yet: one-off recipients, keys sealed for others.
  private var untidy: Set<NodeID> = []
  /// What the nodes were proved to use. It counts once the VIP was seen to serve it: until then all may still be put back, and a journal that
  /// says "installed" of what was rolled back would never roll it out again.
  var proved: [NodeID: NodeProofs] = [:]
  /// What visitors without a server name were shown before each node was touched.
  var defaults: [NodeID: [ProbeAddress: X509Certificate]] = [:]
  /// Nodes that took the batch, in turn order.
  var activated: [NodeID] = []
  /// How often each node was reloaded to put single certificates back.
  var withdrawals: [NodeID: Int] = [:]
  /// Certificates whose reload left no trace on a node.
  var unconfirmed: [NodeID: Set<SpecID>] = [:]

  init(
    order: RolloutOrder, nodes: [NodeID], batch: [CertificateState], neighbour: CertificateSpec?, pair: PairSession,
    deployer: Deployer
  ) throws(JournalError) {
    self.order = order
    self.nodes = nodes
    self.batch = batch
    self.neighbour = neighbour
    self.pair = pair
    self.deployer = deployer
    ever = try deployer.recorder.journal.leaves(of: batch.map(\.spec.id))
  }

  /// Seconds that a listener may go on showing the old certificate after the node accepted the new one.
  static let settling = 15.0

  /// Does one step. Facts about single certificates are recorded here; the step's own outcome by the caller.
  mutating func perform(_ step: Rollout.Step, _ rollout: Rollout) async throws(JournalError) -> Rollout.Outcome {
    let outcome = try await take(step, rollout)
    switch step {
    case .stage(let turn), .activate(let turn), .verify(let turn), .rollBack(let turn), .verifyOld(let turn):
      // Whoever is dead is tidied up at its return: it would only keep this one waiting.
      if case .nodeLost = outcome {
        let lost = node(turn)
        await leave(lost)
        activated.removeAll { $0 == lost }
      }
    case .cleanUp(let turn):
      if outcome == .succeeded { untidy.remove(node(turn)) } else { await leave(node(turn)) }
    case .check, .verifyVIP: break
    }
    return outcome
  }

  /// Takes away what no step did, once all are done: a rollout may end before it comes to the nodes that the check asked for recipients.
  mutating func tidy() async throws(JournalError) {
    let spent = try spentKeys()
    for node in untidy {
      let outcome = await cleanUp(node, succeeded: false, spent: spent)
      if outcome != .succeeded { await leave(node) }
    }
    untidy = []
  }

  private mutating func leave(_ node: NodeID) async {
    untidy.remove(node)
    await pair.leave(order.id, on: node)
  }

  private func spentKeys() throws(JournalError) -> [AttemptID] {
    var spent: [AttemptID] = []
    for item in order.items { spent += try deployer.recorder.journal.spentKeys(of: item.spec) }
    return spent
  }

  private mutating func take(_ step: Rollout.Step, _ rollout: Rollout) async throws(JournalError) -> Rollout.Outcome {
    switch step {
    case .check: return try await check()
    case .stage(let turn): return try await stage(node(turn))
    case .activate(let turn): return try await activate(node(turn))
    case .verify(let turn): return try await verify(node(turn))
    case .verifyVIP: return try await verifyVIP()
    case .rollBack(let turn): return try await rollBack(node(turn))
    case .verifyOld(let turn): return await verifyOld(node(turn))
    case .cleanUp(let turn):
      let succeeded = rollout.cause == nil || isDone(turn, rollout)
      return await cleanUp(node(turn), succeeded: succeeded, spent: try spentKeys())
    }
  }

  private func node(_ turn: Rollout.Turn) -> NodeID { nodes[min(turn == .first ? 0 : 1, nodes.count - 1)] }

  /// With the second node lost, the first keeps the new set: its clean-up is that of a success.
  private func isDone(_ turn: Rollout.Turn, _ rollout: Rollout) -> Bool { rollout.serves(turn) }

  // MARK: Forward

  /// Asks once more who is active, and has keys sealed for the nodes that do not hold them.
  private mutating func check() async throws(JournalError) -> Rollout.Outcome {
    for vip in Set(batch.map(\.spec.vip)) {
      switch await pair.activeNode(for: vip, atMost: 2) {
      case .none(let failure): return .failed(failure)
      case .node(let id): active[vip] = id
      }
    }
    let relay = KeyRelay(rollout: order.id, pair: pair)
    for node in nodes {
      let foreign = batch.filter {
        $0.keyNode != nil && $0.keyNode != node
          && ($0.installations[node]?.attempt != $0.issued?.attempt || $0.drifts[.node(node)]?.current != nil)
      }
      for (owner, certificates) in Dictionary(grouping: foreign, by: \.keyNode) {
        guard let owner else { continue }
        untidy.formUnion([owner, node].filter { $0 != .controller })
        var answer = await relay.seal(certificates, from: owner, to: node)
        if case .failure(let failure) = answer, failure.node != node, !nodes.contains(owner) {
          // A new certificate is a high price for a session that broke.
          answer = await relay.seal(certificates, from: owner, to: node)
        }
        switch answer {
        case .success(let keys):
          for certificate in certificates {
            guard let attempt = certificate.issued?.attempt else { continue }
            switch keys[attempt] {
            case .success(let blob): sealed[node, default: [:]][attempt] = blob
            case .failure(let failure): try await eject(certificate, failure)
            case nil:
              try await eject(certificate, Failure(.keyLost, "\(owner) said nothing about the key", node: owner))
            }
          }
        // The node that was to get the keys, or one that was asked a moment ago and holds them: nothing was touched, and the keys are as good as
        // before. What became of the node, the next survey tells.
        case .failure(let failure) where failure.node == node || nodes.contains(owner):
          let outcome = Rollout.Outcome(failure)
          if case .nodeLost = outcome { await leave(failure.node == node ? node : owner) }
          return outcome
        case .failure(let failure):
          if case .nodeLost = Rollout.Outcome(failure) { await leave(owner) }
          // The key's node is gone: whoever is left cannot use the certificate, so a new one is made with a key of its own.
          for certificate in certificates {
            try await eject(certificate, Failure(.keyLost, "its key lies on \(owner): \(failure.detail)", node: owner))
          }
        }
      }
    }
    return emptiness
  }

  private mutating func stage(_ id: NodeID) async throws(JournalError) -> Rollout.Outcome {
    switch await run(on: id, { $0.stage(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let answer):
      try await alarm(answer, id)
      try await ejectAll(Dictionary(answer.failures.map { ($0.spec, $0.failure) }) { first, _ in first })
      return emptiness
    }
  }

  private mutating func activate(_ id: NodeID) async throws(JournalError) -> Rollout.Outcome {
    let expected = RolloutWork.ExpectedRoles(
      vips: pair.pair.vips.filter { active[$0.id] != nil }, active: Set(active.filter { $0.value == id }.keys))
    defaults[id] = await defaults(of: id, holding: pair.pair.vips.filter { active[$0.id] == id })
    switch try await reload(id, batch, roles: expected, { $0.activate(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let answer):
      try await alarm(answer, id)
      unconfirmed[id] = answer.unconfirmed
      let failures = Dictionary(answer.failures.map { ($0.spec, $0.failure) }) { first, _ in first }
      // The node put back what it refused; one that could not is put back whole.
      let isStuck = answer.certificates.values.contains { if case .stuck = $0 { true } else { false } }
      if isStuck || failures.count == batch.count, let first = answer.failures.first {
        if failures.count == batch.count { evidence = failures } else { try await ejectAll(failures) }
        return .failed(first.failure)
      }
      // The first node must not keep what the second refuses, nor one termination what the other does.
      let isSplit = (pair.links[id]?.node.terminations.count ?? 0) > 1
      if let failure = try await withdraw(failures, from: isSplit ? activated + [id] : activated) {
        return .failed(failure)
      }
      activated.append(id)
      return emptiness
    }
  }

  // MARK: Back

  private func rollBack(_ id: NodeID) async throws(JournalError) -> Rollout.Outcome {
    switch try await reload(id, batch, { $0.rollBack(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let answer): return answer.failures.first.map { .failed($0.failure) } ?? .succeeded
    }
  }

  private func verifyOld(_ id: NodeID) async -> Rollout.Outcome {
    await oldIsUsed(batch, on: id).map { Rollout.Outcome($0) } ?? .succeeded
  }

  private func cleanUp(_ id: NodeID, succeeded: Bool, spent: [AttemptID]) async -> Rollout.Outcome {
    guard pair.links[id] != nil else { return .succeeded }
    do throws(Failure) {
      try await work(on: id, batch).cleanUp(succeeded: succeeded, spent: spent)
      return .succeeded
    } catch {
      return .failed(error)
    }
  }

  private var emptiness: Rollout.Outcome {
    batch.isEmpty ? .failed(Failure(.stageRefused, "no certificate of the batch is left")) : .succeeded
  }

  func name(of spec: SpecID) -> String? { batch.first { $0.spec.id == spec }?.spec.names.first }

  mutating func ejectAll(_ failures: [SpecID: Failure]) async throws(JournalError) {
    for certificate in batch {
      if let failure = failures[certificate.spec.id] { try await eject(certificate, failure) }
    }
  }

  private mutating func eject(_ certificate: CertificateState, _ failure: Failure) async throws(JournalError) {
    // A step that we ended ourselves blames nobody; `Deployer` leaves the rollout open.
    if Task.isCancelled { return }
    blamesSingleCertificates = true
    batch.removeAll { $0.spec.id == certificate.spec.id }
    try await deployer.recorder.record(
      .ejected(rollout: order.id, spec: certificate.spec.id, failure: failure))
  }

  private func alarm(_ answer: NodeAnswer, _ id: NodeID) async throws(JournalError) {
    guard !Task.isCancelled, let alarm = answer.alarms.first else { return }
    try await pair.note(alarm, of: id)
  }
}
