public import Foundation

extension Ledger {
  /// One bucket as `limits` shows it.
  public struct Standing: Sendable, Equatable {
    /// Which bucket.
    public var key: BucketKey
    /// What it holds when full.
    public var quota: Quota
    /// Tokens that are there and not promised.
    public var left: Int64
    /// How many tokens everyday work leaves for emergencies.
    public var kept: Int64
    /// Tokens promised to attempts under way.
    public var reserved: Int64
    /// When the next token comes; nil when full.
    public var nextToken: Date?
    /// When everyday work may take a token; nil: not before an attempt under way ends.
    public var opensAt: Date?
    /// When it is full again.
    public var fullAt: Date

    /// Tokens that everyday work may take now.
    public var free: Int64 { max(0, left - kept) }
  }

  /// Every bucket that is not full, the tightest first, and the account's own whatever is in it.
  ///
  /// Tightest is what keeps everyday work waiting longest; among those that keep none waiting, what has the smallest part left.
  public func standings(at now: Date) -> [Standing] {
    let own = tables.keys.map { BucketKey.newOrders($0) }.filter { buckets[$0] == nil }
    let all = buckets.map { ($0.key, $0.value) } + own.map { ($0, Bucket()) }
    return all.compactMap { key, bucket in
      let isOwn = key.limit == .newOrdersPerAccount
      guard let quota = quota(of: key), isOwn || bucket.tat > now.microseconds || bucket.reserved > 0 else {
        return nil
      }
      return standing(key, bucket, quota, at: now)
    }
    .sorted(by: Self.isTighter)
  }

  private func standing(_ key: BucketKey, _ bucket: Bucket, _ quota: Quota, at now: Date) -> Standing {
    let moment = now.microseconds
    let whole = quota.tokens(tat: bucket.tat, at: moment)
    let kept = kept(key, quota, .everyday)
    let next = whole < quota.burst ? quota.earliest(tat: bucket.tat, cost: whole + 1) : nil
    let opens = quota.earliest(tat: bucket.tat, cost: bucket.reserved + 1 + kept)
    return Standing(
      key: key, quota: quota, left: max(0, whole - bucket.reserved), kept: kept, reserved: bucket.reserved,
      nextToken: next.map { Date(microseconds: max($0, moment)) },
      opensAt: opens.map { Date(microseconds: max($0, moment)) },
      fullAt: Date(microseconds: max(moment, bucket.tat)))
  }

  private static func isTighter(_ left: Standing, _ right: Standing) -> Bool {
    let opens = [left, right].map { $0.opensAt ?? .distantFuture }
    if opens[0] != opens[1] { return opens[0] > opens[1] }
    let parts = [left, right].map { Double($0.left) / Double($0.quota.burst) }
    return parts[0] == parts[1] ? left.key < right.key : parts[0] < parts[1]
  }
}
