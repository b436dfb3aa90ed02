public import Foundation

/// New accounts, which the CA counts by the address that asks: all certfleets behind one address share these buckets.
extension Ledger {
  /// Whether an account may be asked for now, over IPv6 or not; the longest wait is named.
  public func decideAccount(_ authority: AuthorityID, overIPv6: Bool, at now: Date) -> LedgerDecision {
    var latest: (until: Date, key: BucketKey)?
    for key in accountKeys(authority, overIPv6) {
      switch opening(of: key, for: .emergency, at: now.microseconds) {
      case .open: break
      case .occupied: return .occupied(key)
      case .at(let until):
        let until = Date(microseconds: until)
        if until > latest?.until ?? .distantPast { latest = (until, key) }
      }
    }
    return latest.map { .wait(until: $0.until, $0.key) } ?? .now
  }

  /// An account is about to be asked for. Counted before the request leaves, and kept if it fails: the CA spends when it is asked.
  public mutating func accountRequested(_ authority: AuthorityID, overIPv6: Bool, at now: Date) -> [BucketRow] {
    let keys = accountKeys(authority, overIPv6)
    for key in keys { spend(key, at: now.microseconds) }
    return changed(keys)
  }

  private func accountKeys(_ authority: AuthorityID, _ overIPv6: Bool) -> [BucketKey] {
    let limits: [Limit] = [.newRegistrationsPerIPAddress] + (overIPv6 ? [.newRegistrationsPerIPv6Range] : [])
    return limits.map { BucketKey.newAccounts($0, authority) }.filter { quota(of: $0) != nil }
  }
}
