import Fleet
import Foundation
import Testing

/// A run over a small fleet, from the first question to the last certificate, on a virtual clock.
@Suite struct DispatcherTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day

  private func new(_ count: Int, pair: String = "lb0") throws -> [CertificateState] {
    try (0..<count).map { CertificateState(spec: try SmallFleet.spec("n\($0)", pair: pair)) }
  }

  @Test func aNewCertificateIsSurveyedIssuedAndRolledOut() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))

    #expect(try world.run())

    #expect(world.surveyed == [PairID("lb0")])
    #expect(world.issued == [SpecID("lb0/n0")])
    #expect(world.rollouts.map(\.items.count) == [1])
    #expect(world.isServed(SpecID("lb0/n0")))
  }

  @Test func aFleetThatIsWellIsNotAskedAnything() throws {
    var world = ScriptedWorld(SmallFleet.state([SmallFleet.served(try SmallFleet.spec("n0"))]))

    #expect(try world.run())

    #expect(world.begun.isEmpty)
    #expect(world.now == noon)
  }

  @Test func aNightlySweepAsksEveryPairEvenWithoutWork() throws {
    var world = ScriptedWorld(SmallFleet.state([SmallFleet.served(try SmallFleet.spec("n0"))]), surveysAll: true)

    #expect(try world.run())

    #expect(world.surveyed == [PairID("lb0"), PairID("lb1")])
    #expect(world.issued.isEmpty)
  }

  @Test func onlyPairsWithWorkAreSurveyed() throws {
    let well = SmallFleet.served(try SmallFleet.spec("old", pair: "lb1"))
    var world = ScriptedWorld(SmallFleet.state(try new(2) + [well]))

    #expect(try world.run())

    #expect(world.surveyed == [PairID("lb0")])
  }

  @Test func aPausedPairStartsNothing() throws {
    var state = SmallFleet.state(try new(2) + (try new(1, pair: "lb1")))
    state.pairs[PairID("lb0")] = PairState(hold: PairHold(since: .distantPast))
    var world = ScriptedWorld(state)

    #expect(try world.run())

    #expect(world.surveyed == [PairID("lb1")])
    #expect(world.issued == [SpecID("lb1/n0")])
  }

  @Test func aPauseDuringTheRunHoldsBackWhatHasNotBegunAndResumeLetsItGoOn() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(20) + (try new(1, pair: "lb1"))))
    // The other pair keeps the run going until the pause is lifted.
    world.attemptFailure = { spec, number, now in
      spec == SpecID("lb1/n0") && number == 1
        ? Failure(.rateLimited, "later", retryAfter: now.addingTimeInterval(300)) : nil
    }
    world.schedule([.pairPaused(pair: PairID("lb0"))], after: 1)
    world.schedule([.pairResumed(pair: PairID("lb0"))], after: 100)

    #expect(try world.run())

    let during = zip(world.issueTimes, world.issued).filter {
      $0.1.rawValue.hasPrefix("lb0/") && (1..<100).contains($0.0)
    }
    #expect(during.isEmpty)
    #expect(world.rolloutTimes.allSatisfy { $0 >= 100 })
    #expect(world.dispatcher.state.certificates.keys.allSatisfy { world.isServed($0) })
  }

  @Test func attemptsInFlightStayWithinThePace() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(40)))

    #expect(try world.run())

    let limit = world.inventory.pace.attemptsInFlight
    for moment in Set(world.issueTimes) {
      #expect(world.issueTimes.count { $0 > moment - 2 && $0 <= moment } <= limit)
    }
    #expect(world.issuedCount == 40)
  }

  // MARK: Batches

  @Test func aFullBatchStartsAtOnceAndNoneIsLargerThanItsSize() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(23)))

    #expect(try world.run())

    #expect(world.rollouts.allSatisfy { $0.items.count <= 5 })
    #expect(world.rollouts.reduce(0) { $0 + $1.items.count } == 23)
    #expect(world.rolloutTimes[0] < 5)
  }

  @Test func aBatchThatNothingCanJoinAnyMoreDoesNotWait() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(3)))

    #expect(try world.run())

    #expect(world.rollouts.map(\.items.count) == [3])
    #expect(world.rolloutTimes == [2.5])
  }

  @Test func aBatchThatOthersMayJoinWaitsItsSeconds() throws {
    let pace = PaceSettings(ordersInFlight: 1, batchSize: 50, batchSeconds: 6)
    var world = ScriptedWorld(SmallFleet.state(try new(30)), inventory: SmallFleet.inventory(pace: pace))

    #expect(try world.run())

    // Three attempts of 2 s at a time: the first are ready at 2.5 s, and wait 6 s for company.
    let first = try #require(world.rolloutTimes.first)
    #expect((8.5...9.6).contains(first))
    #expect(world.rollouts[0].items.count >= 9)
  }

  @Test func aCertificateRemovedDuringTheRunKeepsNobodyWaiting() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(8)))
    world.schedule((0..<8).map { .specRemoved(spec: SpecID("lb0/n\($0)")) }.suffix(6), after: 2.2)

    #expect(try world.run())

    let left = world.dispatcher.state.certificates.keys.sorted()
    #expect(left == [SpecID("lb0/n0"), SpecID("lb0/n1")])
    #expect(left.allSatisfy { world.isServed($0) })
  }

  // MARK: Limits

  @Test func aLimitMakesTheRunWaitAndWakeWhenItsTokenComes() throws {
    let table = try SmallFleet.limits(orders: 3, everySeconds: 100)
    var world = ScriptedWorld(SmallFleet.state(try new(5)), limits: table)

    #expect(try world.run())

    #expect(world.issuedCount == 5)
    let times = world.issueTimes
    #expect(times.prefix(3).allSatisfy { $0 < 1 })
    // Spent when the order is recorded, at whole seconds; the token is there 100 s after.
    #expect((100...104).contains(times[3]))
    #expect((200...204).contains(times[4]))
  }

  @Test func whatIsIssuedIsRolledOutWhileALimitHoldsTheRest() throws {
    let table = try SmallFleet.limits(orders: 3, everySeconds: 3600)
    var world = ScriptedWorld(SmallFleet.state(try new(4)), limits: table)

    #expect(try world.run(atMost: 60) == false)

    #expect(world.dispatcher.waiting != nil)
    #expect(world.rollouts.map(\.items.count) == [3])
  }

  @Test func aMaximumOfNewAttemptsIsKept() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(9)), maximum: 4)

    #expect(try world.run())

    #expect(world.issued.count == 4)
    #expect(world.rollouts.reduce(0) { $0 + $1.items.count } == 4)
  }

  // MARK: Plans, imports, signals

  @Test func aSavedPlanTouchesNothingElse() throws {
    var waiting = SmallFleet.served(try SmallFleet.spec("undeployed"))
    waiting.served = nil
    let state = SmallFleet.state(try new(3) + [waiting])
    var world = ScriptedWorld(state, only: [SpecID("lb0/n1")])

    #expect(try world.run())

    #expect(world.issued == [SpecID("lb0/n1")])
    #expect(world.rollouts.flatMap(\.items).map(\.spec) == [SpecID("lb0/n1")])
  }

  @Test func aRenewalThatFallsDueBesidesASavedPlanIsDoneToItsEnd() throws {
    let due = SmallFleet.served(try SmallFleet.spec("due"), issuedAt: noon.addingTimeInterval(-70 * day))
    var world = ScriptedWorld(SmallFleet.state(try new(1) + [due]), only: [SpecID("lb0/n0")])

    #expect(try world.run())

    #expect(Set(world.issued) == [SpecID("lb0/n0"), SpecID("lb0/due")])
    #expect(world.isServed(SpecID("lb0/due")))
  }

  @Test func whatIsImportedDuringTheRunIsTaken() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(6)))
    world.schedule([.specAdded(try SmallFleet.spec("late", pair: "lb1"))], after: 2)

    #expect(try world.run())

    #expect(world.isServed(SpecID("lb1/late")))
  }

  @Test func aRenewalThatFallsDueDuringTheRunIsDone() throws {
    // Due 100 s from now, while the run waits for a limit.
    let due = SmallFleet.served(try SmallFleet.spec("due"), issuedAt: noon.addingTimeInterval(100 - 60 * day))
    let table = try SmallFleet.limits(orders: 1, everySeconds: 600)
    var world = ScriptedWorld(SmallFleet.state(try new(2) + [due]), limits: table)

    #expect(try world.run())

    let index = try #require(world.issued.firstIndex(of: SpecID("lb0/due")))
    #expect((100...131).contains(world.issueTimes[index]))
    #expect(world.isServed(SpecID("lb0/due")))
  }

  @Test func stopLetsWhatRunsComeToItsEndAndStartsNothingNew() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(20)))
    world.stop(after: 1)

    #expect(try world.run())

    #expect(world.issued.count == world.inventory.pace.attemptsInFlight)
    #expect(world.issuedCount == world.issued.count)
    #expect(world.rollouts.isEmpty)
  }

  @Test func withoutACAWhatIsIssuedIsStillRolledOut() throws {
    var waiting = SmallFleet.served(try SmallFleet.spec("undeployed"))
    waiting.served = nil
    var world = ScriptedWorld(SmallFleet.state(try new(3) + [waiting]))
    world.dispatcher.stopOrdering()

    #expect(try world.run())

    #expect(world.issued.isEmpty)
    #expect(world.isServed(SpecID("lb0/undeployed")))
  }

  // MARK: Unfinished attempts

  @Test func anAttemptLeftOpenGoesOnWithoutASecondReservation() throws {
    let spec = try SmallFleet.spec("open")
    var open = Attempt(id: AttemptID("a-open"), spec: spec.id, names: spec.names)
    try open.apply(.keyMade(Attempt.Key(node: NodeID("lb0-a"), request: "CSR")))
    try open.apply(.orderRequested)
    try open.apply(.orderCreated(url: "https://ca.example/order/7"))
    let state = CertificateState(
      spec: spec, attempt: open, attemptAuthority: SmallFleet.authority, attemptRevision: 1)
    var before = Ledger(tables: [SmallFleet.authority: .letsEncrypt], reserve: .nothing)
    let order = PlannedOrder(
      authority: SmallFleet.authority, names: spec.names, registeredDomains: spec.registeredDomains)
    _ = before.reserve(open.id, order, at: noon)
    _ = before.orderCreated(open.id, at: noon)
    var world = ScriptedWorld(SmallFleet.state([state]), limits: .letsEncrypt, rows: before.rows)

    #expect(try world.run())

    #expect(world.orders.map(\.attempt) == [open])
    #expect(world.orders.map(\.isResumed) == [true])
    #expect(world.orders[0].buckets.isEmpty)
    #expect(world.isServed(spec.id))
    _ = before.commit(open.id, at: noon)
    #expect(world.dispatcher.ledger.rows.map(\.key) == before.rows.map(\.key))
    #expect(world.dispatcher.ledger.rows.allSatisfy { $0.reservations.isEmpty })
  }

  @Test func manyOpenAttemptsAllGoOnEvenWithAMaximumOfNewOnes() throws {
    let states = try (0..<15).map { index in
      let spec = try SmallFleet.spec("open\(index)")
      return CertificateState(
        spec: spec, attempt: Attempt(id: AttemptID("a\(index)"), spec: spec.id, names: spec.names),
        attemptAuthority: SmallFleet.authority, attemptRevision: 1)
    }
    var world = ScriptedWorld(SmallFleet.state(states + (try new(3))), maximum: 1)

    #expect(try world.run())

    #expect(world.orders.count(where: \.isResumed) == 15)
    #expect(world.orders.count { !$0.isResumed } == 1)
  }

  @Test func aRevisionInMidAttemptEndsWithTheNewNamesServed() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.schedule([.specChanged(try SmallFleet.spec("n0", names: ["n0.example", "www.n0.example"]))], after: 1)

    #expect(try world.run())

    #expect(world.orders.map(\.attempt.names.names.count) == [1, 2])
    #expect(world.orders.map(\.revision) == [1, 2])
    #expect(world.isServed(SpecID("lb0/n0")))
  }
}
