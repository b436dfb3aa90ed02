import Fleet
import Foundation
import Journal

/// "Done" means that the VIP serves it: handshakes with the VIP, and what they prove of the node that holds it.
struct VIPProof: Sendable {
  let pair: PairSession
  let recorder: Recorder
  let verifier: Verifier

  /// Looks at every certificate on its VIP, and records what is served.
  ///
  /// - Parameters:
  ///   - rollout: where a certificate's own failure is recorded. Nil is the rollout that asks: it puts all back if one is not served, so
  ///     nothing is recorded unless all are.
  ///   - proved: what the nodes were proved to use on the way here, recorded together with what the VIP serves.
  /// - Returns: the first failure, if there is one.
  func prove(
    _ certificates: [CertificateState], rollout: RolloutID?, proved: [Event] = [], patience: Double = 2
  ) async throws(JournalError) -> Failure? {
    var worst: Failure?
    var all = proved
    for (vipID, batch) in Dictionary(grouping: certificates, by: \.spec.vip).sorted(by: { $0.key < $1.key }) {
      guard let vip = pair.pair.vips.first(where: { $0.id == vipID }) else { continue }
      let sights = await verifier.look(at: vip.address, port: vip.httpsPort, for: batch, patience: patience)
      let served = batch.filter { sights[$0.spec.id] == .same }
      var events: [Event] = []
      if !served.isEmpty {
        events += await wireProofs(served, vip)
        events.append(.served(certificates: served.compactMap(\.issuedReference)))
      }
      for certificate in batch where sights[certificate.spec.id] != .same {
        let failure = Self.failure(sights[certificate.spec.id], certificate, vip)
        worst = worst ?? failure
        if let rollout { events.append(.ejected(rollout: rollout, spec: certificate.spec.id, failure: failure)) }
      }
      all += events
    }
    if !all.isEmpty, worst == nil || rollout != nil { try await recorder.record(all) }
    return worst
  }

  /// The VIP leads to the node that holds it, so its handshake is that node's proof on the wire; it proves nothing of the other.
  private func wireProofs(_ served: [CertificateState], _ vip: VIP) async -> [Event] {
    guard case .node(let node) = await pair.activeNode(for: vip.id, atMost: 5) else { return [] }
    let better = served.filter { certificate in
      guard let installation = certificate.installations[node] else { return true }
      return installation.attempt != certificate.issued?.attempt || installation.proof < .wire
    }
    guard !better.isEmpty else { return [] }
    return [
      .installed(
        node: node, certificates: better.compactMap(\.issuedReference), proof: .wire,
        reason: "handshake with the VIP \(vip.address):\(vip.httpsPort) while this node held it")
    ]
  }

  private static func failure(_ sight: Verifier.Sight?, _ certificate: CertificateState, _ vip: VIP) -> Failure {
    let words =
      switch sight {
      case .other(let seen): seen
      case .silent(let reason): "the VIP does not answer from here: \(reason)"
      case .same, nil: "VIP \(vip.id) was not looked at"
      }
    return Failure(.servesOldCertificate, words, name: certificate.spec.names.first)
  }
}
