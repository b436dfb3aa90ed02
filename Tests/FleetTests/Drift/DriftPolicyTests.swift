import Fleet
import Foundation
import Testing

/// What is healed unasked, and what is left to a person.
@Suite struct DriftPolicyTests {
  private let noon = SmallFleet.noon
  private let a = DriftPlace.node(NodeID("lb0-a"))
  private let b = DriftPlace.node(NodeID("lb0-b"))

  private func certificate(_ drifts: [DriftPlace: Drift], mayOverwrite: Bool = false) throws -> CertificateState {
    var certificate = SmallFleet.served(try SmallFleet.spec("n0"))
    certificate.drifts = drifts.mapValues { DriftState(current: $0, since: noon) }
    certificate.mayOverwrite = mayOverwrite
    return certificate
  }

  private func stranger(_ days: Double = 30) -> Drift {
    Drift(.replaced, seen: SeenLeaf(sha256: "else", serial: "FF", notAfter: noon + days * 86_400), "else")
  }

  @Test func nothingThereOrAnEarlierOneOfOursIsHealedUnasked() throws {
    for kind in [Drift.Kind.missing, .notOnDisk, .notListed, .notLoaded, .reverted, .expiring] {
      let verdict = DriftPolicy.report.verdict(try certificate([a: Drift(kind, ""), b: Drift(kind, "")]))
      #expect(verdict == .heal(kind, node: nil))
    }
  }

  @Test func whatDiffersOnOneNodeIsHealedThereAlone() throws {
    let verdict = DriftPolicy.report.verdict(try certificate([b: Drift(.missing, ""), .vip: Drift(.missing, "")]))

    #expect(verdict == .heal(.missing, node: NodeID("lb0-b")))
  }

  @Test func aStrangersLeafIsOverwrittenOnlyWhereTheInventoryOrAPersonSaysSo() throws {
    let taken = try certificate([a: stranger()])

    #expect(DriftPolicy.report.verdict(taken) == .report(.replaced, .stranger))
    #expect(DriftPolicy.heal.verdict(taken) == .heal(.replaced, node: NodeID("lb0-a")))
    let asked = try certificate([a: stranger()], mayOverwrite: true)
    #expect(DriftPolicy.report.verdict(asked) == .heal(.replaced, node: NodeID("lb0-a")))
  }

  @Test func whatLivesLongerThanOursIsNeverOverwrittenUnasked() throws {
    #expect(DriftPolicy.heal.verdict(try certificate([a: stranger(400)])) == .report(.replaced, .livesLonger))
  }

  @Test func anotherControllersLeafIsNeverOverwrittenUnasked() throws {
    let drift = Drift(.otherController, seen: stranger().seen, "")

    #expect(DriftPolicy.heal.verdict(try certificate([a: drift])) == .report(.otherController, .otherController))
  }

  @Test func oneNodeThatMustNotBeTouchedHoldsTheOtherBack() throws {
    let verdict = DriftPolicy.report.verdict(try certificate([a: Drift(.missing, ""), b: stranger()]))

    #expect(verdict == .report(.replaced, .stranger))
  }

  @Test func whatARedeploymentWouldNotMendIsReported() throws {
    #expect(DriftPolicy.heal.verdict(try certificate([a: Drift(.shadowed, "")])) == .report(.shadowed, .wouldNotHelp))
    #expect(
      DriftPolicy.heal.verdict(try certificate([.vip: Drift(.reverted, "")])) == .report(.reverted, .wouldNotHelp))
  }

  @Test func aSecondDriftInTheSamePlaceWithinSevenDaysIsReportedOnly() throws {
    var state = SmallFleet.state([SmallFleet.served(try SmallFleet.spec("n0"))])
    let spec = SpecID("lb0/n0")
    func verdict() -> DriftPolicy.Verdict? { state.certificates[spec].map { DriftPolicy.heal.verdict($0) } }
    func record(_ days: Double, _ event: Event) throws {
      try state.apply(Record(sequence: 1, at: noon + days * 86_400, sweep: SweepID("s"), event: event))
    }
    let missing = Drift(.missing, "")

    try record(0, .driftSeen(spec: spec, place: a, drift: missing))
    #expect(verdict() == .heal(.missing, node: NodeID("lb0-a")))
    try record(0, .driftGone(spec: spec, place: a, isHealed: true))
    #expect(verdict() == DriftPolicy.Verdict.none)
    try record(6, .driftSeen(spec: spec, place: a, drift: missing))
    #expect(verdict() == .report(.missing, .repeated))
    try record(6, .retryAsked(spec: spec))
    #expect(verdict() == .heal(.missing, node: NodeID("lb0-a")))
    try record(6, .driftGone(spec: spec, place: a, isHealed: true))
    try record(6, .served(certificates: [AttemptReference(spec: spec, attempt: AttemptID("old-n0"))]))
    try record(14, .driftSeen(spec: spec, place: a, drift: missing))
    #expect(verdict() == .heal(.missing, node: NodeID("lb0-a")))
  }

  @Test func aRolloutMayOverwriteExactlyTheLeafThatWasSeen() throws {
    let taken = try certificate([a: stranger()])

    #expect(DriftPolicy.report.overwritable(on: NodeID("lb0-a"), of: taken) == nil)
    #expect(DriftPolicy.heal.overwritable(on: NodeID("lb0-a"), of: taken) == "else")
    #expect(DriftPolicy.heal.overwritable(on: NodeID("lb0-b"), of: taken) == nil)
  }

  // MARK: Planning

  @Test func driftIsRedeployedWithoutAnOrder() throws {
    let pair = SmallFleet.pair("lb0")
    let (action, reason) = Planner.decide(
      try certificate([a: Drift(.missing, "")]), pair: pair, isPaused: false, at: noon)

    #expect(action == .redeploy)
    #expect(reason == .drifted(.missing, node: NodeID("lb0-a")))
  }

  @Test func noOrderIsSpentForAPlaceThatAStrangerTook() throws {
    let late = noon + 80 * 86_400
    let (action, reason) = Planner.decide(
      try certificate([a: stranger()]), pair: SmallFleet.pair("lb0"), isPaused: false, at: late)

    #expect(action == .blocked)
    #expect(reason == .driftLeft(.replaced))
  }
}
