import Fleet
import Foundation
import Testing

/// G16: a failure that is certain costs no order, and goes as it came.
@Suite struct HeldBackTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day
  private let gone = Finding.Verdict.certain(.nameNotFound)

  private func new(_ numbers: Range<Int>, pair: String = "lb0") throws -> [CertificateState] {
    try numbers.map { CertificateState(spec: try SmallFleet.spec("n\($0)", pair: pair)) }
  }

  private func world(_ certificates: [CertificateState], insisted: Set<SpecID> = []) -> ScriptedWorld {
    ScriptedWorld(SmallFleet.state(certificates), looksFirst: true, insisted: insisted)
  }

  private func id(_ number: Int) -> SpecID { SpecID("lb0/n\(number)") }

  @Test func whatIsCertainToFailIsNotOrderedAndTheRestIs() throws {
    var world = world(try new(0..<20))
    world.dns = { [gone] spec, _ in spec.id == SpecID("lb0/n3") ? gone : nil }

    #expect(try world.run())

    #expect(Set(world.issued) == Set((0..<20).filter { $0 != 3 }.map(id)))
    #expect(world.dispatcher.heldBack.certain.keys.map(\.rawValue) == ["lb0/n3"])
    #expect(world.dispatcher.state.certificates[id(3)]?.failures == 0)
    // Nothing waits for it: the run ends.
    #expect(world.now.timeIntervalSince(noon) < 600)
  }

  @Test func whatIsOnlyLikelyToFailGoesLastButGoes() throws {
    var world = world(try new(0..<20))
    world.dns = { spec, _ in spec.id == SpecID("lb0/n3") ? .fails(.nameNotFound) : nil }

    #expect(try world.run())

    #expect(world.issued.count == 20)
    #expect(world.issued.last == id(3))
  }

  @Test func inALongRunItIsLookedAtAgainAndGoesAtOnceWhenItHeals() throws {
    var world = world(try new(0..<20))
    world.dns = { [gone, noon] spec, now in
      spec.id == SpecID("lb0/n3") && now.timeIntervalSince(noon) < 4_000 ? gone : nil
    }
    // Something else keeps the run going.
    world.attemptFailure = { [noon] spec, _, now in
      spec == SpecID("lb0/n0") && now.timeIntervalSince(noon) < 9_000
        ? Failure(.rateLimited, "later", retryAfter: noon.addingTimeInterval(9_000)) : nil
    }

    #expect(try world.run())

    #expect(world.isServed(id(3)))
    // After 10, 30 and 70 minutes: the third look sees it healed.
    #expect(world.looks[id(3)] == 4)
    let index = try #require(world.issued.firstIndex(of: id(3)))
    #expect((4_200..<4_300).contains(world.issueTimes[index]))
  }

  @Test func aPersonsRetryOrdersOnceWhateverDNSSays() throws {
    var world = world(try new(0..<20), insisted: [id(3)])
    world.dns = { [gone] spec, _ in spec.id == SpecID("lb0/n3") ? gone : nil }
    world.attemptFailure = { spec, _, _ in
      spec == SpecID("lb0/n3") ? Failure(.nameNotFound, "NXDOMAIN", name: "n3.example") : nil
    }
    // The back-off of a failure is a minute: the run lives longer than that.
    world.schedule([.pairPaused(pair: PairID("lb1"))], after: 0)

    #expect(try world.run())

    #expect(world.issued.count { $0 == self.id(3) } == 1)
  }

  @Test func aRetryBesideTheRunFreesItToo() throws {
    var world = world(try new(0..<20))
    world.dns = { [gone] spec, _ in spec.id == SpecID("lb0/n3") ? gone : nil }
    world.attemptFailure = { [noon] spec, number, _ in
      spec == SpecID("lb0/n0") && number == 1
        ? Failure(.rateLimited, "later", retryAfter: noon.addingTimeInterval(300)) : nil
    }
    world.schedule([.retryAsked(spec: id(3))], after: 100)

    #expect(try world.run())

    #expect(world.isServed(id(3)))
  }

  @Test func whatThisAccountValidatedHasOneTryADayWhateverDNSSays() throws {
    let old = SmallFleet.served(try SmallFleet.spec("old"), issuedAt: noon - 85 * day)
    var world = world([old])
    world.dns = { [gone] _, _ in gone }

    #expect(try world.run())
    #expect(world.issued == [old.spec.id])

    for (hours, isTried) in [(2.0, false), (23, false), (25, true)] {
      var failed = old
      failed.failures = 1
      failed.lastFailure = Failure(.nameNotFound, "NXDOMAIN")
      failed.lastFailureAt = noon - hours * 3_600
      var world = self.world([failed])
      world.dns = { [gone] _, _ in gone }

      #expect(try world.run())
      #expect(world.issued.isEmpty == !isTried, "\(hours) h")
    }
  }

  @Test func aFleetOfWhichMoreThanAFifthLooksSoIsOneQuestionAndAFewTries() throws {
    var world = world(try new(0..<40))
    world.dns = { [gone] spec, _ in ["1", "2", "3"].contains { spec.label.hasSuffix($0) } ? gone : nil }
    world.attemptFailure = { spec, _, _ in
      ["1", "2", "3"].contains { spec.rawValue.hasSuffix($0) } ? Failure(.nameNotFound, "NXDOMAIN") : nil
    }

    #expect(try world.run())

    let doubt = try #require(world.dispatcher.heldBack.doubt)
    #expect(doubt.certain == 12)
    #expect(doubt.wanted == 40)
    #expect(doubt.question.contains("does this machine see the public DNS?"))
    let tried = Set(world.issued.filter { id in ["1", "2", "3"].contains { id.rawValue.hasSuffix($0) } })
    #expect(tried.count == HeldBack.triesInDoubt)
    // All that looks well goes before any of them.
    #expect(world.issued.prefix(28).allSatisfy { !tried.contains($0) })
  }

  @Test func aTryThatTheCAValidatesAnswersTheQuestion() throws {
    var world = world(try new(0..<40))
    world.dns = { [gone] _, _ in gone }

    #expect(try world.run())

    #expect(world.dispatcher.state.certificates.keys.allSatisfy { world.isServed($0) })
  }

  @Test func aHandfulIsNoQuestionHoweverSmallTheFleetIs() throws {
    var world = world(try new(0..<5))
    world.dns = { [gone] _, _ in gone }

    #expect(try world.run())

    #expect(world.issued.isEmpty)
    #expect(world.dispatcher.heldBack.doubt == nil)
  }

  @Test func whatWaitsLongForItsTurnIsLookedAtAgainRightBefore() throws {
    let limits = try SmallFleet.limits(orders: 4, everySeconds: 900)
    var world = ScriptedWorld(SmallFleet.state(try new(0..<12)), limits: limits, looksFirst: true)
    // It vanishes after the first look at all of them.
    world.dns = { [gone, noon] spec, now in
      now.timeIntervalSince(noon) > 60 && spec.label == "n7" ? gone : nil
    }

    #expect(try world.run())

    let others = Set((0..<12).map(id)).subtracting([id(7)])
    #expect(others.isSubset(of: Set(world.issued)))
    if let first = world.issued.firstIndex(of: id(7)) { #expect(world.issueTimes[first] < 60) }
    #expect(world.looks.values.allSatisfy { $0 <= 20 })
  }

  // B4: no attempt, no token, no second question in the same run; a person's `retry` asks again.
  @Test func whatAPairWouldRefuseCostsNothingAndIsLeftAloneInThisRun() throws {
    let limits = try SmallFleet.limits(orders: 4, everySeconds: 86_400)
    var world = ScriptedWorld(SmallFleet.state(try new(0..<4)), limits: limits)
    world.refuses = { $0 == SpecID("lb0/n1") }

    #expect(try world.run(atMost: 3_600))

    #expect(world.issuedCount == 3)
    #expect(world.issued.count { $0 == self.id(1) } == 1)
    #expect(world.dispatcher.state.certificates[id(1)]?.attempt == nil)
    #expect(world.dispatcher.orderable(on: PairID("lb0")).isEmpty)
  }

  // MARK: Plan and report

  private func findings(_ names: [String], at now: Date = SmallFleet.noon, since: Date? = nil) -> Findings {
    Findings(
      names.map { name in
        Finding(
          vip: VIPReference(pair: PairID("lb0"), vip: VIPID("web")), name: "\(name).example", check: .addresses,
          verdict: gone, evidence: "\(name).example does not exist", at: now, since: since)
      })
  }

  @Test func aPlanSaysWhatWaitsForItsDNSAndAForecastGivesItNoDate() throws {
    let state = SmallFleet.state(try new(0..<20))
    let found = findings(["n3"])
    let held = HeldBack(found, of: state.certificates.values, at: noon)
    var plan = Planner.plan(state, inventory: SmallFleet.inventory(), at: noon)

    plan.hold(held, state)

    let change = try #require(plan.changes.first { $0.spec == id(3) })
    #expect(change.action == .blocked)
    #expect(change.reason == .heldBack(.nameNotFound, since: noon))
    #expect(change.reason.text.contains("no order is made until that heals"))
    let dispatcher = Dispatcher(
      state: state, inventory: SmallFleet.inventory(), ledger: Ledger(tables: [:]), seed: 0, findings: found, at: noon)
    let forecast = dispatcher.forecast(at: noon)
    #expect(forecast.never == 1)
    #expect(forecast.finishes.count == 19)
  }

  @Test func aReportCountsWhatWaitsAndIsLoudOnce() throws {
    let state = SmallFleet.state(try new(0..<20))
    func report(since: Date) -> SweepReport {
      SweepReport(
        sweep: SweepID("s"), purpose: .renew, end: .completed, startedAt: noon - 10, endedAt: noon, before: state,
        after: state, records: [], inventory: SmallFleet.inventory(),
        held: HeldBack(findings(["n3", "n4"], since: since), of: state.certificates.values, at: noon))
    }
    let first = report(since: noon)

    #expect(first.needsAttention)
    #expect(first.total.waiting == 20)
    let text = SweepReportText.render(first)
    #expect(text.contains("2 certificates wait for their DNS"))
    #expect(text.contains("name not in DNS: 2, 2 new"))
    #expect(text.contains("certfleet retry NAME"))
    #expect(!report(since: noon - 2 * day).needsAttention)
  }
}
