import Fleet
import Foundation
import Testing

/// Stories of one certificate, told by events alone.
@Suite struct FleetFoldTests {
  private let noon = SmallFleet.noon
  private let id = SpecID("lb0/n0")

  /// Folds events, one minute apart.
  private func fold(
    _ events: [Event], onto start: FleetState = FleetState(), sweep: String? = "s1", from minute: Int = 0
  ) throws -> FleetState {
    var state = start
    for (index, event) in events.enumerated() {
      try state.apply(
        Record(
          sequence: Int64(minute + index + 1), at: noon.addingTimeInterval(Double(minute + index) * 60),
          sweep: sweep.map { SweepID($0) }, event: event))
    }
    return state
  }

  private func of(_ attempt: String) -> AttemptReference { AttemptReference(spec: id, attempt: AttemptID(attempt)) }

  private func issuing(_ attempt: String, names: [String] = ["n0.example"], revision: Int = 1) throws -> [Event] {
    let set = try #require(NameSet(names))
    return [
      .attemptStarted(of: of(attempt), names: set, authority: SmallFleet.authority, revision: revision),
      .keyMade(of: of(attempt), key: Attempt.Key(node: NodeID("lb0-b"), request: "CSR")),
      .orderRequested(of: of(attempt)), .orderCreated(of: of(attempt), url: "https://ca.example/order/1"),
      .finalizeRequested(of: of(attempt)),
      .issued(of: of(attempt), certificate: SmallFleet.certificate(AttemptID(attempt))),
    ]
  }

  private func serving(_ attempt: String) -> [Event] {
    ["lb0-b", "lb0-a"].map {
      .installed(node: NodeID($0), certificates: [of(attempt)], proof: .wire, reason: "handshake")
    } + [.served(certificates: [of(attempt)])]
  }

  private func added() throws -> [Event] { [.specAdded(try SmallFleet.spec("n0"))] }

  private func failed(_ attempt: String, _ kind: Failure.Kind) throws -> [Event] {
    [
      .attemptStarted(
        of: of(attempt), names: try #require(NameSet(["n0.example"])), authority: SmallFleet.authority, revision: 1),
      .attemptFailed(of: of(attempt), failure: Failure(kind, "why")),
    ]
  }

  @Test func aNewCertificateGoesFromWantedToServed() throws {
    let state = try fold(added() + issuing("a1") + serving("a1"))

    let certificate = try #require(state.certificates[id])
    #expect(certificate.attempt == nil)
    #expect(certificate.issued?.attempt == AttemptID("a1"))
    #expect(certificate.issuedRevision == 1)
    #expect(certificate.keyNode == NodeID("lb0-b"))
    #expect(certificate.served == AttemptID("a1"))
    #expect(certificate.servedNotAfter == certificate.issued?.notAfter)
    #expect(Set(certificate.installations.keys) == [NodeID("lb0-a"), NodeID("lb0-b")])
    #expect(certificate.installations[NodeID("lb0-a")]?.sha256 == "sha-a1")
  }

  @Test func aRenewalKeepsTheOldOneServedUntilTheNewIsSeen() throws {
    let before = try fold(added() + issuing("a1") + serving("a1"))
    let issued = try fold(try issuing("a2"), onto: before)

    #expect(issued.certificates[id]?.served == AttemptID("a1"))
    #expect(issued.certificates[id]?.issued?.attempt == AttemptID("a2"))
    #expect(issued.certificates[id]?.installations[NodeID("lb0-a")]?.attempt == AttemptID("a1"))

    let served = try fold(serving("a2"), onto: issued)
    #expect(served.certificates[id]?.served == AttemptID("a2"))
  }

  @Test func aNameSetRevisedInMidAttemptLetsTheTryEndForItsOwnRevision() throws {
    let changed = try SmallFleet.spec("n0", names: ["n0.example", "www.n0.example"])
    let events = try added() + issuing("a1").prefix(4) + [.specChanged(changed)] + issuing("a1").suffix(2)

    let certificate = try #require(try fold(events).certificates[id])

    #expect(certificate.revision == 2)
    #expect(certificate.issuedRevision == 1)
    let (action, reason) = Planner.decide(
      certificate, pair: SmallFleet.pair("lb0"), isPaused: false, at: noon.addingTimeInterval(3_600))
    #expect(action == .issue)
    #expect(reason == .revised)
  }

  @Test func aChangeOfWhoseItIsIsNoNewRevision() throws {
    let before = try fold(added() + issuing("a1") + serving("a1"))
    let after = try fold([.specChanged(try SmallFleet.spec("n0", customer: "zeta"))], onto: before)

    #expect(after.certificates[id]?.revision == 1)
    #expect(after.certificates[id]?.spec.customer == CustomerID("zeta"))
    #expect(after.certificates[id]?.served == AttemptID("a1"))
  }

  @Test func aCertificateThatMovesToAnotherVIPIsNotServedThereYet() throws {
    let before = try fold(added() + issuing("a1") + serving("a1"))
    var moved = try SmallFleet.spec("n0")
    moved.vip = VIPID("mail")
    let after = try fold([.specChanged(moved)], onto: before)

    #expect(after.certificates[id]?.revision == 1)
    #expect(after.certificates[id]?.served == nil)
    #expect(after.certificates[id]?.issued?.attempt == AttemptID("a1"))
  }

  @Test func whatWasRemovedInMidAttemptIsGoneAndItsLaterEventsAreOnlyHistory() throws {
    let events = try added() + issuing("a1").prefix(4) + [.specRemoved(spec: id)] + issuing("a1").suffix(2)

    let state = try fold(events + serving("a1") + [.retryAsked(spec: id)])

    #expect(state.certificates.isEmpty)
  }

  @Test func importingTheSameCertificateTwiceForgetsNothing() throws {
    let before = try fold(added() + issuing("a1") + serving("a1"))

    #expect(try fold(added(), onto: before) == before)
  }

  @Test func theEventsOfATryThatWasReplacedChangeNothing() throws {
    let before = try fold(try added() + issuing("a1").prefix(3) + issuing("a2").prefix(2))

    let after = try fold(
      [.orderCreated(of: of("a1"), url: "x"), .attemptFailed(of: of("a1"), failure: Failure(.orderLost, "late"))],
      onto: before)

    #expect(after == before)
  }

  @Test func eventsOutOfOrderAreRefusedAndChangeNothing() throws {
    var state = try fold(try added() + issuing("a1").prefix(2))
    let before = state

    #expect(throws: IllegalTransition.self) {
      try state.apply(Record(sequence: 9, at: noon, sweep: nil, event: .finalizeRequested(of: of("a1"))))
    }
    #expect(state == before)
  }

