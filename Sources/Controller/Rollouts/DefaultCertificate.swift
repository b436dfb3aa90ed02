import Fleet
import Journal
import Net
import PKI

/// What visitors without a server name are shown must not change to a certificate of other names. With `crt DIR` a new file that sorts before
/// the first one does that at the next reload (HAProxy configuration manual, "crt").
extension RolloutWalk {
  /// What each place that leads to a node shows those visitors now: its own listeners, and the VIPs that it holds.
  func defaults(of id: NodeID, holding vips: [VIP]) async -> [ProbeAddress: X509Certificate] {
    let own = (pair.links[id]?.node.terminations ?? []).compactMap(\.probe)
    var seen: [ProbeAddress: X509Certificate] = [:]
    for place in Set(own + vips.map { ProbeAddress(address: $0.address, port: $0.httpsPort) }) {
      seen[place] = await deployer.verifier.defaultLeaf(at: place)
    }
    return seen
  }

  /// The certificate of the batch that took the place of another site's for those visitors, if one did.
  func usurper(on id: NodeID) async throws(JournalError) -> (spec: SpecID, failure: Failure)? {
    for (place, before) in defaults[id] ?? [:] {
      let after = await deployer.verifier.defaultLeaf(at: place)
      guard let after, after != before,
        let shown = batch.first(where: { $0.issued?.sha256 == after.sha256Hex }),
        // Where one of ours was the default already, another of ours may be.
        !shown.mayOverwrite, !before.dnsNames.contains(shown.spec.names.first),
        try deployer.recorder.journal.owner(ofLeaf: before.sha256Hex) == nil
      else { continue }
      let failure = Failure(
        .wouldBeDefault,
        "\(place.address):\(place.port) shows it to visitors without a server name, instead of serial \(before.serialHex) of "
          + before.issuer, name: shown.spec.names.first, node: id)
      return (shown.spec.id, failure)
    }
    return nil
  }
}

extension Verifier {
  /// What a listener shows to those who name no server; nil where nothing was seen.
  func defaultLeaf(at place: ProbeAddress) async -> X509Certificate? {
    do {
      let served = try await probe.chain(
        servedAt: place.address, port: place.port, serverName: nil, deadline: .seconds(10))
      return try served.chainPEM.first.map { pem throws(PKIError) in try X509Certificate(pem: pem) }
    } catch {
      return nil
    }
  }
}
