import Foundation

/// What a run remembers of faults that say nothing about a certificate itself: when it is tried again, and when to leave it for the next run.
///
/// A passing fault heals within a run, a lasting one must not hold it up: after the nth in a row a certificate waits 2 s, 8 s, 32 s, and is
/// then left alone. Where the CA said when to come back, it is not asked sooner.
struct PassingFaults: Sendable {
  private var pauses: [SpecID: Date] = [:]
  private var tries: [SpecID: Int] = [:]
  private var lostKeys: [SpecID: Int] = [:]
  private var givenUp: Set<SpecID> = []

  /// Tries in a row after a fault that may pass.
  static let most = 3
  /// The CA says when it takes more, so it is believed a little longer; a CA that never means it must not keep a run for ever.
  static let mostOfLimits = 8
  /// Keys lost in one run: each costs a certificate, and exact sets are few (5 a week).
  static let mostLostKeys = 2

  /// Whether no certificate waits for another try.
  var isEmpty: Bool { pauses.isEmpty }

  /// When the pauses end.
  var ends: some Collection<Date> { pauses.values }

  /// Whether nothing is to be done with it now.
  func stops(_ spec: SpecID) -> Bool { pauses[spec] != nil || givenUp.contains(spec) }

  /// A try failed.
  mutating func hold(_ spec: SpecID, after failure: Failure, at now: Date) {
    switch failure.kind.retry {
    case .backOff, .byHand:
      // The journal's own back-off holds it.
      pauses[spec] = nil
      return
    case .whenAllowed, .whenHealed: break
    }
    let count = (tries[spec] ?? 0) + 1
    tries[spec] = count
    if failure.kind == .keyLost { lostKeys[spec, default: 0] += 1 }
    if count > (failure.kind == .rateLimited ? Self.mostOfLimits : Self.most)
      || (lostKeys[spec] ?? 0) > Self.mostLostKeys
    {
      pauses[spec] = nil
      givenUp.insert(spec)
    } else {
      let soonest = now.addingTimeInterval(0.5 * Double(1 << (2 * min(count, 6))))
      pauses[spec] = failure.kind.retry == .whenAllowed ? max(failure.retryAfter ?? soonest, soonest) : soonest
    }
  }

  /// It cannot be done in this run.
  mutating func giveUp(_ spec: SpecID) {
    pauses[spec] = nil
    givenUp.insert(spec)
  }

  /// Ends the pauses that are over, and says whose.
  mutating func release(at now: Date) -> [SpecID] {
    let over = pauses.filter { $0.value <= now }.map(\.key)
    for spec in over { pauses[spec] = nil }
    return over
  }

  /// A certificate was issued. What its keys suffered before is kept: a new one is lost as easily.
  mutating func forgetIssuing(_ spec: SpecID) {
    pauses[spec] = nil
    tries[spec] = nil
  }

  /// It is served, or a person wants it tried again: it starts anew.
  mutating func forget(_ spec: SpecID) {
    pauses[spec] = nil
    tries[spec] = nil
    lostKeys[spec] = nil
    givenUp.remove(spec)
  }
}
