/// One bucket as it is stored: what a mutation of the ledger returns, and what a ledger is loaded from.
public struct BucketRow: Sendable, Hashable {
  /// Which bucket.
  public var key: BucketKey
  /// When it will be full again, microseconds since 1970; 0 means that nothing was ever spent.
  public var tatMicroseconds: Int64
  /// The attempts that hold one token each, sorted.
  public var reservations: [AttemptID]

  /// Collects the parts.
  public init(key: BucketKey, tatMicroseconds: Int64, reservations: [AttemptID]) {
    self.key = key
    self.tatMicroseconds = tatMicroseconds
    self.reservations = reservations
  }

  /// Reads the stored columns; nil if the key is not one of ours.
  public init?(key: String, tatMicroseconds: Int64, reservations: [String]) {
    guard let key = BucketKey(key) else { return nil }
    self.init(key: key, tatMicroseconds: tatMicroseconds, reservations: reservations.map { AttemptID($0) })
  }

  /// The limit that the bucket belongs to.
  public var limit: Limit { key.limit }

  /// Nothing is spent or held: the row may be deleted.
  public var isVoid: Bool { tatMicroseconds == 0 && reservations.isEmpty }
}

/// A bucket in memory.
struct Bucket: Sendable, Equatable {
  var tat: Microseconds = 0
  var reservations: [AttemptID] = []
  var reserved: Int64 { Int64(reservations.count) }
  var isVoid: Bool { tat == 0 && reservations.isEmpty }

  mutating func spend(_ quota: Quota, at now: Microseconds) { tat = quota.spent(tat: tat, at: now) }

  mutating func hold(_ attempt: AttemptID) {
    guard !reservations.contains(attempt) else { return }
    reservations.append(attempt)
    reservations.sort()
  }

  /// Whether it held one.
  mutating func letGo(_ attempt: AttemptID) -> Bool {
    guard let index = reservations.firstIndex(of: attempt) else { return false }
    reservations.remove(at: index)
    return true
  }
}
