import Foundation
import Testing

@testable import Fleet

/// B9: an operator's pause is a fact that every report tells.
@Suite struct HoldNoteTests {
  private let noon = SmallFleet.noon
  private let pair = PairID("lb0")

  private func fold(_ events: [(Double, Event)]) throws -> FleetState {
    var state = FleetState()
    for (index, (seconds, event)) in events.enumerated() {
      try state.apply(Record(sequence: Int64(index + 1), at: noon + seconds, sweep: nil, event: event))
    }
    return state
  }

  private func notes(_ state: FleetState, after seconds: Double) -> [HoldNote] {
    HoldNote.all(in: state, of: SmallFleet.inventory(), at: noon + seconds)
  }

  @Test func aPauseEndsByItself() throws {
    let state = try fold([(0, .pairHeld(pair: pair, until: noon + 3_600, reason: "firmware"))])

    #expect(state.isPaused(pair, at: noon + 3_599))
    #expect(!state.isPaused(pair, at: noon + 3_600))
    #expect(notes(state, after: 3_600) == [])
    #expect(
      notes(state, after: 10).first?.lines.first
        == "lb0: since 2026-09-21 14:13 UTC, until 2026-09-21 15:13 UTC: firmware")
  }

  @Test func anotherEndIsNoNewPauseUntilTheFirstHasEnded() throws {
    let longer = try fold([
      (0, .pairPaused(pair: pair)), (60, .pairHeld(pair: pair, until: noon + 600, reason: nil)),
    ])
    let again = try fold([
      (0, .pairHeld(pair: pair, until: noon + 60, reason: nil)),
      (120, .pairHeld(pair: pair, until: nil, reason: nil)),
    ])

    #expect(longer.pairs[pair]?.hold?.since == noon)
    #expect(again.pairs[pair]?.hold?.since == noon + 120)
  }

  @Test func anOpenPauseNeedsAPersonAfterADayAndOneWithAnEndDoesNot() throws {
    let open = try fold([(0, .pairPaused(pair: pair))])
    let bounded = try fold([(0, .pairHeld(pair: pair, until: noon + 10 * 86_400, reason: nil))])

    #expect(notes(open, after: 86_000).map(\.needsPerson) == [false])
    #expect(notes(open, after: 86_401).map(\.needsPerson) == [true])
    #expect(notes(bounded, after: 86_401).map(\.needsPerson) == [false])
  }

  @Test func aCertificateThatNearsItsEndUnderAPauseNeedsAPerson() throws {
    var state = try fold([(0, .pairHeld(pair: pair, until: noon + 200 * 86_400, reason: nil))])
    let served = SmallFleet.served(try SmallFleet.spec("a"))
    state.certificates[served.spec.id] = served

    #expect(notes(state, after: 61 * 86_400).map(\.inDanger) == [0])
    #expect(notes(state, after: 61 * 86_400).map(\.waiting) == [1])
    let late = try #require(notes(state, after: 79.5 * 86_400).first)
    #expect(late.inDanger == 1 && late.needsPerson)
    #expect(late.lines.last?.contains("near the end of their life") == true)
  }

  @Test func theReportSaysThatTheWholeFleetIsPausedAndNotThatThereIsNothingToDo() throws {
    var fixture = ReportFixture()
    try fixture.serve("a", was: .same)
    for pair in fixture.inventory.pairs {
      fixture.after.pairs[pair.id] = PairState(hold: PairHold(since: noon - 2 * 86_400, reason: "move"))
    }
    let due = SmallFleet.served(try SmallFleet.spec("a"), issuedAt: noon - 70 * SmallFleet.day)
    fixture.before.certificates[due.spec.id] = due
    fixture.after.certificates[due.spec.id] = due

    let report = fixture.report(.renew)

    #expect(report.needsAttention)
    let text = SweepReportText.render(report)
    #expect(text.contains("the whole fleet is paused"))
    #expect(!text.contains("nothing to do"))
    #expect(text.contains("without an end: move"))
    #expect(SweepReportHTML.render(report).contains("without an end: move"))
  }

  @Test func whatAPauseHoldsHasItsDateInTheForecast() throws {
    var state = try fold([(0, .pairHeld(pair: pair, until: noon + 7_200, reason: nil))])
    let spec = try SmallFleet.spec("a")
    state.certificates[spec.id] = CertificateState(spec: spec)
    let dispatcher = Dispatcher(
      state: state, inventory: SmallFleet.inventory(), ledger: Ledger(tables: [SmallFleet.authority: .none]), seed: 1,
      at: noon)

    let end = try #require(dispatcher.forecast(at: noon).total?.end)
    #expect(end >= noon + 7_200 && end < noon + 7_800)
  }
}
