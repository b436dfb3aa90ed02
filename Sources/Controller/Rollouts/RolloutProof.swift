import Appliance
import Fleet
import Foundation
import Journal
import PKI

/// What is served is looked at, name by name: what is not proved goes back, and the others stay.
extension RolloutWalk {
  /// The best proof that this node allows: its own listener on the wire, else what its memory says, else the disk. What is not proved goes
  /// back, and the others stay.
  mutating func verify(_ id: NodeID) async throws(JournalError) -> Rollout.Outcome {
    while true {
      var proofs = NodeProofs()
      var failures: [SpecID: Failure] = [:]
      switch await evidence(on: id, batch, { $0.verify(nonce: .fresh()) }) {
      case .failure(let failure): return Rollout.Outcome(failure)
      case .success(let evidence):
        for piece in evidence where failures[piece.spec] == nil {
          switch piece.proof {
          case .failure(let failure): failures[piece.spec] = failure.on(id, name: name(of: piece.spec))
          case .success(let proof):
            let isConfirmed = proof.level > .disk || unconfirmed[id]?.contains(piece.spec) != true
            proofs.take(isConfirmed ? proof : (.unconfirmed, Self.noTrace), of: piece.spec)
          }
        }
      }
      await lookOnWire(id, &proofs, &failures)
      if let found = try await usurper(on: id) { failures[found.spec] = found.failure }
      if failures.isEmpty {
        proved[id] = proofs
        return .succeeded
      }
      if let failure = try await withdrawUnlessAll(failures) { return .failed(failure) }
    }
  }

  private static let noTrace = "a reload was asked for, and stunnel's log does not tell whether it was taken up"

  private func lookOnWire(
    _ id: NodeID, _ proofs: inout NodeProofs, _ failures: inout [SpecID: Failure]
  ) async {
    guard let node = pair.links[id]?.node else { return }
    for termination in node.terminations {
      let held = batch.filter { failures[$0.spec.id] == nil && termination.vips?.contains($0.spec.vip) ?? true }
      guard let probe = termination.probe else {
        for certificate in held {
          proofs.add("no address of this node's listener is known", to: certificate.spec.id)
        }
        continue
      }
      let sights = await deployer.verifier.look(
        at: probe.address, port: probe.port, for: held, patience: Self.settling)
      let others = proofs.take(sights, from: probe)
      let shadowed = held.filter { others[$0.spec.id] != nil }
      let files = await files(of: shadowed, shownAt: probe, on: id)
      if case .haproxy = termination {
        let same = held.filter { sights[$0.spec.id] == .same }
        for (spec, words) in await deployer.verifier.companions(of: same, at: probe.address, port: probe.port) {
          proofs.add(words, to: spec)
        }
      }
      for certificate in shadowed {
        let file = files[certificate.spec.id].map { "; that lies in \($0)" } ?? ""
        failures[certificate.spec.id] = Failure(
          .servesOldCertificate, (others[certificate.spec.id] ?? "") + file, name: certificate.spec.names.first,
          node: id)
      }
    }
  }

  /// Which files hold what the listener shows instead, as far as the node can tell.
  private func files(
    of certificates: [CertificateState], shownAt probe: ProbeAddress, on id: NodeID
  ) async -> [SpecID: String] {
    guard !certificates.isEmpty else { return [:] }
    let wanted = certificates.map { Verifier.Wanted($0.spec, leaf: $0.issued?.sha256 ?? "") }
    let seen = await deployer.verifier.leaves(at: probe.address, port: probe.port, for: wanted)
    let leaves = seen.compactMapValues { answer in
      if case .success(let leaf) = answer { leaf.pem } else { nil }
    }
    do throws(Failure) {
      let there = try await work(on: id, certificates)
      let script = there.work.whereabouts(of: leaves, nonce: .fresh())
      return try there.work.readWhereabouts(try await there.link.run(script), of: script)
    } catch {
      return [:]
    }
  }

  /// Handshakes with the VIPs. A certificate that is not served goes back on every node, and the others stay; when none is, the wrong node
  /// answers, or nobody.
  mutating func verifyVIP() async throws(JournalError) -> Rollout.Outcome {
    let proof = VIPProof(pair: pair, recorder: deployer.recorder, verifier: deployer.verifier)
    while true {
      let seen = await proof.look(at: batch, patience: Self.settling)
      if seen.failures.isEmpty {
        let events = installed + seen.events
        if !events.isEmpty { try await deployer.recorder.record(events) }
        return .succeeded
      }
      if let failure = try await withdrawUnlessAll(seen.failures) { return .failed(failure) }
    }
  }

  var installed: [Event] {
    nodes.flatMap { id in
      (proved[id]?.grouped(batch.compactMap(\.issuedReference), by: \.spec) ?? []).map { proof, items in
        Event.installed(node: id, certificates: items, proof: proof.level, reason: proof.reason)
      }
    }
  }

  // MARK: Single certificates back

  /// Further reloads that one node is asked for in one rollout, to put single certificates back.
  private static let mostWithdrawals = 2

  /// What is not proved goes back, unless nothing is: then all is to be put back.
  private mutating func withdrawUnlessAll(_ failures: [SpecID: Failure]) async throws(JournalError) -> Failure? {
    if Task.isCancelled { return Failure(.interrupted, "the look was ended") }
    guard failures.count < batch.count else {
      evidence = failures
      return batch.compactMap { failures[$0.spec.id] }.first
    }
    return try await withdraw(failures, from: activated)
  }

  /// Puts certificates back on the nodes that took them, and out of the batch, each with its own failure.
  ///
  /// - Returns: why that could not be done; then all is to be put back.
  mutating func withdraw(
    _ failures: [SpecID: Failure], from nodes: [NodeID]
  ) async throws(JournalError) -> Failure? {
    let guilty = batch.filter { failures[$0.spec.id] != nil }
    guard !guilty.isEmpty else { return nil }
    for id in nodes.reversed() {
      if let failure = try await putBack(guilty, on: id) {
        evidence = failures
        return failure
      }
    }
    try await ejectAll(failures)
    return nil
  }

  private mutating func putBack(
    _ guilty: [CertificateState], on id: NodeID
  ) async throws(JournalError) -> Failure? {
    guard withdrawals[id, default: 0] < Self.mostWithdrawals else {
      return Failure(
        .servesOldCertificate, "\(guilty[0].spec.names.first) is not served, and \(id) was reloaded often enough",
        node: id)
    }
    switch try await reload(id, guilty, { $0.rollBack(nonce: .fresh()) }) {
    case .failure(let failure): return failure
    case .success(let answer):
      if answer.reloads.contains(where: { $0.count > 0 }) { withdrawals[id, default: 0] += 1 }
      if let first = answer.failures.first { return first.failure }
    }
    return await oldIsUsed(guilty, on: id)
  }

  /// Why the previous set is not in use, if it is not.
  func oldIsUsed(_ certificates: [CertificateState], on id: NodeID) async -> Failure? {
    switch await evidence(on: id, certificates, { $0.verifyOld(nonce: .fresh()) }) {
    case .failure(let failure): return failure
    case .success(let evidence):
      for piece in evidence {
        if case .failure(let failure) = piece.proof { return failure.on(id, name: name(of: piece.spec)) }
      }
      return nil
    }
  }
}
