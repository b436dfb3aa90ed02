import Appliance
import Fleet
import Foundation
import Journal
import SSH

/// One rollout's walk over its nodes: what is still in the batch, which keys are sealed, what each step came to.
struct RolloutWalk {
  let order: RolloutOrder
  /// In turn order.
  let nodes: [NodeID]
  /// What is left of the batch.
  private(set) var batch: [CertificateState]
  /// Certificates were refused one by one; the others are not to blame and go on at once without them.
  private(set) var blamesSingleCertificates = false
  private let pair: PairSession
  private let deployer: Deployer
  /// A certificate that the pair serves already, where it serves none of the batch.
  private let neighbour: CertificateSpec?
  /// Every leaf that was ever issued for these certificates: each is ours wherever it lies.
  private let ever: [SpecID: [String]]
  private var sealed: [NodeID: [AttemptID: String]] = [:]
  private var active: [VIPID: NodeID] = [:]
  /// Nodes with a directory of this rollout that no step has taken away yet: one-off recipients, keys sealed for others.
  private var untidy: Set<NodeID> = []
  /// What the nodes were proved to use. It counts once the VIP was seen to serve it: until then all may still be put back, and a journal that
  /// says "installed" of what was rolled back would never roll it out again.
  private var installed: [Event] = []
  /// Certificates whose reload left no trace on a node.
  private var unconfirmed: [NodeID: Set<SpecID>] = [:]

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
  private static let settling = 15.0

  /// Does one step. Facts about single certificates are recorded here; the step's own outcome by the caller.
  mutating func perform(_ step: Rollout.Step, _ rollout: Rollout) async throws(JournalError) -> Rollout.Outcome {
    let outcome = try await take(step, rollout)
    switch step {
    case .stage(let turn), .activate(let turn), .verify(let turn), .rollBack(let turn), .verifyOld(let turn):
      // Whoever is dead is tidied up at its return: it would only keep this one waiting.
      if case .nodeLost = outcome { await leave(node(turn)) }
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
    case .activate(let turn): return try await activate(node(turn), isLast: turn == .second)
    case .verify(let turn): return try await verify(node(turn))
    case .verifyVIP:
      let proof = VIPProof(pair: pair, recorder: deployer.recorder, verifier: deployer.verifier)
      let failure = try await proof.prove(batch, rollout: nil, proved: installed, patience: Self.settling)
      return failure.map { .failed($0) } ?? .succeeded
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
        $0.keyNode != nil && $0.keyNode != node && $0.installations[node]?.attempt != $0.issued?.attempt
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
      try await ejectAll(answer.failures)
      return emptiness
    }
  }

