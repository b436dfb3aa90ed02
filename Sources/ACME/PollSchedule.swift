/// When to ask again while a CA works. Waiting is the cost of issuance, not work: with a first poll after 10 / 25 / 100 / 250 ms a client of
/// four orders at once was measured at 88 / 52 / 18 / 8 certificates a second.
///
/// Unasked, the waits grow by half:
///
///     poll      1    2    3    4    5    6    7    8    9   10   11   12   13   14   15   16   17 …
///     wait ms  10   15   23   34   51   76  114  171  256  384  577  865 1297 1946 2919 4379 5000 …
///     total s 0.01 0.03 0.05 0.08 0.13 0.21 0.32 0.49 0.75 1.13 1.71 2.57 3.87 5.82 8.74 13.1 18.1 …
public struct PollSchedule: Sendable, Hashable {
  /// The first wait where nothing is known of the CA.
  public static let shortest = Duration.milliseconds(10)
  /// The floor of a Retry-After, once our own waits have grown to it.
  public static let shortestAsked = Duration.seconds(1)
  /// The longest wait that the CA did not ask for.
  public static let longest = Duration.seconds(5)

  /// What to do.
  public enum Decision: Sendable, Hashable {
    /// Ask again after this long.
    case wait(Duration)
    /// The CA wants more time than there is: keep the order and come back after this long.
    case later(Duration)
    /// The time is up.
    case giveUp
  }

  private let total: Duration
  private var wait: Duration

  /// - Parameters:
  ///   - first: The first wait; `PollHistory` knows a better one after the first answers.
  ///   - total: How long to keep asking.
  public init(first: Duration = Self.shortest, total: Duration = .seconds(120)) {
    wait = min(max(first, Self.shortest), Self.longest)
    self.total = total
  }

  /// The next wait. A Retry-After is obeyed, but for zero or a date in the past, which would mean to ask without end: our own wait is its floor
  /// until that is a second.
  ///
  /// - Parameter elapsed: Time since polling began.
  public mutating func next(retryAfter: Duration?, elapsed: Duration) -> Decision {
    let left = total - elapsed
    guard left > .zero else { return .giveUp }
    let now = wait
    if let retryAfter {
      let floor = min(now, Self.shortestAsked)
      if retryAfter < floor { wait = min(wait * 3 / 2, Self.longest) }
      let obeyed = max(retryAfter, floor)
      return obeyed > left ? .later(obeyed) : .wait(obeyed)
    }
    wait = min(wait * 3 / 2, Self.longest)
    // One last look at the end of the time rather than none.
    return .wait(min(now, max(left, Self.shortest)))
  }
}

/// How long a CA took lately, so that a slow one is not asked fifteen times for each certificate and a fast one is not kept waiting.
public struct PollHistory: Sendable, Hashable {
  private var typical: Duration?

  /// Nothing is known.
  public init() {}

  /// Takes in how long it took from the challenge, or from finalize, to the answer that ended the polling.
  public mutating func observe(_ took: Duration) {
    let took = max(took, .zero)
    // An exponential average over some eight orders: one straggler does not slow the next ones down.
    typical = typical.map { $0 + (took - $0) / 8 } ?? took
  }

  /// Where to look first: at three quarters of the usual time. Being early costs a request; as an observation cannot be shorter than the first look,
  /// looking early is also what lets the average fall when a CA gets faster.
  public var firstPoll: Duration {
    guard let typical else { return PollSchedule.shortest }
    return min(max(typical * 3 / 4, PollSchedule.shortest), PollSchedule.longest)
  }
}
