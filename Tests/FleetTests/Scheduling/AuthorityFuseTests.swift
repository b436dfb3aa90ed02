import Foundation
import Testing

@testable import Fleet

/// H5: a CA that fails every order costs ten orders, not a night's limit, and no name is blamed; a customer who fails alone slows nobody.
@Suite struct AuthorityFuseTests {
  private let noon = SmallFleet.noon

  private func fleet(
    _ count: Int, pairs: Int = 4, customer: String? = nil, prefix: String = "n"
  ) throws -> [CertificateState] {
    try (0..<count).map {
      CertificateState(
        spec: try SmallFleet.spec("\(prefix)\($0)", pair: "lb\($0 % pairs)", customer: customer))
    }
  }

  private func world(_ states: [CertificateState]) -> ScriptedWorld {
    var world = ScriptedWorld(
      SmallFleet.state(states),
      inventory: SmallFleet.inventory(
        pairs: 4, pace: PaceSettings(ordersInFlight: 8, batchSize: 20, batchSeconds: 20)))
    world.reached = { _ in 3 }
    return world
  }

  @Test(arguments: [Failure.Kind.port80Closed, .authorityBusy, .challengeFailed, .dnsBroken, .authorityRefused])
  func aCAThatFailsEveryOrderCostsTenAndThenOneAMinute(kind: Failure.Kind) throws {
    var world = world(try fleet(300))
    world.attemptFailure = { _, _, _ in Failure(kind, "the CA's validators are broken") }

    _ = try world.run(atMost: 600)

    let first = try #require(world.issueTimes.first)
    let times = world.issueTimes.map { $0 - first }
    #expect(times.count(where: { $0 < 60 }) <= 12)
    for minute in 1..<9 {
      let count = times.count(where: { $0 >= Double(minute) * 60 && $0 < Double(minute + 1) * 60 })
      #expect(count <= 1)
    }
    #expect(times.count > 12)
    let states = world.dispatcher.state.certificates.values
    #expect(states.allSatisfy { $0.failures == 0 })
    #expect(states.allSatisfy { $0.lastFailure == nil || $0.lastFailure?.kind == .authorityFailing })
  }

  @Test func whenTheCAHealsAllGoesOnWithinNinetySeconds() throws {
    var world = world(try fleet(300))
    let heals = noon.addingTimeInterval(400)
    world.attemptFailure = { _, _, now in now < heals ? Failure(.port80Closed, "timeout") : nil }

    #expect(try world.run(atMost: 3_600))

    #expect(world.issuedCount == 300)
    let crowded = world.issueTimes.filter { $0 > 400 }.sorted()
    #expect(try #require(crowded.dropFirst(7).first) < 490)
  }

  @Test func aCustomerWhoFailsAloneSlowsNobodyElse() throws {
    let honest = try fleet(300, customer: "acme")
    let others = try fleet(300, customer: "zeta", prefix: "z")
    var alone = world(others)
    #expect(try alone.run(atMost: 3_600))
    var world = world(honest + others)
    world.attemptFailure = { spec, _, _ in
      spec.rawValue.contains("/n") ? Failure(.port80Closed, "their firewall") : nil
    }

    _ = try world.run(atMost: 2_000)

    #expect(others.allSatisfy { world.isServed($0.spec.id) })
    #expect(world.issuedCount == 300)
    #expect(honest.allSatisfy { world.dispatcher.state.certificates[$0.spec.id]?.lastFailure?.kind == .port80Closed })
    let last = zip(world.issued, world.issueTimes).filter { $0.0.rawValue.contains("/z") }.map(\.1).max()
    let lastAlone = try #require(alone.issueTimes.max())
    // The other half of the orders are theirs; beside these, a moment.
    #expect(try #require(last) < 2 * lastAlone + 30)
  }

  @Test func aCustomerWhoIsDueFirstAndFailsAloneSlowsNobodyElse() throws {
    let soon = noon.addingTimeInterval(-85 * SmallFleet.day)
    let honest = try (0..<300).map {
      SmallFleet.served(try SmallFleet.spec("n\($0)", pair: "lb\($0 % 4)", customer: "acme"), issuedAt: soon)
    }
    let others = try fleet(100, customer: "zeta", prefix: "z")
    var world = world(honest + others)
    world.attemptFailure = { spec, _, _ in
      spec.rawValue.contains("/n") ? Failure(.port80Closed, "their firewall") : nil
    }

    _ = try world.run(atMost: 600)

    #expect(others.allSatisfy { world.isServed($0.spec.id) })
  }

  @Test func oneDomainOrOnePairNeverBlowsIt() throws {
    let names = try (0..<60).map { index in
      CertificateState(spec: try SmallFleet.spec("n\(index)", pair: "lb0", customer: nil))
    }
    var world = world(names)
    world.attemptFailure = { _, number, _ in number == 1 ? Failure(.port80Closed, "closed") : nil }

    _ = try world.run(atMost: 120)

    #expect(world.dispatcher.authorityFailing == nil)
    #expect(world.issueTimes.count(where: { $0 < 60 }) == 60)
  }

  /// Forty names of one domain on one pair that are due first, and ten each of three others.
  private func oneDomainFirst() throws -> [CertificateState] {
    let soon = noon.addingTimeInterval(-85 * SmallFleet.day)
    return try (0..<70).map { index in
      let group = index < 40 ? 0 : (index - 10) / 10 - 2
      var spec = try SmallFleet.spec("g\(group)n\(index)", pair: "lb\(group)", customer: "c\(group)")
      spec.registeredDomains = ["g\(group).example"]
      return group == 0 ? SmallFleet.served(spec, issuedAt: soon) : CertificateState(spec: spec)
    }
  }

