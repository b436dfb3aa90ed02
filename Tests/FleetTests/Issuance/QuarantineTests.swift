import Fleet
import Foundation
import Testing

@Suite struct QuarantineTests {
  private let noon = SmallFleet.noon
  private let day = 86_400.0
  private let spec = SpecID("lb0/n0")

  /// A certificate that fails for this reason whenever its back-off lets it, for so many days.
  private func failing(_ failure: Failure, days: Double) throws -> FleetState {
    var state = SmallFleet.state([SmallFleet.served(try SmallFleet.spec("n0"))])
    var now = noon
    var sequence: Int64 = 0
    while now <= noon + days * day {
      sequence += 1
      try state.apply(
        Record(sequence: sequence, at: now, sweep: nil, event: .specVetoed(spec: spec, failure: failure)))
      guard let next = state.certificates[spec]?.notBefore, next < .distantFuture else { break }
      now = next
    }
    return state
  }

  private func quarantine(_ state: FleetState) -> Quarantine? { state.certificates[spec]?.quarantine }

  @Test func aNameThatLeadsElsewhereForAWeekIsTriedWeekly() throws {
    let away = Failure(.wrongAddress, "a.example leads to 203.0.113.9", name: "a.example")

    #expect(quarantine(try failing(away, days: 6)) == nil)

    let state = try failing(away, days: 8)
    let found = try #require(quarantine(state))
    let certificate = try #require(state.certificates[spec])
    #expect(found.cause == .movedAway)
    #expect(found.evidence.detail.contains("203.0.113.9"))
    #expect(found.lastServed?.seenAt == noon)
    #expect(found.daysFailing(at: noon + 8.5 * day) == 8)
    #expect(certificate.notBefore == found.evidenceAt + 7 * day)
  }

  @Test func afterAYearItHasCostSixtyTriesAndNotThreeHundred() throws {
    let state = try failing(Failure(.nameNotFound, "NXDOMAIN"), days: 365)

    #expect((50...65).contains(try #require(state.certificates[spec]).failures))
  }

  @Test func aClosedPortIsNoMove() throws {
    #expect(quarantine(try failing(Failure(.port80Closed, "refused"), days: 30)) == nil)
  }

  @Test func aRetryLetsItOut() throws {
    var state = try failing(Failure(.wrongAddress, "elsewhere"), days: 10)

    try state.apply(Record(sequence: 99, at: noon + 10 * day, sweep: nil, event: .retryAsked(spec: spec)))

    #expect(quarantine(state) == nil)
    #expect(state.certificates[spec]?.notBefore == nil)
  }

  @Test func aPauseCarriesItsLinkToTheReport() throws {
    let words =
      "Your account is temporarily prevented from requesting certificates for a.example and possibly others. "
      + "Please visit: https://unpause.example/jwt"
    let state = try failing(Failure(.paused, words), days: 1)

    #expect(quarantine(state)?.unpauseLink == "https://unpause.example/jwt")
    let report = report(state, sweep: SweepID("later"))
    #expect(SweepReportText.render(report).contains("-> https://unpause.example/jwt"))
    #expect(SweepReportHTML.render(report).contains("https://unpause.example/jwt"))
  }

  private func report(_ state: FleetState, sweep: SweepID) -> SweepReport {
    SweepReport(
      sweep: sweep, purpose: .renew, end: .completed, startedAt: noon + 20 * day, endedAt: noon + 20 * day + 5,
      before: state, after: state, records: [], inventory: SmallFleet.inventory())
  }

  @Test func fourHundredNamesThatMovedAwayAreOneLineAndNoAlarm() throws {
    let one = try #require(try failing(Failure(.wrongAddress, "elsewhere"), days: 10).certificates[spec])
    let all = try (0..<400).map { index in
      var certificate = one
      certificate.spec = try SmallFleet.spec("m\(index)")
      return certificate
    }

    let report = report(SmallFleet.state(all), sweep: SweepID("later"))

    #expect(!report.needsAttention)
    #expect(report.groups.isEmpty)
    let text = SweepReportText.render(report)
    #expect(text.contains("Quarantine: 400 certificates whose names moved away, tried once a week"))
    #expect(!text.contains("m17.example"))
  }

  @Test func anUnpauseLinkThatIsNoWebAddressIsNotShownAsOne() {
    let words = "prevented from requesting certificates for a.example and possibly others. Please visit: javascript:x"

    #expect(RateLimitSignal.unpauseLink(in: words) == nil)
  }
}