  // MARK: Failures

  @Test func failuresOfTheNameCountAndPushTheNextTryAway() throws {
    let state = try fold(added() + failed("a1", .port80Closed) + failed("a2", .port80Closed))

    let certificate = try #require(state.certificates[id])
    #expect(certificate.failures == 2)
    #expect(certificate.failingSince == noon.addingTimeInterval(120))
    #expect(certificate.notBefore == noon.addingTimeInterval(240 + 600))
  }

  @Test(arguments: Failure.Kind.allCases.filter { $0.retry != .backOff })
  func whatIsNotTheNamesFaultNeverCounts(kind: Failure.Kind) throws {
    let state = try fold(added() + failed("a1", kind))

    #expect(state.certificates[id]?.failures == 0)
    #expect(state.certificates[id]?.lastFailure?.kind == kind)
    let expected: Date? = kind.retry == .byHand ? .distantFuture : nil
    #expect(state.certificates[id]?.notBefore == expected)
  }

  @Test func theCAsDateIsKept() throws {
    let limited = Failure(.rateLimited, "later", retryAfter: noon.addingTimeInterval(9_999))
    let state = try fold(
      try added() + failed("a1", .port80Closed) + failed("a2", .port80Closed).prefix(1) + [
        .attemptFailed(of: of("a2"), failure: limited)
      ])

    #expect(state.certificates[id]?.failures == 1)
    #expect(state.certificates[id]?.notBefore == noon.addingTimeInterval(9_999))
  }

  @Test func aSuccessForgetsFailures() throws {
    let state = try fold(added() + failed("a1", .port80Closed) + issuing("a2"))

    #expect(state.certificates[id]?.failures == 0)
    #expect(state.certificates[id]?.lastFailure == nil)
    #expect(state.certificates[id]?.failingSince == nil)
    #expect(state.certificates[id]?.failingSweep == nil)
  }

  @Test func retryForgetsFailuresAndTheirBackOff() throws {
    let state = try fold(added() + failed("a1", .paused) + [.retryAsked(spec: id)])

    #expect(state.certificates[id]?.lastFailure == nil)
    #expect(state.certificates[id]?.notBefore == nil)
    #expect(state.certificates[id]?.mayOverwrite == false)
  }

  @Test func aRevisionForgetsFailures() throws {
    let changed = try SmallFleet.spec("n0", names: ["other.example"])
    let state = try fold(added() + failed("a1", .nameRefused) + [.specChanged(changed)])

    #expect(state.certificates[id]?.lastFailure == nil)
    #expect(state.certificates[id]?.failures == 0)
  }

  @Test func theSweepInWhichItBeganToFailIsKeptWhileItGoesOnFailing() throws {
    let first = try fold(added() + failed("a1", .port80Closed), sweep: "s1")
    let second = try fold(failed("a2", .wrongAnswer), onto: first, sweep: "s2", from: 60)

    #expect(second.certificates[id]?.failingSweep == SweepID("s1"))
    #expect(second.certificates[id]?.failingSince == noon.addingTimeInterval(120))
    #expect(second.certificates[id]?.lastFailure?.kind == .wrongAnswer)
  }

