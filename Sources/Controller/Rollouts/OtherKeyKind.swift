import Fleet
import Foundation
import Net
import PKI

/// A listener may hold a certificate of each kind of key for a name (`X.pem.rsa` beside `X.pem.ecdsa`, or two files), and visitors who do not
/// take ours are shown the other one.
extension Verifier {
  /// Looks as a visitor who takes the other kind of key alone.
  ///
  /// - Returns: for each certificate that has such a companion, which one stays in use beside it.
  func companions(
    of certificates: [CertificateState], at address: String, port: UInt16
  ) async -> [SpecID: String] {
    await each(certificates, \.spec.id) { await companion(of: $0, at: address, port: port) }.compactMapValues { $0 }
  }

  private func companion(of certificate: CertificateState, at address: String, port: UInt16) async -> String? {
    let kind: CertificateProbe.KeyKind
    switch certificate.spec.key {
    case .ecdsaP256, .ecdsaP384: kind = .rsa
    case .rsa2048, .rsa3072, .rsa4096: kind = .ecdsa
    }
    let name = Wanted(certificate.spec, leaf: "").serverName
    let leaf: X509Certificate
    do {
      let served = try await probe.chain(
        servedAt: address, port: port, serverName: name, keyKind: kind, deadline: .seconds(10))
      guard let pem = served.chainPEM.first else { return nil }
      leaf = try X509Certificate(pem: pem)
    } catch {
      // Most listeners have one kind, and end such a handshake.
      return nil
    }
    // The default certificate of the listener, of other names, is nobody's business here.
    guard leaf.sha256Hex != certificate.issued?.sha256, leaf.dnsNames.contains(certificate.spec.names.first) else {
      return nil
    }
    return "visitors who take \(kind.rawValue) keys alone are still shown serial \(leaf.serialHex) of \(leaf.issuer), "
      + "valid until \(Wording.minute(leaf.notAfter)) UTC, which certfleet does not renew"
  }
}
