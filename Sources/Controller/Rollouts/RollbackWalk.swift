import Appliance
import Fleet
import Foundation
import Journal
import PKI

/// An operator's rollback of one pair: asks every node what it keeps, puts it back where nothing speaks against it, node by node, each on
/// its own, and looks at what is served.
struct RollbackWalk {
  let id: RolloutID
  let pair: PairSession
  let certificates: [CertificateState]
  let recorder: Recorder
  let verifier: Verifier
  let clock: any TimeSource
  /// Every leaf that was ever issued for these certificates: each is ours wherever it lies.
  private let ever: [SpecID: [String]]
  private(set) var report = RollbackReport()

  init(
    id: RolloutID, pair: PairSession, certificates: [CertificateState], recorder: Recorder, verifier: Verifier,
    clock: any TimeSource
  ) throws(JournalError) {
    self.id = id
    self.pair = pair
    self.certificates = certificates
    self.recorder = recorder
    self.verifier = verifier
    self.clock = clock
    ever = try recorder.journal.leaves(of: certificates.map(\.spec.id))
  }

  /// Seconds that a listener may go on showing the newest certificate after the node accepted the previous one.
  private static let settling = 15.0

  /// What a node can put back, and what it has back already.
  private struct Choice {
    var toDo: [PreviousCertificate] = []
    var alreadyBack: [PreviousCertificate] = []
  }

  /// Goes over the nodes, the one with fewer active VIPs first.
  ///
  /// - Throws: `JournalError` only: what cannot be recorded must not be done.
  mutating func run() async throws(JournalError) {
    let survey = try await pair.survey()
    for node in pair.pair.nodes {
      if let failure = survey.unreachable[node.id] { report.nodes.append(.init(node: node.id, failure: failure)) }
    }
    let order = survey.rolloutOrder(of: pair.pair.nodes.map(\.id))
    var choices: [(node: NodeID, choice: Choice)] = []
    for node in order {
      do throws(Failure) {
        let choice = try await choose(on: node)
        choices.append((node, choice))
      } catch {
        report.nodes.append(.init(node: node, failure: error))
      }
    }
    // The nodes of a pair must not end with different certificates because one of them keeps no other: all that answer, or none.
    let refused = Set(report.lines.filter { $0.outcome == .refused }.map(\.spec))
    for (node, choice) in choices {
      for previous in choice.alreadyBack {
        note(previous, node, .unchanged, "it lies there already")
      }
      var toDo: [PreviousCertificate] = []
      for previous in choice.toDo {
        if refused.contains(previous.of.spec) {
          note(previous, node, .refused, "not without the pair's other node")
        } else {
          toDo.append(previous)
        }
      }
      if !toDo.isEmpty { try await putBack(toDo, on: node) }
    }
    let all = choices.flatMap { $0.choice.alreadyBack + $0.choice.toDo }.filter { !refused.contains($0.of.spec) }
    await lookAtVIPs(Dictionary(all.map { ($0.of.spec, $0) }) { first, _ in first })
  }

  // MARK: Before anything is touched

  private mutating func choose(on node: NodeID) async throws(Failure) -> Choice {
    let there = try await work(certificates, on: node)
    let script = there.work.previous(nonce: .fresh())
    let kept = try there.work.readPrevious(try await there.link.run(script), of: script)
    await tidy(there)
    var choice = Choice()
    for certificate in certificates {
      guard let of = certificate.issuedReference, let found = kept.first(where: { $0.spec == certificate.spec.id })
      else { continue }
      func refuse(_ why: String, _ serial: String? = nil) {
        report.lines.append(.init(spec: of.spec, node: node, outcome: .refused, serial: serial, detail: why))
      }
      switch found.kept {
      case .none: refuse("no previous certificate is kept on this node")
      case .first: refuse("this certificate was the first one: there is nothing to go back to")
      case .leaf(let pem):
        guard let leaf = Self.read(pem) else {
          refuse("what is kept on this node cannot be read")
          continue
        }
        let previous = PreviousCertificate(
          of: of, sha256: leaf.sha256Hex, serial: leaf.serialHex, notBefore: leaf.notBefore, notAfter: leaf.notAfter)
        if found.current == .leaf(previous.sha256) {
          if previous.sha256 == certificate.issued?.sha256 {
            refuse("what is kept is the newest certificate itself", previous.serial)
          } else {
            choice.alreadyBack.append(previous)
          }
        } else if leaf.notAfter <= clock.now {
          refuse("the previous certificate ran out on \(Wording.minute(leaf.notAfter)) UTC", previous.serial)
        } else if !isOurs(found.current, certificate, node) {
          refuse(
            "the file was replaced by hand: what lies there now is not certfleet's, and is left alone", previous.serial)
        } else {
          choice.toDo.append(previous)
        }
      }
    }
    return choice
  }

  /// A file that is gone may come back; one that cannot be read is somebody's.
  private func isOurs(_ current: KeptPrevious.Current, _ certificate: CertificateState, _ node: NodeID) -> Bool {
    switch current {
    case .none: true
    case .unreadable: false
    case .leaf(let leaf): leaf == certificate.issued?.sha256 || certificate.owned(on: node, ever: ever).contains(leaf)
    }
  }

  private static func read(_ pem: String) -> X509Certificate? {
    do throws(PKIError) {
      return try X509Certificate(pem: pem)
    } catch {
      return nil
    }
  }

  // MARK: On one node

