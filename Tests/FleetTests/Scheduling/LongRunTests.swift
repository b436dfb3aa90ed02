import Foundation
import Testing

@testable import Fleet

/// Sixty days of a fleet: some thousand names each time, a hundred thousand with `CERTFLEET_TEST_NAMES=100000`.
@Suite struct LongRunTests {
  static let names = ProcessInfo.processInfo.environment["CERTFLEET_TEST_NAMES"].flatMap { Int($0) } ?? 3_000

  @Test func inSixtyDaysAllThatCanBeIssuedIsAndNothingExpires() {
    let story = LongRun(names: Self.names)

    let outcome = story.play()

    #expect(outcome.missing.isEmpty, "\(outcome.missing.count): \(outcome.missing.prefix(3))")
    #expect(outcome.expired.isEmpty, "\(outcome.expired.count): \(outcome.expired.prefix(3))")
    #expect(outcome.endangered.isEmpty, "\(outcome.endangered.count): \(outcome.endangered.prefix(3))")
    #expect(outcome.foreseeable.isEmpty, "\(outcome.foreseeable.count): \(outcome.foreseeable.prefix(3))")
    #expect(outcome.overruns.isEmpty, "\(outcome.overruns.count): \(outcome.overruns.prefix(3))")
    #expect(outcome.paused.isEmpty)
    // The story was one: others were met, the CA was down, and what was served was renewed.
    #expect(outcome.refusals > 0 && outcome.busy > 0)
    let served = story.sites.count { $0.issuedAt != nil && story.isWell($0) }
    #expect(outcome.renewed >= served * 9 / 10, "\(outcome.renewed) of \(served)")
    // New names took the account's time for them, and for the tries that could not succeed; not longer.
    if let rule = story.rules[.newOrdersPerAccount] {
      let refill = Double(rule.refill) / 1e6
      let new = story.sites.filter { $0.issuedAt == nil }
      let well = new.filter { story.isWell($0) }
      let others = story.others.count { $0.domain == nil }
      // What fails is tried four times before the pauses are a day.
      let tries = well.reduce(0) { $0 + 1 + $1.stumbles } + 4 * (new.count - well.count) + others
      #expect(outcome.lastFirst > Double(well.count - rule.burst) * refill)
      #expect(outcome.lastFirst < Double(tries) * refill + 3 * 86_400, "\(outcome.lastFirst / 86_400) days")
    }
  }

  @Test func theQuickCountOfEventsIsThatOfBruteForce() {
    var dice = Dice(5)
    for _ in 0..<200 {
      var series = EventSeries(
        burst: Int.random(in: 1...6, using: &dice), refill: Int64.random(in: 1...9, using: &dice))
      var now: Int64 = 0
      for _ in 0..<60 {
        now += Int64.random(in: 0...12, using: &dice)
        #expect(series.isOver(with: 1, at: now) == (series.earliest(with: 1) > now))
        if !series.isOver(with: 1, at: now) { series.append(now) }
      }
      #expect(!series.hasOverrun)
      let soonest = series.earliest(with: 1)
      series.append(min(now, soonest - 1))
      if soonest > now { #expect(series.hasOverrun) }
    }
  }
}
