/// Every rate limit that Let's Encrypt documents, under its own name. The raw values stand in SQLite and in limit files: never rename one.
///
/// Source: https://letsencrypt.org/docs/rate-limits/ (August 2026) and Boulder's `ratelimits` package for what is spent when.
public enum Limit: String, Sendable, Codable, CaseIterable, Comparable {
  /// New accounts from one IP address; checked and spent by newAccount.
  case newRegistrationsPerIPAddress = "NewRegistrationsPerIPAddress"
  /// New accounts from one IPv6 /48; checked and spent by newAccount.
  case newRegistrationsPerIPv6Range = "NewRegistrationsPerIPv6Range"
  /// New orders of one account; spent when the CA accepts newOrder, even if it gives back an order that exists.
  case newOrdersPerAccount = "NewOrdersPerAccount"
  /// Certificates under one registered domain (or IPv4 address, IPv6 /64), of all accounts of the world together; checked by
  /// newOrder, spent at issuance.
  case certificatesPerDomain = "CertificatesPerDomain"
  /// Certificates with exactly the same names, of all accounts together; checked by newOrder, spent at issuance.
  case certificatesPerFQDNSet = "CertificatesPerFQDNSet"
  /// Failed authorizations of one name by one account; checked by newOrder, spent by each failure.
  case failedAuthorizations = "FailedAuthorizationsPerDomainPerAccount"
  /// Failures in a row of one name; when it is used up the CA pauses the name until a person opens its unpause link. A success fills it.
  case failedAuthorizationsForPausing = "FailedAuthorizationsForPausingPerDomainPerAccount"

  /// What people read: "new orders per account".
  public var title: String {
    switch self {
    case .newRegistrationsPerIPAddress: "new accounts per address"
    case .newRegistrationsPerIPv6Range: "new accounts per IPv6 /48"
    case .newOrdersPerAccount: "new orders per account"
    case .certificatesPerDomain: "certificates per registered domain"
    case .certificatesPerFQDNSet: "certificates per exact set of names"
    case .failedAuthorizations: "failed authorizations per name"
    case .failedAuthorizationsForPausing: "failures in a row before the CA pauses a name"
    }
  }

  /// When a reserved token becomes a spent one.
  enum Moment: Sendable {
    case request, issuance, failure
  }

  /// When Boulder takes the token.
  var moment: Moment {
    switch self {
    case .newRegistrationsPerIPAddress, .newRegistrationsPerIPv6Range, .newOrdersPerAccount: .request
    case .certificatesPerDomain, .certificatesPerFQDNSet: .issuance
    case .failedAuthorizations, .failedAuthorizationsForPausing: .failure
    }
  }

  /// Orders as the documentation lists them.
  public static func < (left: Limit, right: Limit) -> Bool { left.rank < right.rank }

  /// By its rank: Swift would hash and compare the names, and every look at a bucket asks which limit it is.
  public func hash(into hasher: inout Hasher) { hasher.combine(rank) }

  /// By their ranks, too.
  public static func == (left: Limit, right: Limit) -> Bool { left.rank == right.rank }

  var rank: Int {
    switch self {
    case .newRegistrationsPerIPAddress: 0
    case .newRegistrationsPerIPv6Range: 1
    case .newOrdersPerAccount: 2
    case .certificatesPerDomain: 3
    case .certificatesPerFQDNSet: 4
    case .failedAuthorizations: 5
    case .failedAuthorizationsForPausing: 6
    }
  }
}
