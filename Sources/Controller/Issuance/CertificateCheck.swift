import Fleet
import Foundation
import PKI

/// Judges what a CA gave for an order, before any node sees it.
struct CertificateCheck: Sendable {
  let attempt: Attempt
  let key: Attempt.Key
  let trust: TrustAnchors

  /// Certificates in a chain. Public CAs send two to four; each is sent again in every handshake.
  static let longestChain = 10

  /// The certificate, if its key is the one on the node, its names are the order's, and its chain is complete, in order, valid now, and no longer
  /// than a load balancer should send; otherwise why it is refused.
  func certificate(from chain: [String], at now: Date) -> Result<IssuedCertificate, Failure> {
    do throws(PKIError) {
      return try judged(chain, at: now).mapError { Failure(.badCertificate, $0.text) }
    } catch {
      return .failure(Failure(.badCertificate, "the CA's answer cannot be read: \(error.text)"))
    }
  }

  private struct Refusal: Error {
    var text: String
    init(_ text: String) { self.text = text }
  }

  private func judged(_ chain: [String], at now: Date) throws(PKIError) -> Result<IssuedCertificate, Refusal> {
    func refused(_ text: String) -> Result<IssuedCertificate, Refusal> { .failure(Refusal(text)) }
    guard chain.count <= Self.longestChain else { return refused("its chain has \(chain.count) certificates") }
    let certificates = try chain.map { pem throws(PKIError) in try X509Certificate(pem: pem) }
    guard let leaf = certificates.first else { return refused("the CA sent no certificate") }
    let request = try CertificateRequest(pem: key.request)
    guard leaf.publicKeySHA256 == request.publicKeySHA256 else {
      return refused("the certificate is for another key than the one on \(key.node)")
    }
    guard Set(leaf.dnsNames) == Set(attempt.names.names) else {
      return refused("the certificate is for \(leaf.dnsNames.joined(separator: ", "))")
    }
    guard !leaf.isAuthority else { return refused("the certificate may sign others (CA:TRUE)") }
    guard try X509Certificate.isOrderedChain(certificates) else { return refused("the chain is not in order") }
    guard !certificates.dropLast().contains(where: { $0.subject == $0.issuer }) else {
      return refused("the chain goes on after a self-signed certificate")
    }
    let verdict = try leaf.verdict(
      intermediates: Array(certificates.dropFirst()), trust: trust, at: now, serverName: nil)
    if case .refused(let refusal, let depth) = verdict {
      return refused("the chain is refused at depth \(depth): \(refusal.text)")
    }
    return .success(
      IssuedCertificate(
        attempt: attempt.id, sha256: leaf.sha256Hex, serial: leaf.serialHex, notBefore: leaf.notBefore,
        notAfter: leaf.notAfter, issuer: leaf.issuerCommonNames.first ?? leaf.issuer, chain: chain,
        publicKeySHA256: hex(leaf.publicKeySHA256)))
  }
}
