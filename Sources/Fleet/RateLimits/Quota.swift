/// How much a limit allows: a burst, refilled continuously by one token every `refill`.
///
/// The arithmetic is GCRA as Boulder does it. One number is kept per bucket, the *theoretical arrival time* (TAT): the moment at
/// which the bucket will be full again. Spending `c` tokens at `now` sets it to `max(now, TAT) + c·refill`, and is allowed iff
/// that is at most `now + burst·refill`.
public struct Quota: Sendable, Hashable {
  /// The most tokens that can be spent at once.
  public let burst: Int64
  /// Microseconds from one token to the next.
  public let refillMicroseconds: Int64

  /// A quota of `count` every `periodSeconds`, up to `burst` at once; nil unless all are positive.
  public init?(burst: Int64, count: Int64, periodSeconds: Double) {
    guard burst > 0, count > 0, periodSeconds > 0, periodSeconds < 1e9 else { return nil }
    // Rounded up: 30000 a second would else be a hair faster than the CA's own nanoseconds.
    let refill = Int64((periodSeconds * 1_000_000 / Double(count)).rounded(.up))
    // A full bucket's span must stay far inside 64 bits even after sums.
    guard burst < (Int64.max / 8) / refill else { return nil }
    self.burst = burst
    refillMicroseconds = refill
  }

  init(burst: Int64, refillMicroseconds: Int64) {
    self.burst = burst
    self.refillMicroseconds = refillMicroseconds
  }

  /// Seconds from one token to the next.
  public var refillSeconds: Double { Double(refillMicroseconds) / 1_000_000 }

  /// Whole tokens that could be spent at `now`.
  func tokens(tat: Microseconds, at now: Microseconds) -> Int64 {
    let left = (now + burst * refillMicroseconds - max(now, tat)) / refillMicroseconds
    return max(0, left)
  }

  /// The earliest moment at which `cost` tokens are there, nil if never. Tokens *held* (reserved, or kept back) count as part of the cost.
  func earliest(tat: Microseconds, cost: Int64) -> Microseconds? {
    cost > burst ? nil : tat + (cost - burst) * refillMicroseconds
  }

  /// The TAT after one token was spent at `now`. A bucket that is empty stays as it is: the CA denies and spends nothing.
  func spent(tat: Microseconds, at now: Microseconds) -> Microseconds {
    min(max(now, tat) + refillMicroseconds, max(tat, now + burst * refillMicroseconds))
  }

  /// The TAT that a refusal with this wait reveals: `now + wait = TAT − (burst − 1)·refill`.
  func resynchronised(wait: Microseconds, at now: Microseconds) -> Microseconds {
    now + wait + (burst - 1) * refillMicroseconds
  }
}