  private mutating func putBack(_ previous: [PreviousCertificate], on node: NodeID) async throws(JournalError) {
    try await recorder.record(
      .rollbackStarted(rollback: id, pair: pair.pair.id, node: node, certificates: previous))
    var failed: [SpecID: Failure] = [:]
    var proofs = NodeProofs()
    var reloads: [Reload] = []
    do throws(Failure) {
      let chosen = certificates.filter { certificate in previous.contains { $0.of.spec == certificate.spec.id } }
      let there = try await work(chosen, on: node)
      let answer: NodeAnswer
      (answer, reloads) = try await ReloadDesk(pair: pair, verifier: verifier).run(
        { $0.rollBack(to: .ofLastRollout, nonce: .fresh()) }, there, chosen)
      for (spec, failure) in answer.failures { failed[spec] = failure }
      for (spec, outcome) in answer.certificates where outcome == .done(.untouched) {
        failed[spec] = Failure(.stageRefused, "the node no longer keeps a previous certificate", node: node)
      }
      let evidence = try await there.evidence { $0.verifyOld(.ofLastRollout, nonce: .fresh()) }
      for piece in evidence where failed[piece.spec] == nil {
        switch piece.proof {
        case .failure(let failure): failed[piece.spec] = failure.on(node, name: nil)
        case .success(let proof): proofs.take(proof, of: piece.spec)
        }
      }
      await lookOnWire(previous, node, &proofs, &failed)
      await tidy(there)
    } catch {
      for item in previous where failed[item.of.spec] == nil { failed[item.of.spec] = error }
    }
    report.reloads += reloads.map { .init(node: node, reload: $0) }
    try await record(previous, node, reloads, proofs, failed)
  }

  private func lookOnWire(
    _ previous: [PreviousCertificate], _ id: NodeID, _ proofs: inout NodeProofs, _ failed: inout [SpecID: Failure]
  ) async {
    guard let node = pair.links[id]?.node else { return }
    for termination in node.terminations {
      guard let probe = termination.probe else { continue }
      let wanted = self.wanted(previous) { spec in
        failed[spec.id] == nil && termination.vips?.contains(spec.vip) ?? true
      }
      let sights = await verifier.look(at: probe.address, port: probe.port, for: wanted, patience: Self.settling)
      for (spec, seen) in proofs.take(sights, from: probe) {
        failed[spec] = Failure(.servesOldCertificate, seen, node: id)
      }
    }
  }

  private mutating func record(
    _ previous: [PreviousCertificate], _ node: NodeID, _ reloads: [Reload], _ proofs: NodeProofs,
    _ failed: [SpecID: Failure]
  ) async throws(JournalError) {
    var refusals: [String: (failure: Failure, items: [AttemptReference])] = [:]
    for item in previous {
      if let proof = proofs[item.of.spec], failed[item.of.spec] == nil {
        note(item, node, .putBack, "\(proof.level.rawValue): \(proof.reason)")
      } else {
        let failure = failed[item.of.spec] ?? Failure(.interrupted, "the node gave no evidence", node: node)
        refusals["\(failure.kind) \(failure.detail)", default: (failure, [])].items.append(item.of)
        note(item, node, .failed, "\(failure.kind.title): \(failure.detail)")
      }
    }
    try await recorder.record(
      reloads.map { .reloaded(rollout: id, node: node, reload: $0) }
        + proofs.grouped(previous.filter { failed[$0.of.spec] == nil }, by: \.of.spec).map { proof, items in
          .rolledBack(rollback: id, node: node, certificates: items, proof: proof.level, reason: proof.reason)
        }
        + refusals.sorted { $0.key < $1.key }.map { _, group in
          .rollbackFailed(rollback: id, node: node, certificates: group.items, failure: group.failure)
        })
  }

  // MARK: What is served

  private mutating func lookAtVIPs(_ previous: [SpecID: PreviousCertificate]) async {
    for vip in pair.pair.vips {
      let wanted = self.wanted(Array(previous.values)) { $0.vip == vip.id }
      guard !wanted.isEmpty else { continue }
      let sights = await verifier.look(
        at: vip.address, port: vip.httpsPort, for: wanted, patience: Self.settling)
      for (spec, sight) in sights.sorted(by: { $0.key < $1.key }) {
        switch sight {
        case .same: break
        case .other(let seen), .silent(let seen):
          report.vips.append(.init(spec: spec, vip: vip.id, detail: seen))
        case .cut: report.vips.append(.init(spec: spec, vip: vip.id, detail: "the look was ended"))
        }
      }
    }
  }

  // MARK: Parts

  private func wanted(
    _ previous: [PreviousCertificate], where isWanted: (CertificateSpec) -> Bool
  ) -> [Verifier.Wanted] {
    previous.compactMap { item in
      guard let spec = certificates.first(where: { $0.spec.id == item.of.spec })?.spec, isWanted(spec) else {
        return nil
      }
      return Verifier.Wanted(spec, leaf: item.sha256)
    }
  }

  private mutating func note(
    _ item: PreviousCertificate, _ node: NodeID, _ outcome: RollbackReport.Outcome, _ detail: String
  ) {
    report.lines.append(
      .init(spec: item.of.spec, node: node, outcome: outcome, serial: item.serial, detail: detail))
  }

  private func work(_ certificates: [CertificateState], on id: NodeID) async throws(Failure) -> NodeWork {
    let files = certificates.compactMap { certificate in
      certificate.issued.map {
        BatchFile($0, of: certificate.spec, expected: .leaves(certificate.owned(on: id, ever: ever)))
      }
    }
    return try await pair.work(on: id, rollout: self.id, files: files)
  }

  /// Left-overs are harmless, and the next rollout sweeps them: what was done stands.
  private func tidy(_ there: NodeWork) async {
    do throws(Failure) {
      try await there.cleanUp(succeeded: false)
    } catch {
      return
    }
  }
}
