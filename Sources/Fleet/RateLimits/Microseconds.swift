import Foundation

/// Times in buckets are integer microseconds since 1970: refills of 33 µs and 21.6 s survive storage, and sums are exact.
typealias Microseconds = Int64

extension Date {
  /// Rounded to the nearest microsecond. A `Date` of this century resolves 0.24 µs, so the way there and back is exact.
  var microseconds: Microseconds { Microseconds((timeIntervalSince1970 * 1_000_000).rounded()) }

  /// The date that rounds back to exactly this microsecond.
  init(microseconds: Microseconds) { self.init(timeIntervalSince1970: Double(microseconds) / 1_000_000) }
}
