import Foundation
import Testing

@testable import Fleet

/// What the CA's limits and moods do to a run.
@Suite struct DispatcherPaceTests {
  private let noon = SmallFleet.noon

  private func state(_ count: Int) throws -> FleetState {
    SmallFleet.state(try (0..<count).map { CertificateState(spec: try SmallFleet.spec("n\($0)")) })
  }

  private func dispatcher(
    _ state: FleetState, limits: LimitTable = .none, rows: [BucketRow] = []
  ) -> Dispatcher {
    Dispatcher(
      state: state, inventory: SmallFleet.inventory(),
      ledger: Ledger(tables: [SmallFleet.authority: limits], reserve: .nothing, rows: rows), seed: 1, at: noon)
  }

  private func surveyed(_ dispatcher: inout Dispatcher) {
    _ = dispatcher.next(at: noon)
    let pair = SmallFleet.pair("lb0")
    dispatcher.surveyed(pair.id, ScriptedWorld.healthy(pair, at: noon))
  }

  @Test func aBusyCAStartsNothingUntilItSays() throws {
    var run = dispatcher(try state(3))
    surveyed(&run)
    run.authorityIsQuiet(until: noon + 60, at: noon)

    #expect(run.next(at: noon).isEmpty)
    #expect(run.waiting == .init(until: noon + 60, boundBy: .authority))
    #expect(!run.isIdle)

    run.authorityIsQuiet(until: nil, at: noon + 61)
    #expect(run.next(at: noon + 61).count == 3)
  }

  @Test func aCAThatIsBusyForHoursIsLeftForTheNextRun() throws {
    var run = dispatcher(try state(3))
    surveyed(&run)
    for hour in 0...7 {
      let now = noon + Double(hour) * 3_600
      run.authorityIsQuiet(until: now + 300, at: now)
    }

    _ = run.next(at: noon + 7 * 3_600 + 301)

    #expect(run.isIdle)
  }

  @Test func theSameSetOfAnotherPairIsLetOffTheAccountsLimit() throws {
    var old = SmallFleet.served(try SmallFleet.spec("old", pair: "lb1", names: ["a.example"]), issuedAt: noon - 86_400)
    old.attemptAuthority = SmallFleet.authority
    let new = CertificateState(spec: try SmallFleet.spec("new", names: ["a.example"]))
    var run = dispatcher(
      SmallFleet.state([old, new]), limits: try SmallFleet.limits(orders: 1, everySeconds: 1e6),
      rows: [
        BucketRow(
          key: .newOrders(SmallFleet.authority), tatMicroseconds: (noon + 1e6).microseconds, reservations: [])
      ])
    surveyed(&run)

    let works = run.next(at: noon)

    #expect(works.count == 1)
    #expect(run.waiting == nil)
  }

  @Test func beforeARunFullBucketsAreForgotten() throws {
    let full = BucketRow(
      key: .newOrders(SmallFleet.authority), tatMicroseconds: (noon - 60).microseconds, reservations: [])
    let orphan = BucketRow(
      key: .domain("a.example", SmallFleet.authority), tatMicroseconds: 0, reservations: [AttemptID("gone")])
    var run = dispatcher(try state(1), limits: .letsEncrypt, rows: [full, orphan])

    let rows = run.tidyLedger(at: noon)

    #expect(rows.map(\.isVoid) == [true, true])
    #expect(run.ledger.rows.isEmpty)
  }

  @Test func aRunThatStartedAsManyAsAskedForSaysSo() throws {
    var some = ScriptedWorld(try state(5), maximum: 2)
    var all = ScriptedWorld(try state(5), maximum: 5)

    #expect(try some.run())
    #expect(try all.run())

    #expect(some.issued.count == 2)
    #expect(some.dispatcher.hasReachedMaximum)
    #expect(!all.dispatcher.hasReachedMaximum)
  }

  @Test func theForecastCountsPausedPairsAndHeldFailuresAsUndated() throws {
    var state = try state(4)
    let late = SpecID("lb0/n1")
    state.certificates[late]?.lastFailure = Failure(.wrongAddress, "elsewhere")
    state.certificates[late]?.lastFailureAt = noon
    state.certificates[late]?.failures = 3
    state.certificates[SpecID("lb0/n2")]?.lastFailure = Failure(.paused, "link")
    state.certificates[SpecID("lb0/n2")]?.lastFailureAt = noon
    let spec = try SmallFleet.spec("p", pair: "lb1")
    state.certificates[spec.id] = CertificateState(spec: spec)
    state.pairs[PairID("lb1")] = PairState(hold: PairHold(since: .distantPast))

    let forecast = dispatcher(state).forecast(at: noon)

    #expect(forecast.finishes.map(\.spec).sorted() == [SpecID("lb0/n0"), late, SpecID("lb0/n3")])
    #expect(forecast.finishes.first { $0.spec == late }?.start == noon + 6_000)
    #expect(forecast.never == 2)
  }
}
