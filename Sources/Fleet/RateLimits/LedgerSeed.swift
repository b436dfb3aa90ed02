public import Foundation

/// A certificate that somebody got, as a CT log tells.
public struct LoggedCertificate: Sendable, Equatable {
  /// The exact set.
  public var names: NameSet
  /// The registered domains of the names, sorted and unique.
  public var registeredDomains: [String]
  /// When it was issued, at the latest.
  public var at: Date

  /// Collects the parts.
  public init(names: NameSet, registeredDomains: [String], at: Date) {
    self.names = names
    self.registeredDomains = registeredDomains
    self.at = at
  }
}

extension Ledger {
  /// Moves the buckets of domains and exact sets to where these certificates, all that the CA issued under their domains, must have brought them.
  ///
  /// Everybody's are among them, also ours: a bucket becomes as empty as the log says or stays as empty as we knew it, and the same file twice
  /// changes nothing. What the log shows as a renewal (the same set within 120 days) did not count for the domain.
  public mutating func seed(
    _ certificates: some Sequence<LoggedCertificate>, _ authority: AuthorityID, at now: Date
  ) -> [BucketRow] {
    var replayed: [BucketKey: Microseconds] = [:]
    var lastIssued: [NameSet: Date] = [:]
    for certificate in certificates.sorted(by: { $0.at < $1.at }) where certificate.at <= now {
      let isRenewal = lastIssued[certificate.names].map { certificate.at.timeIntervalSince($0) < 120 * 86_400 } ?? false
      lastIssued[certificate.names] = certificate.at
      let domains = isRenewal ? [] : certificate.registeredDomains.map { BucketKey.domain($0, authority) }
      for key in domains + [.exactSet(certificate.names, authority)] {
        guard let quota = quota(of: key) else { continue }
        replayed[key] = quota.spent(tat: replayed[key] ?? 0, at: certificate.at.microseconds + Self.slack)
      }
    }
    let moved = replayed.filter { $0.value > now.microseconds && $0.value > buckets[$0.key]?.tat ?? 0 }
    for (key, tat) in moved { buckets[key, default: Bucket()].tat = tat }
    return changed(Array(moved.keys))
  }
}