  @Test func aLostKeyMakesANewIssue() throws {
    let lost = Event.ejected(rollout: RolloutID("r1"), spec: id, failure: Failure(.keyLost, "gone"))
    let state = try fold(added() + issuing("a1") + [lost])

    let certificate = try #require(state.certificates[id])
    let decision = Planner.decide(certificate, pair: SmallFleet.pair("lb0"), isPaused: false, at: noon)
    #expect(decision.0 == .issue)
    let again = try fold(try issuing("a2"), onto: state)
    #expect(again.certificates[id]?.issuedRevision == 1)
  }

  @Test func aFileChangedByHandIsOverwrittenOnlyAfterRetryAndOnlyOnce() throws {
    let changed = Event.ejected(rollout: RolloutID("r1"), spec: id, failure: Failure(.changedByHand, "other leaf"))
    let held = try fold(added() + issuing("a1") + [changed])
    #expect(held.certificates[id]?.mayOverwrite == false)
    #expect(held.certificates[id]?.notBefore == .distantFuture)

    let allowed = try fold([.retryAsked(spec: id)], onto: held)
    #expect(allowed.certificates[id]?.mayOverwrite == true)
    #expect(allowed.certificates[id]?.notBefore == nil)

    #expect(try fold(serving("a1"), onto: allowed).certificates[id]?.mayOverwrite == false)
  }

  // MARK: Nodes, pairs, accounts

  @Test func anInstallationOfAnOldCertificateIsNotTakenForTheNewOne() throws {
    let before = try fold(added() + issuing("a1") + issuing("a2"))

    let after = try fold(
      [.installed(node: NodeID("lb0-a"), certificates: [of("a1")], proof: .wire, reason: "")], onto: before)

    #expect(after == before)
  }

  @Test func aLaterProofReplacesAnEarlierOne() throws {
    let low = Event.installed(node: NodeID("lb0-a"), certificates: [of("a1")], proof: .memory, reason: "show ssl cert")
    let high = Event.installed(node: NodeID("lb0-a"), certificates: [of("a1")], proof: .wire, reason: "handshake")

    let state = try fold(added() + issuing("a1") + [low, high])

    #expect(state.certificates[id]?.installations[NodeID("lb0-a")]?.proof == .wire)
  }

  @Test func troubleOfPairsAndNodesComesAndGoes() throws {
    let pair = PairID("lb0")
    let node = NodeID("lb0-a")
    let troubled = try fold([
      .pairPaused(pair: pair), .pairTroubled(pair: pair, failure: Failure(.splitBrain, "both")),
      .nodeTroubled(node: node, failure: Failure(.nodeUnreachable, "no route")),
    ])
    #expect(troubled.pairs[pair]?.isPaused(at: noon) == true)
    #expect(troubled.pairs[pair]?.troubledAt == noon.addingTimeInterval(60))
    #expect(troubled.nodes[node]?.troubledSweep == SweepID("s1"))

    let healed = try fold([.pairResumed(pair: pair), .pairHealed(pair: pair), .nodeHealed(node: node)], onto: troubled)
    #expect(healed.pairs[pair] == PairState())
    #expect(healed.nodes[node] == NodeState())
  }

  @Test func healingWhatWasNeverSickMakesNoRow() throws {
    let state = try fold([.pairHealed(pair: PairID("lb0")), .nodeHealed(node: NodeID("lb0-a"))])

    #expect(state == FleetState())
  }

  @Test func anAccountReplacesTheOneBefore() throws {
    let state = try fold([
      .accountRegistered(authority: SmallFleet.authority, url: "u1", thumbprint: "t1"),
      .accountRegistered(authority: SmallFleet.authority, url: "u2", thumbprint: "t2"),
    ])

    #expect(state.accounts[SmallFleet.authority] == AccountState(url: "u2", thumbprint: "t2"))
  }

  @Test func everyEventChangesOnlyTheRowsThatItNames() throws {
    let start = try fold(added() + issuing("a1") + serving("a1") + [.specAdded(try SmallFleet.spec("other"))])
    let events: [Event] =
      try issuing("a2") + serving("a2") + failed("a3", .port80Closed) + [
        .retryAsked(spec: id), .specVetoed(spec: id, failure: Failure(.wrongAnswer, "no")),
        .ejected(rollout: RolloutID("r"), spec: id, failure: Failure(.stageRefused, "no")),
        .specChanged(try SmallFleet.spec("n0", names: ["x.example"])), .specRemoved(spec: id),
      ]
    var state = start
    for (index, event) in events.enumerated() {
      let before = state
      try state.apply(Record(sequence: Int64(index), at: noon, sweep: nil, event: event))
      let touched = Set(event.subjects)
      for spec in Set(before.certificates.keys).union(state.certificates.keys)
      where before.certificates[spec] != state.certificates[spec] {
        #expect(touched.contains(.certificate(spec)), "\(event)")
      }
      #expect(before.pairs == state.pairs && before.nodes == state.nodes && before.accounts == state.accounts)
    }
  }
}
