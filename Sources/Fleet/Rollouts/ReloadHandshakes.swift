/// What new connections met while a node reloaded.
public enum ReloadHandshakes: Sendable, Equatable, Codable {
  /// Handshakes were made with the node all the while, at this address and port.
  case measured(at: String, tally: HandshakeTally)
  /// None could be made, or none was: nothing is known, which is not the same as no failure.
  case notMeasured(reason: String)

  /// For a report.
  public var words: String {
    switch self {
    case .measured(_, let tally): tally.words
    case .notMeasured(let reason): "connections meanwhile not measured: \(Printable.terminal(reason))"
    }
  }
}

/// TLS handshakes with one listener, one after the other, while its node reloaded.
public struct HandshakeTally: Sendable, Equatable, Codable {
  /// How many were tried.
  public var tried = 0
  /// Of those, how many were turned away: nobody listened.
  public var refused = 0
  /// How many were cut before they were finished.
  public var reset = 0
  /// How many were given up after five seconds.
  public var timedOut = 0
  /// How many failed in another way, such as a TLS alert.
  public var other = 0
  /// The slowest that was finished, from connecting until the handshake was done; nil where none was.
  public var slowestMilliseconds: Int?
  /// How long it failed: from the beginning of a handshake that failed to the end of the next one that was finished, summed.
  public var failingMilliseconds = 0

  /// None yet.
  public init() {}

  /// How many failed.
  public var failed: Int { refused + reset + timedOut + other }

  /// Counts one that was finished.
  public mutating func finish(milliseconds: Int) {
    tried += 1
    slowestMilliseconds = max(slowestMilliseconds ?? 0, milliseconds)
  }

  /// How one failed.
  public enum Fault: Sendable {
    case refused, reset, timedOut, other
  }

  /// Counts one that failed.
  public mutating func fail(_ fault: Fault) {
    tried += 1
    switch fault {
    case .refused: refused += 1
    case .reset: reset += 1
    case .timedOut: timedOut += 1
    case .other: other += 1
    }
  }

  /// With those of another reload.
  public func adding(_ more: HandshakeTally) -> HandshakeTally {
    var sum = self
    sum.tried += more.tried
    sum.refused += more.refused
    sum.reset += more.reset
    sum.timedOut += more.timedOut
    sum.other += more.other
    sum.failingMilliseconds += more.failingMilliseconds
    sum.slowestMilliseconds = [slowestMilliseconds, more.slowestMilliseconds].compactMap(\.self).max()
    return sum
  }

  /// For a report.
  public var words: String {
    let slowest = slowestMilliseconds.map(Self.time)
    guard failed > 0 else {
      let count = Wording.count(tried, "test connection")
      return "none of \(count) failed" + (slowest.map { ", the slowest took \($0)" } ?? "")
    }
    let kinds = [(refused, "refused"), (reset, "reset"), (timedOut, "timed out"), (other, "otherwise")]
      .filter { $0.0 > 0 }.map { "\(Wording.grouped($0.0)) \($0.1)" }.joined(separator: ", ")
    return "\(Wording.grouped(failed)) of \(Wording.count(tried, "test connection")) failed (\(kinds)) within "
      + Self.time(failingMilliseconds) + (slowest.map { "; of the others the slowest took \($0)" } ?? "")
  }

  /// Handshakes take milliseconds; what takes seconds is told as reloads are.
  private static func time(_ milliseconds: Int) -> String {
    milliseconds < 1_000 ? "\(milliseconds) ms" : Wording.seconds(milliseconds)
  }
}
