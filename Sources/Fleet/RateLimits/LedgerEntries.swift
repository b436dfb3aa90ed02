public import Foundation

/// What moves the buckets. Each returns the rows that changed, sorted by key, to be stored with the event.
extension Ledger {
  /// Promises an attempt its tokens. Call it after `decide` said `.now` and before anything is sent. Asking twice changes nothing.
  public mutating func reserve(_ attempt: AttemptID, _ order: PlannedOrder, at now: Date) -> [BucketRow] {
    var keys: [BucketKey] = []
    for charge in order.charges where charge.isHeld && quota(of: charge.key) != nil {
      buckets[charge.key, default: Bucket()].hold(attempt)
      keys.append(charge.key)
    }
    if let before = held[attempt] {
      held[attempt] = Set(before + keys).sorted()
    } else {
      held[attempt] = keys.sorted()
    }
    return changed(keys)
  }

  /// Whether an attempt was promised anything that is not settled yet.
  public func isReserved(_ attempt: AttemptID) -> Bool { held[attempt]?.isEmpty == false }

  /// The CA answered newOrder with an order: from this moment at the latest its token is spent.
  public mutating func orderCreated(_ attempt: AttemptID, at now: Date) -> [BucketRow] {
    settle(attempt, at: now) { $0.moment == .request ? .spend : .keep }
  }

  /// The certificate was issued: the domain's and the exact set's tokens are spent, and every name proved itself.
  public mutating func commit(_ attempt: AttemptID, at now: Date) -> [BucketRow] {
    let proved = (held[attempt] ?? []).filter { $0.moment == .failure }
    let settled = settle(attempt, at: now) { $0.moment == .failure ? .release : .spend }
    return Self.merged(settled, proved.flatMap { succeededAuthorization($0.subject, $0.authority) })
  }

  /// The attempt ended without a certificate. Tokens of failed authorizations were spent by `failedAuthorization`; the rest comes back.
  public mutating func release(_ attempt: AttemptID, order: OrderFate, at now: Date) -> [BucketRow] {
    settle(attempt, at: now) { moment in
      switch (order, moment.moment) {
      case (.notPlaced, _): .release
      case (.placed, .request): .spend
      case (.placed, _): .release
      }
    }
  }

  /// What became of an order whose attempt ended.
  public enum OrderFate: Sendable {
    /// It was never sent, or the CA refused newOrder: nothing was spent.
    case notPlaced
    /// The CA accepted it, or may have: its answer never came.
    case placed
  }

  /// An authorization became invalid, or a pending one was deactivated: the name's failure is spent, and one step to the pause is made.
  public mutating func failedAuthorization(
    _ name: String, _ authority: AuthorityID, by attempt: AttemptID?, at now: Date
  ) -> [BucketRow] {
    let keys = [BucketKey.failures(name, authority), .pausing(name, authority)].filter { quota(of: $0) != nil }
    if let attempt {
      for key in keys where buckets[key]?.letGo(attempt) == true { held[attempt]?.removeAll { $0 == key } }
      if held[attempt]?.isEmpty == true { held[attempt] = nil }
    }
    for key in keys { spend(key, at: now.microseconds) }
    return changed(keys)
  }

  /// An authorization became valid: the failures in a row are forgotten (Boulder resets that bucket alone).
  public mutating func succeededAuthorization(_ name: String, _ authority: AuthorityID) -> [BucketRow] {
    let key = BucketKey.pausing(name, authority)
    guard buckets[key] != nil else { return [] }
    buckets[key]?.tat = 0
    return changed([key])
  }

  /// The CA refused with this limit and wait, so somebody else spent too: the bucket is as it said. It never becomes fuller by a refusal.
  public mutating func resync(_ key: BucketKey, retryAfter wait: TimeInterval, at now: Date) -> [BucketRow] {
    guard let quota = quota(of: key) else { return [] }
    // More than the whole span cannot be; a hostile or broken answer shall not lock a bucket for years.
    let span = Double(quota.refillMicroseconds) * Double(quota.burst)
    let micros = Microseconds(min(max(0, wait * 1_000_000), span).rounded(.up))
    let tat = quota.resynchronised(wait: micros, at: now.microseconds)
    buckets[key, default: Bucket()].tat = max(buckets[key]?.tat ?? 0, tat)
    return changed([key])
  }

  /// After a restart: attempts that are no longer open let go of what they held. Their orders count as placed, because they may have been.
  public mutating func settleOrphans(open: Set<AttemptID>, at now: Date) -> [BucketRow] {
    held.keys.filter { !open.contains($0) }.sorted()
      .reduce(into: []) { rows, attempt in rows = Self.merged(rows, release(attempt, order: .placed, at: now)) }
  }

  /// Forgets buckets that are full and held by nobody; their rows may be deleted.
  public mutating func prune(at now: Date) -> [BucketKey] {
    let full = buckets.filter { $0.value.reservations.isEmpty && $0.value.tat <= now.microseconds }.keys.sorted()
    for key in full { buckets[key] = nil }
    return full
  }

  private enum Settlement { case keep, spend, release }

  private mutating func settle(
    _ attempt: AttemptID, at now: Date, _ settlement: (BucketKey) -> Settlement
  ) -> [BucketRow] {
    var touched: [BucketKey] = []
    var kept: [BucketKey] = []
    for key in held[attempt] ?? [] {
      let verdict = settlement(key)
      guard verdict != .keep else {
        kept.append(key)
        continue
      }
      touched.append(key)
      guard buckets[key]?.letGo(attempt) == true, verdict == .spend else { continue }
      spend(key, at: now.microseconds)
    }
    held[attempt] = kept.isEmpty ? nil : kept
    return changed(touched)
  }

  /// Events carry whole seconds, rounded down: what the journal says of 12:00:00 may have reached the CA at 12:00:00.9.
  static let slack: Microseconds = 1_000_000

  mutating func spend(_ key: BucketKey, at moment: Microseconds) {
    let now = moment + Self.slack
    guard let quota = quota(of: key) else { return }
    buckets[key, default: Bucket()].spend(quota, at: now)
  }

  mutating func changed(_ keys: [BucketKey]) -> [BucketRow] {
    guard returnsRows else {
      for key in keys where buckets[key]?.isVoid == true { buckets[key] = nil }
      return []
    }
    return Set(keys).sorted().map { key in
      let bucket = buckets[key] ?? Bucket()
      let row = BucketRow(key: key, tatMicroseconds: bucket.tat, reservations: bucket.reservations)
      if row.isVoid { buckets[key] = nil }
      return row
    }
  }

  /// The later row of a key counts.
  static func merged(_ earlier: [BucketRow], _ later: [BucketRow]) -> [BucketRow] {
    guard !earlier.isEmpty, !later.isEmpty else { return earlier.isEmpty ? later : earlier }
    var byKey = Dictionary(uniqueKeysWithValues: earlier.map { ($0.key, $0) })
    for row in later { byKey[row.key] = row }
    return byKey.values.sorted { $0.key < $1.key }
  }
}

extension BucketKey {
  var moment: Limit.Moment { limit.moment }
}
