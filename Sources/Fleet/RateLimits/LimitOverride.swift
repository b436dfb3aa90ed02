/// A limit that a CA raised for our account, or for one registered domain.
public struct LimitOverride: Sendable, Equatable {
  /// Which limit.
  public var limit: Limit
  /// The registered domain that it is for; nil: for our account, whatever the domain.
  public var domain: String?
  /// How much it allows now.
  public var quota: Quota

  /// Collects the parts.
  public init(limit: Limit, domain: String? = nil, quota: Quota) {
    self.limit = limit
    self.domain = domain
    self.quota = quota
  }
}

extension LimitTable {
  /// The table with what the CA raised; the later of two about the same thing counts.
  public func with(_ overrides: [LimitOverride]) -> LimitTable {
    overrides.reduce(into: self) { table, override in
      if let domain = override.domain {
        table.domainOverrides[domain] = override.quota
      } else {
        table.quotas[override.limit] = override.quota
      }
    }
  }
}
