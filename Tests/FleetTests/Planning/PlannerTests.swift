import Fleet
import Foundation
import Testing

/// One test for each reason that a plan can give.
@Suite struct PlannerTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day
  private let pair = SmallFleet.pair("lb0")

  private func decide(
    _ certificate: CertificateState, isPaused: Bool = false, after days: Double = 0
  ) -> PlannedChange {
    let (action, reason) = Planner.decide(
      certificate, pair: pair, isPaused: isPaused, at: noon.addingTimeInterval(days * day))
    return PlannedChange(spec: certificate.spec.id, action: action, reason: reason)
  }

  private func change(_ action: Action, _ reason: Reason) -> PlannedChange {
    PlannedChange(spec: SpecID("lb0/n0"), action: action, reason: reason)
  }

  private func fresh() throws -> CertificateState { CertificateState(spec: try SmallFleet.spec("n0")) }
  private func well() throws -> CertificateState { SmallFleet.served(try SmallFleet.spec("n0")) }

  @Test func whatWasNeverIssuedIsNew() throws {
    #expect(decide(try fresh()) == change(.issue, .new))
  }

  @Test func whatIsServedEverywhereIsKeptUntilItsDue() throws {
    let well = try well()

    #expect(decide(well) == change(.keep, .valid(dueAt: noon.addingTimeInterval(60 * day))))
    #expect(decide(well, after: 59.99).action == .keep)
  }

  @Test func aThirdBeforeItsEndItIsDue() throws {
    let end = noon.addingTimeInterval(90 * day)

    #expect(decide(try well(), after: 60) == change(.renew, .due(notAfter: end)))
  }

  @Test func otherNamesMakeItRevised() throws {
    var certificate = try well()
    certificate.revision = 2

    #expect(decide(certificate) == change(.issue, .revised))
  }

  @Test func whatTheVIPDoesNotServeIsRedeployed() throws {
    var certificate = try well()
    certificate.issued = SmallFleet.certificate(AttemptID("new"))

    #expect(decide(certificate) == change(.redeploy, .notServed))
  }

  @Test func aNodeWithoutItOwesIt() throws {
    let certificate = SmallFleet.served(try SmallFleet.spec("n0"), on: ["a"])

    #expect(decide(certificate) == change(.redeploy, .owed(node: NodeID("lb0-b"))))
  }

  @Test func anOpenTryGoesOn() throws {
    var certificate = try well()
    var attempt = Attempt(id: AttemptID("a1"), spec: certificate.spec.id, names: certificate.spec.names)
    certificate.attempt = attempt
    #expect(decide(certificate) == change(.renew, .new))

    try attempt.apply(.keyMade(Attempt.Key(node: NodeID("lb0-a"), request: "CSR")))
    certificate.attempt = attempt
    #expect(decide(certificate) == change(.renew, .unfinished))

    certificate.issued = nil
    #expect(decide(certificate) == change(.issue, .unfinished))
  }

  @Test func aPausedPairBlocksWhatIsToBeDoneButKeepsWhatIsWell() throws {
    #expect(decide(try fresh(), isPaused: true) == change(.blocked, .paused))
    #expect(decide(try well(), isPaused: true).action == .keep)
  }

  @Test func aBackOffBlocksUntilItsEnd() throws {
    var certificate = try fresh()
    certificate.failures = 3
    certificate.lastFailure = Failure(.port80Closed, "refused")
    certificate.lastFailureAt = noon

    let until = noon.addingTimeInterval(6_000)
    #expect(decide(certificate) == change(.blocked, .waiting(until: until, .port80Closed)))
    #expect(decide(certificate, after: 6_000 / day) == change(.issue, .new))
  }

  @Test func whatOnlyAPersonEndsIsHeld() throws {
    var certificate = try well()
    certificate.issued = SmallFleet.certificate(AttemptID("new"))
    certificate.lastFailure = Failure(.changedByHand, "other leaf")
    certificate.lastFailureAt = noon

    #expect(decide(certificate, after: 80) == change(.blocked, .heldForOperator(.changedByHand)))
  }

  @Test func aPairThatLeftTheInventoryBlocks() throws {
    let (action, reason) = Planner.decide(try fresh(), pair: nil, isPaused: false, at: noon)

    #expect(action == .blocked)
    #expect(reason == .unknownPair)
  }

  @Test func aPlanHoldsEveryCertificateOnceSortedAndCounted() throws {
    var states = try (0..<5).map {
      CertificateState(spec: try SmallFleet.spec("n\($0)", pair: $0 == 4 ? "gone" : "lb0"))
    }
    states.append(SmallFleet.served(try SmallFleet.spec("old", pair: "lb1")))
    let plan = Planner.plan(SmallFleet.state(states), inventory: SmallFleet.inventory(), at: noon)

    #expect(plan.changes.map(\.spec) == plan.changes.map(\.spec).sorted())
    #expect(plan.changes.count == 6)
    #expect(plan.counts == [.issue: 4, .keep: 1, .blocked: 1])
    #expect(plan.at == noon)
  }

  @Test func aPlanReadsBackAsItWasSaved() throws {
    let reasons: [Reason] = [
      .new, .revised, .unfinished, .due(notAfter: noon), .notServed, .owed(node: NodeID("n")),
      .unproved(node: NodeID("n")), .valid(dueAt: noon), .paused, .waiting(until: noon, .dnsBroken),
      .heldForOperator(.paused), .unknownPair,
    ]
    let plan = Plan(at: noon, changes: reasons.map { change(.issue, $0) })

    let data = try JSONEncoder().encode(plan)

    #expect(try JSONDecoder().decode(Plan.self, from: data) == plan)
    #expect(Set(reasons.map(\.text)).count == reasons.count)
  }
}
