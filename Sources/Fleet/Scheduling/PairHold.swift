public import Foundation

/// An operator's `pause` of a pair: since when, until when, and why.
public struct PairHold: Sendable, Equatable, Codable {
  /// When it began.
  public var since: Date
  /// When it ends by itself; nil means never.
  public var until: Date?
  /// Why, in the operator's words; nil where nothing was said.
  public var reason: String?

  /// Collects the parts.
  public init(since: Date, until: Date? = nil, reason: String? = nil) {
    self.since = since
    self.until = until
    self.reason = reason
  }

  /// Whether it still holds: at its end the pair takes part again, without anybody's doing.
  public func isInForce(at now: Date) -> Bool { until.map { now < $0 } ?? true }

  /// `since 2026-11-28 09:10 UTC until 2026-12-01 06:00 UTC: new firmware`
  public var text: String {
    let end = until.map { "until \(Wording.minute($0)) UTC" } ?? "without an end"
    return "since \(Wording.minute(since)) UTC, \(end)" + (reason.map { ": \(Printable.terminal($0))" } ?? "")
  }
}