  private mutating func activate(_ id: NodeID, isLast: Bool) async throws(JournalError) -> Rollout.Outcome {
    let expected = RolloutWork.ExpectedRoles(
      vips: pair.pair.vips.filter { active[$0.id] != nil }, active: Set(active.filter { $0.value == id }.keys))
    switch try await reload(id, roles: expected, { $0.activate(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let answer):
      try await alarm(answer, id)
      unconfirmed[id] = answer.unconfirmed
      guard let worst = answer.failures.first else { return .succeeded }
      let isStuck = answer.certificates.values.contains { if case .stuck = $0 { true } else { false } }
      let isWhole = answer.failures.count == batch.count
      if isWhole, Set(answer.failures.map(\.failure.kind)).count == 1 { return .failed(worst.failure) }
      try await ejectAll(answer.failures)
      // On the first node the others go on; on the second they would leave the nodes apart, so both go back, and the others start anew.
      return isLast || isStuck ? .failed(worst.failure) : emptiness
    }
  }

  /// The best proof that this node allows: its own listener on the wire, else what its memory says, else the disk.
  private mutating func verify(_ id: NodeID) async throws(JournalError) -> Rollout.Outcome {
    switch await evidence(on: id, { $0.verify(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let evidence):
      var proofs = NodeProofs()
      for piece in evidence {
        switch piece.proof {
        case .failure(let failure): return .failed(failure.on(id, name: name(of: piece.spec)))
        case .success(let proof):
          let isConfirmed = proof.level > .disk || unconfirmed[id]?.contains(piece.spec) != true
          proofs.take(isConfirmed ? proof : (.unconfirmed, Self.noTrace), of: piece.spec)
        }
      }
      if let failure = await lookOnWire(id, &proofs) { return .failed(failure) }
      rememberInstalled(id, proofs)
      return .succeeded
    }
  }

  private static let noTrace = "a reload was asked for, and stunnel's log does not tell whether it was taken up"

  private func lookOnWire(_ id: NodeID, _ proofs: inout NodeProofs) async -> Failure? {
    guard let node = pair.links[id]?.node else { return nil }
    for termination in node.terminations {
      let held = batch.filter { termination.vips?.contains($0.spec.vip) ?? true }
      guard let probe = termination.probe else {
        for certificate in held {
          proofs.add("no address of this node's listener is known", to: certificate.spec.id)
        }
        continue
      }
      let sights = await deployer.verifier.look(
        at: probe.address, port: probe.port, for: held, patience: Self.settling)
      let others = proofs.take(sights, from: probe)
      for certificate in held {
        guard let seen = others[certificate.spec.id] else { continue }
        return Failure(.servesOldCertificate, seen, name: certificate.spec.names.first, node: id)
      }
    }
    return nil
  }

  private mutating func rememberInstalled(_ id: NodeID, _ proofs: NodeProofs) {
    installed += proofs.grouped(batch.compactMap(\.issuedReference), by: \.spec).map { proof, items in
      .installed(node: id, certificates: items, proof: proof.level, reason: proof.reason)
    }
  }

  // MARK: Back

  private func rollBack(_ id: NodeID) async throws(JournalError) -> Rollout.Outcome {
    switch try await reload(id, { $0.rollBack(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let answer): return answer.failures.first.map { .failed($0.failure) } ?? .succeeded
    }
  }

  private func verifyOld(_ id: NodeID) async -> Rollout.Outcome {
    switch await evidence(on: id, { $0.verifyOld(nonce: .fresh()) }) {
    case .failure(let failure): return Rollout.Outcome(failure)
    case .success(let evidence):
      for piece in evidence {
        if case .failure(let failure) = piece.proof { return .failed(failure.on(id, name: name(of: piece.spec))) }
      }
      return .succeeded
    }
  }

  private func cleanUp(_ id: NodeID, succeeded: Bool, spent: [AttemptID]) async -> Rollout.Outcome {
    guard pair.links[id] != nil else { return .succeeded }
    do throws(Failure) {
      try await work(on: id).cleanUp(succeeded: succeeded, spent: spent)
      return .succeeded
    } catch {
      return .failed(error)
    }
  }

  // MARK: Seams

  private func work(
    on id: NodeID, roles: RolloutWork.ExpectedRoles? = nil
  ) async throws(Failure) -> NodeWork {
    let files = batch.compactMap { certificate in
      certificate.issued.map { issued in
        BatchFile(
          issued, of: certificate.spec, sha1: issued.leafSHA1, sealedKey: sealed[id]?[issued.attempt],
          expected: certificate.mayOverwrite
            ? .anything : .leaves(certificate.ownLeaves(on: id) + (ever[certificate.spec.id] ?? [])))
      }
    }
    return try await pair.work(on: id, rollout: order.id, files: files, roles: roles)
  }

  private func run(on id: NodeID, _ script: (RolloutWork) -> RemoteScript) async -> Result<NodeAnswer, Failure> {
    do throws(Failure) {
      let answer = try await work(on: id).answer(to: script)
      return .success(answer)
    } catch {
      return .failure(error)
    }
  }

  /// A step that may reload the node. What reloading took is recorded, with what new connections met meanwhile.
  private func reload(
    _ id: NodeID, roles: RolloutWork.ExpectedRoles? = nil, _ script: (RolloutWork) -> RemoteScript
  ) async throws(JournalError) -> Result<NodeAnswer, Failure> {
    let done: (answer: NodeAnswer, reloads: [Reload])
    do throws(Failure) {
      let desk = ReloadDesk(pair: pair, verifier: deployer.verifier)
      done = try await desk.run(script, try await work(on: id, roles: roles), batch, neighbour: neighbour)
    } catch {
      return .failure(error)
    }
    if !done.reloads.isEmpty {
      try await deployer.recorder.record(done.reloads.map { .reloaded(rollout: order.id, node: id, reload: $0) })
    }
    return .success(done.answer)
  }

  private func evidence(on id: NodeID, _ script: (RolloutWork) -> RemoteScript) async -> Result<[Evidence], Failure> {
    do throws(Failure) {
      let evidence = try await work(on: id).evidence(from: script)
      return .success(evidence)
    } catch {
      return .failure(error)
    }
  }

  private var emptiness: Rollout.Outcome {
    batch.isEmpty ? .failed(Failure(.stageRefused, "no certificate of the batch is left")) : .succeeded
  }

  private func name(of spec: SpecID) -> String? { batch.first { $0.spec.id == spec }?.spec.names.first }

  private mutating func ejectAll(_ failures: [(spec: SpecID, failure: Failure)]) async throws(JournalError) {
    for (spec, failure) in failures {
      guard let certificate = batch.first(where: { $0.spec.id == spec }) else { continue }
      try await eject(certificate, failure)
    }
  }

  private mutating func eject(_ certificate: CertificateState, _ failure: Failure) async throws(JournalError) {
    blamesSingleCertificates = true
    batch.removeAll { $0.spec.id == certificate.spec.id }
    try await deployer.recorder.record(
      .ejected(rollout: order.id, spec: certificate.spec.id, failure: failure))
  }

  private func alarm(_ answer: NodeAnswer, _ id: NodeID) async throws(JournalError) {
    guard let alarm = answer.alarms.first else { return }
    try await pair.note(alarm, of: id)
  }
}
