/// Names one bucket: whose limit it is, which limit, and what is counted. Its text form is the primary key in SQLite.
public struct BucketKey: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The authority. The fleet has one account at each, so the authority's id stands for the account too.
  public var authority: AuthorityID { parts.authority }
  /// The limit.
  public var limit: Limit { parts.limit }
  /// A registered domain, an exact set, a name; `account` and `here` where there is only one.
  public var subject: String { parts.subject }
  private let parts: Parts

  /// An object: an order hands its keys around and looks its buckets up a dozen times from the decision to the certificate.
  private final class Parts: Sendable {
    let authority: AuthorityID
    let limit: Limit
    let subject: String
    /// Made once.
    let hash: Int

    init(_ authority: AuthorityID, _ limit: Limit, _ subject: String) {
      self.authority = authority
      self.limit = limit
      self.subject = subject
      // The process's own seed is in it, so nobody can choose names that collide.
      var hasher = Hasher()
      hasher.combine(limit)
      hasher.combine(subject)
      hash = hasher.finalize()
    }
  }

  /// Names a bucket.
  public init(authority: AuthorityID, limit: Limit, subject: String) { parts = Parts(authority, limit, subject) }

  /// Feeds the hash that was made before.
  public func hash(into hasher: inout Hasher) { hasher.combine(parts.hash) }

  /// Mostly it is the very same key; else the hash tells nearly all others apart.
  public static func == (left: BucketKey, right: BucketKey) -> Bool {
    left.parts === right.parts
      || left.parts.hash == right.parts.hash && left.limit == right.limit && left.subject == right.subject
        && left.authority == right.authority
  }

  /// `authority/limit/subject`; nil unless all three are there and the limit is known.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, !parts[2].isEmpty, let limit = Limit(rawValue: String(parts[1])) else {
      return nil
    }
    self.init(authority: AuthorityID(String(parts[0])), limit: limit, subject: String(parts[2]))
  }

  /// Ids hold no `/` (they match `[A-Za-z0-9][A-Za-z0-9._-]*`), so this reads back without doubt.
  public var description: String { "\(authority)/\(limit.rawValue)/\(subject)" }

  /// New orders of our account.
  public static func newOrders(_ authority: AuthorityID) -> BucketKey {
    BucketKey(authority: authority, limit: .newOrdersPerAccount, subject: "account")
  }

  /// Certificates under a registered domain, in lower case.
  public static func domain(_ domain: String, _ authority: AuthorityID) -> BucketKey {
    BucketKey(authority: authority, limit: .certificatesPerDomain, subject: domain.folded)
  }

  /// Certificates with exactly these names.
  public static func exactSet(_ names: NameSet, _ authority: AuthorityID) -> BucketKey {
    BucketKey(authority: authority, limit: .certificatesPerFQDNSet, subject: subject(of: names))
  }

  /// Failed authorizations of a name.
  public static func failures(_ name: String, _ authority: AuthorityID) -> BucketKey {
    BucketKey(authority: authority, limit: .failedAuthorizations, subject: name.folded)
  }

  /// Failures of a name in a row.
  public static func pausing(_ name: String, _ authority: AuthorityID) -> BucketKey {
    BucketKey(authority: authority, limit: .failedAuthorizationsForPausing, subject: name.folded)
  }

  /// New accounts from the address (`.newRegistrationsPerIPAddress`) or /48 that this controller has.
  public static func newAccounts(_ limit: Limit, _ authority: AuthorityID) -> BucketKey {
    BucketKey(authority: authority, limit: limit, subject: "here")
  }

  /// The name itself, or the first name, how many follow, and 128 bits that tell sets apart: a hundred names would make a key of 25 kB.
  private static func subject(of names: NameSet) -> String {
    guard names.names.count > 1 else { return names.first }
    let low = StableHash.of(names.names, seed: 0)
    let high = StableHash.of(names.names, seed: 0x9E37_79B9_7F4A_7C15)
    return "\(names.first)+\(names.names.count - 1)~\(StableHash.hex(high))\(StableHash.hex(low))"
  }

  /// By authority, then limit, then subject.
  public static func < (left: BucketKey, right: BucketKey) -> Bool {
    if left.authority != right.authority { return left.authority < right.authority }
    if left.limit != right.limit { return left.limit < right.limit }
    return left.subject < right.subject
  }
}