  // H5: whose names come first is chance: ten of one domain do not excuse the CA.
  @Test func tenOfOneDomainLeaveTheQuestionToAWitness() throws {
    var world = world(try oneDomainFirst())
    world.attemptFailure = { _, _, _ in Failure(.port80Closed, "the CA's validators are broken") }

    _ = try world.run(atMost: 300)

    #expect(world.issued.prefix(10).allSatisfy { $0.rawValue.contains("g0") })
    let first = try #require(world.issueTimes.first)
    #expect(world.issueTimes.count(where: { $0 - first < 60 }) <= 12)
    #expect(world.dispatcher.authorityFailing != nil)
    #expect(world.dispatcher.state.certificates.values.allSatisfy { $0.failures == 0 })
  }

  @Test func aWitnessThatIsIssuedSaysThatTheReasonIsTheirs() throws {
    var world = world(try oneDomainFirst())
    world.attemptFailure = { spec, _, _ in spec.rawValue.contains("g0") ? Failure(.port80Closed, "closed") : nil }

    _ = try world.run(atMost: 300)

    #expect(world.dispatcher.authorityFailing == nil)
    #expect(world.issuedCount == 30)
    #expect(world.issueTimes.count(where: { $0 < 60 }) >= 70)
  }

  @Test func namesThatFailedBeforeDoNotCount() throws {
    var states = try fleet(60)
    for index in states.indices {
      states[index].failures = 1
      states[index].lastFailure = Failure(.port80Closed, "an earlier night")
      states[index].lastFailureAt = noon.addingTimeInterval(-SmallFleet.day)
      states[index].failingSince = noon.addingTimeInterval(-SmallFleet.day)
      states[index].failingSweep = SweepID("s0")
    }
    var world = world(states)
    world.attemptFailure = { _, _, _ in Failure(.port80Closed, "closed") }

    _ = try world.run(atMost: 300)

    #expect(world.dispatcher.authorityFailing == nil)
    #expect(Set(world.issued).count == 60)
  }

  @Test func whatIsInDangerIsTriedFirstByExpiry() throws {
    func due(_ name: String, _ left: Double, pair: String) throws -> CertificateState {
      SmallFleet.served(
        try SmallFleet.spec(name, pair: pair, customer: nil),
        issuedAt: noon.addingTimeInterval((left - 90) * SmallFleet.day))
    }
    var world = world(try fleet(60))
    world.attemptFailure = { _, _, _ in Failure(.port80Closed, "timeout") }
    _ = try world.run(atMost: 30)
    #expect(world.dispatcher.authorityFailing != nil)
    let dangers = [try due("d5", 5, pair: "lb0"), try due("d3", 3, pair: "lb1"), try due("d20", 20, pair: "lb2")]

    var later = ScriptedWorld(
      world.dispatcher.state.adding(dangers), inventory: world.inventory, at: noon.addingTimeInterval(60))
    later.reached = { _ in 3 }
    later.attemptFailure = { _, _, _ in Failure(.port80Closed, "timeout") }
    _ = try later.run(atMost: 150)

    // The run before ended with a CA that fails: this one begins with a single order.
    #expect(later.issued.prefix(2).map(\.rawValue) == ["lb1/d3", "lb0/d5"])
  }

  // H15: the account is unknown to the CA: one thing, booked on no name; it heals by itself.
  @Test func anUnknownAccountIsBookedOnNoNameAndHealsByItself() throws {
    var world = world(try fleet(40))
    var isFirst = true
    world.attemptFailure = { _, _, _ in
      defer { isFirst = false }
      return isFirst ? Failure(.accountGone, "one replica's wrong answer") : nil
    }

    #expect(try world.run(atMost: 600))

    #expect(world.issuedCount == 40)
    #expect(try #require(world.issueTimes.max()) < 60)
  }

  // H15: without an account a run ends soon, and the next one needs no `retry`.
  @Test func withoutAnAccountTheRunEndsAndTheNextNeedsNoRetry() throws {
    var world = world(try fleet(40))
    world.attemptFailure = { _, _, _ in Failure(.accountGone, "no such account") }

    #expect(try world.run(atMost: 600))

    #expect(world.issued.count <= 13)
    let state = world.dispatcher.state
    #expect(state.certificates.values.allSatisfy { $0.failures == 0 && $0.notBefore == nil })
    var next = ScriptedWorld(state, inventory: world.inventory, at: noon.addingTimeInterval(SmallFleet.day))
    #expect(try next.run())
    #expect(next.issuedCount == 40)
  }

  @Test func theReportSaysItFirst() throws {
    let failure = Failure(.port80Closed, "timeout", name: "a.example")
    let records = [
      Record(
        sequence: 1, at: noon, sweep: SweepID("s1"),
        event: .authorityFailing(authority: SmallFleet.authority, certificates: [], failure: failure))
    ]

    let report = SweepReport(
      sweep: SweepID("s1"), purpose: .renew, end: .completed, startedAt: noon, endedAt: noon,
      before: FleetState(), after: SmallFleet.state(try fleet(3)), records: records,
      inventory: SmallFleet.inventory())

    #expect(report.needsAttention)
    #expect(SweepReportText.headline(report).contains(": the CA fails every order, 3 certificates wait"))
    let text = SweepReportText.render(report).split(separator: "\n")
    #expect(text[1].hasPrefix("The CA has failed every order since"))
    #expect(SweepReportHTML.render(report).contains("The CA has failed every order since"))
  }
}

extension FleetState {
  fileprivate func adding(_ certificates: [CertificateState]) -> FleetState {
    var state = self
    for certificate in certificates { state.certificates[certificate.spec.id] = certificate }
    return state
  }
}
