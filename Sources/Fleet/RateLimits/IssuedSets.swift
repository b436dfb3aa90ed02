import Foundation

/// When each authority last issued each exact set, whichever pair serves it: such orders are let off the account's and the domain's limits.
struct IssuedSets: Sendable {
  private var last: [Issuance: Date] = [:]

  private struct Issuance: Hashable {
    /// Nil where nobody knows: found on a node, not issued by us.
    var authority: AuthorityID?
    var names: NameSet
  }

  /// Boulder looks back 120 days (`ratelimits`). A day less, because an order may wait in our queue.
  private static let seconds = 119.0 * 86_400

  init(_ certificates: some Sequence<CertificateState>) {
    for certificate in certificates { learn(certificate) }
  }

  /// Takes in the newest certificate of one that is wanted.
  mutating func learn(_ certificate: CertificateState) {
    // After a revision the newest certificate holds other names than the spec.
    guard let issued = certificate.issued, certificate.issuedRevision == certificate.revision else { return }
    let key = Issuance(authority: certificate.attemptAuthority, names: certificate.spec.names)
    last[key] = max(last[key] ?? .distantPast, issued.notBefore)
  }

  /// Whether an order for exactly these names would be let off.
  func contains(_ names: NameSet, _ authority: AuthorityID, at now: Date) -> Bool {
    [authority, nil].contains { who in
      last[Issuance(authority: who, names: names)].map { now.timeIntervalSince($0) < Self.seconds } ?? false
    }
  }
}
