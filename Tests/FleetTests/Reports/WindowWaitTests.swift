import Foundation
import Testing

@testable import Fleet

/// What a report says of pairs that are closed, and when a renewal says so before it waits.
@Suite struct WindowWaitTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day

  /// A fixture with two certificates that are issued and not served, on a pair that is closed for a day.
  private func fixture() throws -> ReportFixture {
    var fixture = ReportFixture()
    fixture.inventory.pairs[0].freeze([Freeze(interval: DateInterval(start: noon - day, duration: 2 * day))])
    for name in ["one", "two"] {
      var certificate = SmallFleet.served(try SmallFleet.spec(name), on: [])
      certificate.served = nil
      certificate.servedNotAfter = nil
      fixture.after.certificates[certificate.spec.id] = certificate
    }
    return fixture
  }

  @Test func aClosedPairIsNamedWithWhatWaitsAndUntilWhen() throws {
    var fixture = try fixture()
    try fixture.serve("served", was: .same)

    let report = fixture.report(.renew)

    #expect(report.windows == [WindowWait(pair: PairID("lb0"), certificates: 2, opens: noon + day)])
    #expect(SweepReportText.render(report).contains("    lb0: 2 certificates, from 2026-09-22 14:13 UTC on"))
    #expect(SweepReportHTML.render(report).contains("2 certificates, from"))
  }

  @Test func aPairThatIsOpenOrPausedIsNotNamed() throws {
    var open = try fixture()
    open.inventory.pairs[0].freeze([])
    #expect(open.report(.renew).windows.isEmpty)

    var paused = try fixture()
    paused.after.pairs[PairID("lb0")] = PairState(hold: PairHold(since: .distantPast))
    #expect(paused.report(.renew).windows.isEmpty)
  }

  @Test func aRenewalThatGoesOnSaysSoInItsFirstLine() throws {
    var report = try fixture().report(.renew)
    report.goesOn = noon + day

    let headline = SweepReportText.headline(report)

    #expect(headline == "Renewal so far, after 2 min 5 s; it goes on at 2026-09-22 14:13 UTC: 2 waiting")

    // H12: not only until when, but why.
    report.waitsFor =
      Binding.limit(
        BucketKey(
          authority: AuthorityID("ca"), limit: .newOrdersPerAccount, subject: "any")
      ).description
    #expect(
      SweepReportText.headline(report).contains("2026-09-22 14:13 UTC (\(Limit.newOrdersPerAccount.title) (any)): "))
  }

  @Test func onlyAWaitThatIsLongAndTheOnlyThingLeftIsOne() throws {
    func longest(_ hours: Double) throws -> Dispatcher.Waiting? {
      var fixture = try fixture()
      fixture.inventory.pairs[0].freeze([
        Freeze(interval: DateInterval(start: noon - day, end: noon + hours * 3_600))
      ])
      var world = ScriptedWorld(fixture.after, inventory: fixture.inventory)
      world.watch = { begun, dispatcher in
        // While something is going on, it is not the time to tell.
        #expect(dispatcher.longWait(at: begun.at) == nil)
      }
      _ = try world.run(atMost: 60)
      return world.dispatcher.longWait(at: world.now)
    }

    #expect(try longest(8)?.until == noon + 8 * 3_600)
    #expect(try longest(0.1) == nil)
  }
}
