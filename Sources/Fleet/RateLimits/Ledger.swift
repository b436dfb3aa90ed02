public import Foundation

/// What is left of every limit, and what is promised to attempts that are under way.
///
/// A value without clock or file. Every mutation returns the rows that it changed; the journal stores them in the transaction of
/// the event that caused them, so a killed process forgets nothing. The state never promises more than the CA has: a token is held
/// from the moment an order is decided, and counted as spent no earlier than the CA can have spent it (see Docs/RateLimits.md).
public struct Ledger: Sendable, Equatable {
  /// The limits of each authority; one that is absent has none.
  public var tables: [AuthorityID: LimitTable] {
    didSet { only = Only(tables) }
  }
  private var only: Only?
  /// What everyday work leaves.
  public var reserve: Reserve
  var buckets: [BucketKey: Bucket]
  /// Buckets that others spend from as well, as a refusal told: a reserve there would only be theirs.
  var drained: Set<BucketKey> = []
  /// The buckets in which an attempt holds a token.
  var held: [AttemptID: [BucketKey]]
  /// Whether mutations return the rows that they changed. A forecast stores nothing, and collecting them is most of a mutation's cost.
  var returnsRows = true

  /// The ledger as it was stored.
  public init(tables: [AuthorityID: LimitTable], reserve: Reserve = .standard, rows: some Sequence<BucketRow> = []) {
    self.tables = tables
    only = Only(tables)
    self.reserve = reserve
    buckets = [:]
    held = [:]
    for row in rows where !row.isVoid {
      buckets[row.key] = Bucket(tat: row.tatMicroseconds, reservations: row.reservations.sorted())
      for attempt in row.reservations { held[attempt, default: []].append(row.key) }
    }
    for attempt in held.keys { held[attempt]?.sort() }
  }

  /// All rows that are worth storing, sorted by key.
  public var rows: [BucketRow] {
    buckets.map { BucketRow(key: $0.key, tatMicroseconds: $0.value.tat, reservations: $0.value.reservations) }
      .filter { !$0.isVoid }.sorted { $0.key < $1.key }
  }

  /// Whether the order may be requested now; if not, when, and which limit binds. The longest wait is named, as the CA does.
  public func decide(_ order: PlannedOrder, for urgency: Urgency = .everyday, at now: Date) -> LedgerDecision {
    let now = now.microseconds
    var latest: (until: Microseconds, key: BucketKey)?
    for charge in order.charges where charge.isGate {
      switch opening(of: charge.key, for: urgency, at: now) {
      case .open: break
      case .at(let until): if until > latest?.until ?? 0 { latest = (until, charge.key) }
      case .occupied: return .occupied(charge.key)
      }
    }
    return latest.map { .wait(until: Date(microseconds: $0.until), $0.key) } ?? .now
  }

  /// When one more token of a bucket can be promised.
  func opening(of key: BucketKey, for urgency: Urgency, at now: Microseconds) -> Opening {
    guard let bucket = buckets[key], let quota = quota(of: key) else { return .open }
    let cost = bucket.reserved + 1 + kept(key, quota, urgency)
    guard let earliest = quota.earliest(tat: bucket.tat, cost: cost) else { return .occupied }
    return earliest <= now ? .open : .at(earliest)
  }

  enum Opening: Equatable {
    case open
    case at(Microseconds)
    /// Attempts under way hold all that there is.
    case occupied
  }

  func quota(of key: BucketKey) -> Quota? {
    guard let only else { return tables[key.authority]?.quota(key.limit, subject: key.subject) }
    return only.authority == key.authority ? only.quotas[key.limit.rank] : nil
  }

  /// Nearly every fleet has one authority and no domain with a limit of its own, and then there is nothing to look up.
  private struct Only: Sendable, Equatable {
    let authority: AuthorityID
    /// By the limits' ranks.
    let quotas: [Quota?]

    init?(_ tables: [AuthorityID: LimitTable]) {
      guard tables.count == 1, let (authority, table) = tables.first, table.domainOverrides.isEmpty else { return nil }
      self.authority = authority
      quotas = Limit.allCases.sorted().map { table.quotas[$0] }
    }
  }

  /// What must be left after the token: the emergency reserve, and always one before the CA would pause a name.
  func kept(_ key: BucketKey, _ quota: Quota, _ urgency: Urgency) -> Int64 {
    if key.limit == .failedAuthorizationsForPausing { return min(1, quota.burst - 1) }
    if drained.contains(key) { return 0 }
    switch urgency {
    case .everyday: return reserve.tokens(of: key.limit, quota)
    case .emergency: return 0
    }
  }
}

/// The ledger's answer.
public enum LedgerDecision: Sendable, Equatable {
  /// Every bucket has a token.
  case now
  /// This bucket has its token then.
  case wait(until: Date, BucketKey)
  /// Attempts under way hold all that this bucket has; ask again when one of them ends.
  case occupied(BucketKey)
}
