import Fleet
import Foundation
import Net
import PKI

/// Looks at what is served: a TLS handshake with SNI, the leaf and the complete chain compared with what was issued.
struct Verifier: Sendable {
  let probe: CertificateProbe
  let clock: any TimeSource

  /// What a listener showed for one certificate.
  enum Sight: Sendable, Equatable {
    /// The issued leaf with the issued chain.
    case same
    /// Another certificate, or another chain; says which.
    case other(String)
    /// Nobody answered, or not with TLS.
    case silent(String)
  }

  /// Handshakes with one listener at the same time.
  private static let inFlight = 16

  /// Looks at every certificate on one address until it shows what was issued, at most `seconds` long: a reload takes effect a moment later.
  func look(
    at address: String, port: UInt16, for certificates: [CertificateState], patience seconds: Double
  ) async -> [SpecID: Sight] {
    let deadline = clock.now + seconds
    var sights: [SpecID: Sight] = [:]
    var left = certificates
    while true {
      for (spec, sight) in await once(at: address, port: port, for: left) { sights[spec] = sight }
      left = left.filter { sights[$0.spec.id] != .same }
      if left.isEmpty || clock.now >= deadline || Task.isCancelled { return sights }
      await clock.sleep(until: clock.now + 0.25)
    }
  }

  private func once(
    at address: String, port: UInt16, for certificates: [CertificateState]
  ) async -> [(SpecID, Sight)] {
    await withTaskGroup(of: (SpecID, Sight).self) { group in
      var results: [(SpecID, Sight)] = []
      var waiting = certificates[...]
      for certificate in waiting.prefix(Self.inFlight) {
        group.addTask { (certificate.spec.id, await sight(of: certificate, at: address, port: port)) }
      }
      waiting = waiting.dropFirst(Self.inFlight)
      while let result = await group.next() {
        results.append(result)
        if let certificate = waiting.popFirst() {
          group.addTask { (certificate.spec.id, await sight(of: certificate, at: address, port: port)) }
        }
      }
      return results
    }
  }

  private func sight(of certificate: CertificateState, at address: String, port: UInt16) async -> Sight {
    guard let issued = certificate.issued else { return .other("nothing was issued") }
    let first = certificate.spec.names.first
    let name = first.hasPrefix("*.") ? "certfleet" + first.dropFirst() : first
    do {
      let served = try await probe.chain(servedAt: address, port: port, serverName: name, deadline: .seconds(10))
      let chain = try served.chainPEM.map { pem throws(PKIError) in try X509Certificate(pem: pem) }
      guard let leaf = chain.first else { return .silent("no certificate was shown") }
      guard leaf.sha256Hex == issued.sha256 else {
        return .other(
          "\(address):\(port) shows serial \(leaf.serialHex) of \(leaf.issuer), valid until \(Wording.minute(leaf.notAfter)) UTC"
        )
      }
      let wanted = try issued.chain.map { pem throws(PKIError) in try X509Certificate(pem: pem) }
      guard chain.map(\.sha256Hex) == wanted.map(\.sha256Hex) else {
        return .other(
          "\(address):\(port) shows the new leaf with \(chain.count) of \(wanted.count) certificates of its chain")
      }
      return .same
    } catch let error as NetError {
      return .silent("\(address):\(port): \(error.detail)")
    } catch {
      return .silent("\(address):\(port) shows a certificate that cannot be read")
    }
  }
}
