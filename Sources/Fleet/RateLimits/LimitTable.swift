/// The limits that one authority enforces on us. A limit that is absent does not exist there.
public struct LimitTable: Sendable, Equatable {
  /// The quota of each limit.
  public var quotas: [Limit: Quota]
  /// Raised limits of single registered domains, as an override form grants them.
  public var domainOverrides: [String: Quota]
  /// Requests a second that the CA's front end takes from one address, by endpoint.
  public var ceilings: [Endpoint: RequestCeiling]

  /// Collects the parts.
  public init(
    quotas: [Limit: Quota], domainOverrides: [String: Quota] = [:], ceilings: [Endpoint: RequestCeiling] = [:]
  ) {
    self.quotas = quotas
    self.domainOverrides = domainOverrides
    self.ceilings = ceilings
  }

  /// The quota of a bucket; nil where nothing limits.
  public func quota(_ limit: Limit, subject: String) -> Quota? {
    if limit == .certificatesPerDomain, let override = domainOverrides[subject] { return override }
    return quotas[limit]
  }

  /// Nothing is limited: Pebble, or a CA of one's own.
  public static let none = LimitTable(quotas: [:])

  /// Let's Encrypt's production, as documented in August 2026.
  public static let letsEncrypt = LimitTable(
    quotas: [
      .newRegistrationsPerIPAddress: Quota(burst: 10, refillMicroseconds: 1_080_000_000),
      .newRegistrationsPerIPv6Range: Quota(burst: 500, refillMicroseconds: 21_600_000),
      .newOrdersPerAccount: Quota(burst: 300, refillMicroseconds: 36_000_000),
      .certificatesPerDomain: Quota(burst: 50, refillMicroseconds: 12_096_000_000),
      .certificatesPerFQDNSet: Quota(burst: 5, refillMicroseconds: 120_960_000_000),
      .failedAuthorizations: Quota(burst: 5, refillMicroseconds: 720_000_000),
      .failedAuthorizationsForPausing: Quota(burst: 1_152, refillMicroseconds: 86_400_000_000),
    ],
    ceilings: [
      .newNonce: RequestCeiling(perSecond: 20, burst: 10), .newAccount: RequestCeiling(perSecond: 5, burst: 15),
      .newOrder: RequestCeiling(perSecond: 300, burst: 200), .revokeCert: RequestCeiling(perSecond: 10, burst: 100),
      .renewalInfo: RequestCeiling(perSecond: 1_000, burst: 100), .directory: RequestCeiling(perSecond: 40, burst: 40),
      .other: RequestCeiling(perSecond: 250, burst: 125),
    ])

  /// Let's Encrypt's staging environment, as documented in August 2026.
  public static let letsEncryptStaging = LimitTable(
    quotas: [
      .newRegistrationsPerIPAddress: Quota(burst: 50, refillMicroseconds: 216_000_000),
      .newRegistrationsPerIPv6Range: Quota(burst: 500, refillMicroseconds: 21_600_000),
      .newOrdersPerAccount: Quota(burst: 1_500, refillMicroseconds: 7_200_000),
      // 30 000 a second, as printed: 33.3 µs, rounded up.
      .certificatesPerDomain: Quota(burst: 30_000, refillMicroseconds: 34),
      .certificatesPerFQDNSet: Quota(burst: 30_000, refillMicroseconds: 20_160_000),
      .failedAuthorizations: Quota(burst: 200, refillMicroseconds: 18_000_000),
      // "3600 per 6 hours", as printed; how burst and count divide is not documented.
      .failedAuthorizationsForPausing: Quota(burst: 3_600, refillMicroseconds: 6_000_000),
    ],
    ceilings: [
      .newNonce: RequestCeiling(perSecond: 20, burst: 10), .newAccount: RequestCeiling(perSecond: 5, burst: 15),
      .newOrder: RequestCeiling(perSecond: 20, burst: 40), .revokeCert: RequestCeiling(perSecond: 10, burst: 100),
      .renewalInfo: RequestCeiling(perSecond: 1_000, burst: 100), .directory: RequestCeiling(perSecond: 40, burst: 40),
      .other: RequestCeiling(perSecond: 20, burst: 20),
    ])
}
