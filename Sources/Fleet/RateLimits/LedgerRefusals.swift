public import Foundation

/// What a CA's refusals say beyond the moment: who spends beside us, and how much there really is.
extension Ledger {
  /// Takes in a refusal of an order: the CA's word on when, on how much it allows, and that others spend from the bucket.
  public mutating func refused(_ failure: Failure, _ order: PlannedOrder, at now: Date) -> [BucketRow] {
    let signal = RateLimitSignal.read(
      status: 429, type: nil, detail: failure.detail,
      // Boulder rounds Retry-After to the nearest second, and the moment that we make of it is stored in whole ones.
      retryAfter: failure.retryAfter?.addingTimeInterval(2), at: now)
    guard let signal else { return [] }
    hear(signal, failure.detail, order)
    return apply(signal, to: order, at: now)
  }

  /// What earlier runs were refused, as far as it still stands: the same date in every answer to the question when.
  public mutating func learnRefusals(of state: FleetState, at now: Date) {
    for certificate in state.certificates.values {
      guard let failure = certificate.lastFailure, failure.kind == .rateLimited, let at = certificate.lastFailureAt,
        let authority = certificate.attemptAuthority,
        let signal = RateLimitSignal.read(
          status: 429, type: nil, detail: failure.detail, retryAfter: failure.retryAfter, at: at)
      else { continue }
      let order = PlannedOrder(
        authority: authority, names: certificate.spec.names, registeredDomains: certificate.spec.registeredDomains)
      hear(signal, failure.detail, order)
    }
  }

  private mutating func hear(_ signal: RateLimitSignal, _ detail: String, _ order: PlannedOrder) {
    guard case .limited(let limit, let subject, _) = signal else { return }
    drained.formUnion(Self.keys(limit, subject, order))
    guard let stated = RateLimitSignal.statedQuota(in: detail) else { return }
    for key in Self.keys(limit, subject, order) {
      // The words tell count and period, not the burst: only a rate that is lower than ours contradicts us.
      guard let believed = quota(of: key),
        Double(believed.refillMicroseconds) < 0.999 * Double(stated.refillMicroseconds)
      else { continue }
      // An override that the CA does not have: its own word counts.
      if limit == .certificatesPerDomain, tables[key.authority]?.domainOverrides[key.subject] != nil {
        tables[key.authority]?.domainOverrides[key.subject] = stated
      } else {
        tables[key.authority]?.quotas[limit] = stated
      }
    }
  }
}

extension RateLimitSignal {
  /// How much a CA says that it allows: "too many new orders (300) from this account in the last 3h0m0s".
  public static func statedQuota(in detail: String) -> Quota? {
    let text = String(detail.prefix(4_096))
    guard let match = text.firstMatch(of: /too many [a-z ]+ \((\d{1,9})\) .*in the last ((\d+)h)?((\d+)m)?((\d+)s)?/)
    else {
      return nil
    }
    let hours = match.3.flatMap { Double($0) } ?? 0
    let minutes = match.5.flatMap { Double($0) } ?? 0
    let seconds = match.7.flatMap { Double($0) } ?? 0
    guard let count = Int64(match.1) else { return nil }
    return Quota(burst: count, count: count, periodSeconds: hours * 3_600 + minutes * 60 + seconds)
  }
}
