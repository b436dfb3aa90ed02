public import Foundation

/// The Retry-After header (RFC 9110 section 10.2.3), in whichever form the server chose.
public enum RetryAfter: Sendable, Hashable {
  /// So many seconds after the answer.
  case seconds(Int)
  /// Not before this instant, by the server's clock.
  case date(Date)

  /// `nil` for what is neither a number nor a date: as if the header were absent.
  public init?(_ text: String) {
    let trimmed = text.trimmingCharacters(in: .whitespaces)
    if !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      // A number too long for an Int is a very long wait, not none.
      self = .seconds(Int(trimmed) ?? .max)
    } else if let date = HTTPDate.date(trimmed) {
      self = .date(date)
    } else {
      return nil
    }
  }

  /// The wait from `now`, never negative, and no longer than `longest`: a wrong clock or a wild server must not park work for ever.
  public func delay(from now: Date, atMost longest: Duration = .seconds(86_400)) -> Duration {
    let wait: Duration
    switch self {
    case .seconds(let count): wait = .seconds(min(count, 1_000_000_000))
    case .date(let date): wait = .seconds(min(date.timeIntervalSince(now).rounded(.up), 1_000_000_000))
    }
    return min(max(wait, .zero), longest)
  }
}
