import Appliance
import Fleet
import Foundation
import Journal

/// Sees what the nodes and VIPs of one pair show of what was proved there before, and records what changed. Changes nothing on a node.
struct PairLook: Sendable {
  let pair: PairSession
  let recorder: Recorder
  let wire: WireLook
  let clock: any TimeSource

  /// Certificates that one script asks a node for: the shell's tables are lists, and answer slower the more there is in them.
  private static let perScript = 200

  /// Looks at these certificates, on every node that can be asked and at every VIP that has one active node.
  func look(at certificates: [CertificateState]) async throws(JournalError) {
    let seen = await see(certificates)
    // A look that was cut short is no verdict.
    if Task.isCancelled { return }
    let own = try ownLeaves(of: certificates, seen)
    var findings = LookFindings(strangers: await pair.strangers, at: clock.now)
    for certificate in certificates { findings.judge(certificate, seen, own[certificate.spec.id]) }
    if !findings.events.isEmpty { try await recorder.record(findings.events) }
    try await recorder.journal.keep(findings.sightings, at: findings.at)
    for node in pair.pair.nodes { try await pair.hear(seen.death(of: node.id), of: node.id) }
  }

  // MARK: Looking

  /// What came of one of the looks that go on at the same time.
  private enum Part: Sendable {
    case onNode(NodeID, [SeenOnNode])
    case atNode(NodeID, termination: Int, WireLook.Answer)
    case atVIP(VIPID, NodeID, WireLook.Answer)
    case none
  }

  private func see(_ certificates: [CertificateState]) async -> PairSighting {
    await withTaskGroup(of: Part.self) { group in
      for node in pair.pair.nodes {
        let there = certificates.compactMap { certificate in
          certificate.expected(on: node.id).map { Proved(spec: certificate.spec, leaf: $0) }
        }
        guard !there.isEmpty else { continue }
        for share in there.chunked(by: Self.perScript) { group.addTask { await ask(node, share) } }
        for (index, termination) in node.terminations.enumerated() {
          guard let probe = termination.probe else { continue }
          let questions = there.filter { termination.vips?.contains($0.spec.vip) ?? true }.map(\.question)
          guard !questions.isEmpty else { continue }
          group.addTask {
            let answer = await wire.look(at: probe, questions)
            return .atNode(node.id, termination: index, answer)
          }
        }
      }
      for vip in pair.pair.vips {
        let there = certificates.filter { $0.spec.vip == vip.id }.compactMap { certificate in
          certificate.expectedAtVIP.map { Proved(spec: certificate.spec, leaf: $0) }
        }
        guard !there.isEmpty else { continue }
        group.addTask { await ask(vip, there) }
      }
      var sighting = PairSighting(nodes: pair.pair.nodes)
      for await part in group {
        switch part {
        case .onNode(let node, let seen): sighting.take(seen, of: node)
        case .atNode(let node, let termination, let answer): sighting.take(answer, of: node, termination)
        case .atVIP(let vip, let active, let answer): sighting.take(answer, at: vip, active: active)
        case .none: break
        }
      }
      return sighting
    }
  }

  private struct Proved: Sendable {
    var spec: CertificateSpec
    var leaf: ExpectedLeaf
    var question: WireLook.Question { WireLook.Question(spec, expected: leaf.leaf.sha256 ?? "") }
  }

  private func ask(_ node: Node, _ there: [Proved]) async -> Part {
    let files = there.map { proved in
      BatchFile(
        spec: proved.spec.id, attempt: AttemptID("look"), vip: proved.spec.vip, label: proved.spec.label,
        names: proved.spec.names, chain: "", sha256: proved.leaf.leaf.sha256 ?? "", serial: proved.leaf.leaf.serial,
        publicKeySHA256: "", expected: .leaves([]))
    }
    do throws(Failure) {
      let there = try await pair.work(on: node.id, rollout: RolloutID("look"), files: files)
      let seen = try await there.seen()
      return .onNode(node.id, seen)
    } catch {
      // The survey tells of nodes that do not answer.
      return .none
    }
  }

  /// Whose handshakes the VIP's are is known only while exactly one node holds it.
  private func ask(_ vip: VIP, _ there: [Proved]) async -> Part {
    guard case .node(let active) = await pair.activeNode(for: vip.id, atMost: 60) else { return .none }
    let answer = await wire.look(at: vip.listener, there.map(\.question))
    guard case .node(active) = await pair.activeNode(for: vip.id, atMost: 5) else { return .none }
    return .atVIP(vip.id, active, answer)
  }

  /// What was ever issued, asked of the journal only for what shows something else.
  private func ownLeaves(
    of certificates: [CertificateState], _ seen: PairSighting
  ) throws(JournalError) -> [SpecID: OwnLeaves] {
    var own: [SpecID: OwnLeaves] = [:]
    for certificate in certificates {
      let others = seen.others(than: certificate)
      guard !others.isEmpty else { continue }
      own[certificate.spec.id] = try recorder.journal.issuedLeaves(
        of: certificate.spec, among: others.compactMap(\.sha256))
    }
    return own
  }
}

extension NodeWork {
  /// Has the node tell what lies there, is listed and in memory.
  func seen() async throws(Failure) -> [SeenOnNode] {
    let script = work.look(nonce: .fresh())
    return try work.readLook(try await link.run(script), of: script)
  }
}

extension Array {
  /// In parts of at most so many.
  func chunked(by size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}

extension CertificateState {
  /// What the node was last proved to use.
  func expected(on node: NodeID) -> ExpectedLeaf? {
    installations[node].flatMap { expected($0.sha256, of: $0.attempt) }
  }

  /// What the VIP was last seen to serve.
  var expectedAtVIP: ExpectedLeaf? {
    guard let served else { return nil }
    if let issued, issued.attempt == served { return expected(issued.sha256, of: served) }
    return installations.values.first { $0.attempt == served }.flatMap { expected($0.sha256, of: served) }
  }

  private func expected(_ sha256: String, of attempt: AttemptID) -> ExpectedLeaf? {
    guard let issued else { return nil }
    let danger = RenewalPolicy.dangerSeconds(issued.life)
    guard issued.attempt == attempt else {
      // Of one that came back by a rollback only its sum is known.
      return ExpectedLeaf(
        leaf: SeenLeaf(sha256: sha256, serial: ""), notAfter: servedNotAfter ?? issued.notAfter, dangerSeconds: danger)
    }
    return ExpectedLeaf(
      leaf: SeenLeaf(sha256: sha256, sha1: issued.leafSHA1?.lowercased(), serial: issued.serial),
      notAfter: issued.notAfter, dangerSeconds: danger)
  }
}
