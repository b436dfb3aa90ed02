import ACME
import Fleet
import Foundation
import Journal
import Net
import Testing

@testable import Controller

/// What a signal does to an order: nothing new, nothing lost, and nobody blamed.
@Suite struct StoppedIssuerTests {
  // H7: after the first signal no order is asked for; the next run asks.
  @Test func afterTheFirstSignalNoOrderIsAskedFor() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    let stop = StopSign()
    await stop.set(at: Date())

    try await stage.run(ca, stop: stop)

    #expect(await ca.calls.isEmpty)
    #expect(try stage.certificateState().lastFailure == nil)

    try await stage.run(ca)

    #expect(try stage.certificateState().issued != nil)
  }

  // H7: polls end soon after the first signal; the order is in the journal, and is gone on with.
  @Test func afterTheFirstSignalPollsEndAndTheOrderIsKept() async throws {
    let stage = try await IssuingStage()
    var working = stage.order(.ready)
    working.status = .processing
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()], afterFinalize: working)
    try await stage.note(.orderRequested(of: stage.of))
    try await stage.note(.orderCreated(of: stage.of, url: "https://ca.example/order/1"))
    let stop = StopSign()
    let clock = QuickClock()
    await stop.set(at: clock.now)
    let start = clock.now

    try await stage.run(ca, clock: clock, stop: stop)

    #expect(clock.now.timeIntervalSince(start) < 15)
    let left = try stage.certificateState()
    #expect(left.lastFailure == nil)
    guard case .finalizing = left.attempt?.state else {
      Issue.record("the attempt is \(String(describing: left.attempt?.state))")
      return
    }
  }

  // E1: what we ended ourselves is no verdict, whatever a library calls it.
  @Test func aRequestThatWeEndedSaysNothingOfTheCA() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    await ca.fail("newOrder", .transport(NetError(.cancelled, "cancelled")), times: 9)
    let running = Task { try await stage.run(ca, clock: QuickClock()) }  // a task to be cancelled is what is tested
    running.cancel()

    try await running.value

    let left = try stage.certificateState()
    #expect(left.lastFailure == nil)
    #expect(left.attempt != nil)
    #expect(
      Failure(ACMEError(.transport(NetError(.cancelled, "cancelled")), url: "u"), at: Date()).kind == .interrupted)
  }

  // E7: a validation that fails while the pair fails over says nothing of port 80.
  @Test func aFailOverInTheMiddleOfAValidationIsSaid() async throws {
    let stage = try await IssuingStage()
    let pair = Pair(
      id: PairID("p"), customer: nil, appliance: .haproxy, nodes: [], vips: [VIP(id: VIPID("v"), address: "192.0.2.1")])
    let session = PairSession(
      pair: pair, links: [], recorder: Recorder(journal: stage.journal, sweep: nil, clock: SystemClock()) { _ in },
      clock: SystemClock(), thumbprint: "", names: [], known: .init(of: pair, in: FleetState()))
    let closed = Failure(.port80Closed, "connection refused", name: "one.example")

    let failure = await session.failedOver(since: .node(NodeID("a")), for: VIPID("v"), closed)

    #expect(failure?.kind == .failedOver)
    #expect(failure?.name == "one.example")
    #expect(failure?.kind.retry == .whenHealed)
    #expect(await session.failedOver(since: .none(closed), for: VIPID("v"), closed) == nil)
  }

  // E2: SIGKILL while the CA looked through the tunnel; the next run finds the order, or one of its authorizations, invalid. Nobody was there to
  // answer, so the name is looked at anew and not counted.
  @Test(arguments: [OrderStatus.invalid, .pending])
  func whatTheCASawWhileNoRunWasThereIsNoVerdictOnTheName(_ status: OrderStatus) async throws {
    let (stage, ca) = try await looked(status)

    try await stage.run(ca, nodes: [node(.tunnel(port: 8888))])

    let left = try stage.certificateState()
    #expect(left.lastFailure?.kind == .interrupted)
    #expect(left.lastFailure?.name == "one.example")
    #expect(left.failures == 0)
    #expect(await !ca.calls.contains("respond"))
  }

  // E2: the static rule answers without a run, so what the CA saw then counts.
  @Test func whatTheCASawThroughTheStaticRuleCountsWhoeverRan() async throws {
    let (stage, ca) = try await looked(.invalid)

    try await stage.run(ca, nodes: [node(.thumbprint(hosts: "/etc/hosts.lst", socket: nil))])

    let failure = try #require(try stage.certificateState().lastFailure)
    #expect(failure.kind != .interrupted)
    #expect(failure.detail.contains("503 at one.example"))
  }

  /// An order of a run that was killed after it had told the CA to look.
  private func looked(_ status: OrderStatus) async throws -> (IssuingStage, ScriptedCA) {
    let stage = try await IssuingStage()
    let url = "https://ca.example/authorization/1"
    let ca = ScriptedCA(stage.order(status, authorizations: [url]), chain: [])
    let problem = Problem(type: .unauthorized, detail: "503 at one.example")
    await ca.hold(
      Authorization(
        url: url, status: .invalid, identifier: Identifier(name: "one.example"),
        challenges: [Challenge(type: .http01, url: url + "/http", status: .invalid, token: "token", error: problem)]))
    try await stage.note(.orderRequested(of: stage.of))
    try await stage.note(.orderCreated(of: stage.of, url: "https://ca.example/order/1"))
    return (stage, ca)
  }

  private func node(_ challenge: ChallengeMethod) -> Node {
    Node(
      id: NodeID("n1"), address: "192.0.2.9", ssh: SSHSettings(user: "root"), active: .always,
      challenge: challenge, terminations: [])
  }

  // G7: ticks do not queue up behind a turn that takes long.
  @Test func oneTickWaitsAtATime() async {
    let gate = TickGate()

    var taken: [Bool] = []
    for _ in 0..<3 { taken.append(await gate.take()) }
    await gate.done()
    taken.append(await gate.take())

    #expect(taken == [true, false, false, true])
  }
}
