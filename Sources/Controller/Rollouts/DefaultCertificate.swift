import Fleet
import Foundation
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
    for place in Set(own + vips.map(\.listener)) {
      seen[place] = await deployer.verifier.defaultLeaf(at: place)
    }
    return seen
  }

  /// The certificate of the batch that took the place of another site's for those visitors, if one did.
  func usurper(on id: NodeID) async throws(JournalError) -> (spec: SpecID, failure: Failure)? {
    for (place, before) in defaults[id] ?? [:] {
      // Where one of ours was the default already, another of ours may be.
      guard try deployer.recorder.journal.owner(ofLeaf: before.sha256Hex) == nil else { continue }
      let others = batch.filter { !$0.mayOverwrite && !before.dnsNames.contains($0.spec.names.first) }
      let vips = Set(pair.pair.vips.filter { $0.listener == place }.map(\.id))
      let seen = batch.filter { vips.contains($0.spec.vip) }
      guard !others.isEmpty, let after = await deployer.verifier.newDefault(at: place, before, after: seen),
        let shown = others.first(where: { $0.issued?.sha256 == after.sha256Hex })
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
  /// Looks at the same listener, after one of the new certificates was seen there: HAProxy's old process still takes connections for a moment.
  private static let looks = 5
  private static let pause = 0.1
  /// Certificates that are asked for until one of them shows.
  private static let few = 4

  /// What a listener shows to those who name no server since a reload; nil where that is what it was before, or nothing was seen.
  ///
  /// - Parameter batch: what was activated there and is to be waited for; the node's own listeners were waited for before.
  func newDefault(
    at place: ProbeAddress, _ before: X509Certificate, after batch: [CertificateState]
  ) async -> X509Certificate? {
    await takeUp(of: batch, at: place)
    for _ in 0..<Self.looks {
      guard let after = await defaultLeaf(at: place) else { return nil }
      if after != before { return after }
      await clock.sleep(until: clock.now + Self.pause)
    }
    return nil
  }

  /// Returns when a listener serves one of these, or after a while: each of them may be hidden by another file.
  private func takeUp(of batch: [CertificateState], at place: ProbeAddress) async {
    let some = Array(batch.prefix(Self.few))
    let deadline = clock.now + RolloutWalk.settling
    while !some.isEmpty, clock.now < deadline, !Task.isCancelled {
      let sights = await look(at: place.address, port: place.port, for: some, patience: 0)
      if sights.values.contains(.same) { return }
      await clock.sleep(until: clock.now + Self.pause)
    }
  }

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
