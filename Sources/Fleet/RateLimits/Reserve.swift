/// The emergency reserve: tokens of each bucket that everyday work leaves for an operator's urgent order or a certificate in danger.
public struct Reserve: Sendable, Equatable {
  /// The share of each limit's burst that is kept back, rounded down; absent means nothing.
  public var shares: [Limit: Double]

  /// Keeps back these shares.
  public init(shares: [Limit: Double]) { self.shares = shares }

  /// 15 of 300 new orders, 2 of 50 certificates of a domain, 1 of 5 of an exact set, 1 of 5 failures of a name.
  ///
  /// It costs nine minutes of a run that empties the account's bucket, once.
  public static let standard = Reserve(shares: [
    .newOrdersPerAccount: 0.05, .certificatesPerDomain: 0.04, .certificatesPerFQDNSet: 0.2, .failedAuthorizations: 0.2,
  ])

  /// Everything may be used by everybody.
  public static let nothing = Reserve(shares: [:])

  /// The tokens kept back in a bucket of this quota; everyday work can always use at least one.
  public func tokens(of limit: Limit, _ quota: Quota) -> Int64 {
    guard let share = shares[limit], share > 0 else { return 0 }
    return min(quota.burst - 1, Int64((Double(quota.burst) * min(share, 1) + 1e-9).rounded(.down)))
  }
}

/// Who asks for a token.
public enum Urgency: Sendable, Hashable, Codable {
  /// Everyday work, which leaves the reserve.
  case everyday
  /// A certificate in danger, or an operator's order: it may use the reserve.
  case emergency
}
