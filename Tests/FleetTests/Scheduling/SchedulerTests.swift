import Foundation
import Testing

@testable import Fleet

@Suite struct SchedulerTests {
  func candidate(
    _ name: String, pair: PairID = "lb1", expiry: Date? = nil, danger: Date? = nil, weight: Int = 1,
    exemption: PlannedOrder.Exemption = .none, notBefore: Date? = nil, looksBad: Bool = false
  ) throws -> Candidate {
    Candidate(
      spec: SpecID("\(pair)/\(name)"), kind: expiry == nil ? .issue : .renew, pair: pair,
      order: try order(name, exemption: exemption), expiry: expiry, dangerAt: danger, notBefore: notBefore,
      weight: weight, looksBad: looksBad)
  }

  /// The specs that start at once, in order.
  func starts(_ candidates: [Candidate], _ ledger: Ledger, limits: Scheduler.Limits = .init(total: 99, perPair: 99))
    -> [SpecID]
  {
    var scheduler = Scheduler(limits: limits)
    scheduler.update(candidates)
    var ledger = ledger
    var specs: [SpecID] = []
    while case .start(let lease) = scheduler.next(at: noon, ledger: &ledger, attempt: AttemptID("a\(specs.count)")) {
      specs.append(lease.spec)
    }
    return specs
  }

  @Test func aRenewalInDangerGoesBeforeEverythingByExpiry() throws {
    let fleet = [
      try candidate("calm.d1.example", expiry: after(2_000_000), danger: after(1_000_000)),
      try candidate("later.d2.example", expiry: after(90_000), danger: after(-10)),
      try candidate("sooner.d3.example", expiry: after(80_000), danger: after(-20)),
      try candidate("new.d4.example"),
    ]

    let order = starts(fleet, ledger())

    #expect(order == ["lb1/sooner.d3.example", "lb1/later.d2.example", "lb1/calm.d1.example", "lb1/new.d4.example"])
  }

  @Test func theDomainWithTheLongestTailGoesBeforeLooseNames() throws {
    var fleet = try (0..<60).map { try candidate("n\($0).long.example") }
    fleet += try (0..<55).map { try candidate("n\($0).short.example") }
    fleet.append(try candidate("www.loose.example"))

    let domains = starts(fleet, ledger(), limits: .init(total: 200, perPair: 200))
      .map { $0.rawValue.split(separator: ".").suffix(2).joined(separator: ".") }

    #expect(domains.count == 101)
    #expect(domains.first == "long.example")
    #expect(domains.last == "loose.example")
  }

  @Test func expiryThenWeightBreakTies() throws {
    let fleet = [
      try candidate("a.d1.example"), try candidate("b.d2.example", weight: 5),
      try candidate("c.d3.example", expiry: after(9_000_000)),
    ]

    #expect(starts(fleet, ledger()) == ["lb1/c.d3.example", "lb1/b.d2.example", "lb1/a.d1.example"])
  }

  @Test func whatLooksBadGoesLastButGoes() throws {
    let fleet = [
      try candidate("bad.d1.example", expiry: after(1_000_000), looksBad: true), try candidate("good.d2.example"),
    ]

    #expect(starts(fleet, ledger()) == ["lb1/good.d2.example", "lb1/bad.d1.example"])
  }

  @Test func anEmptyBucketHoldsOnlyItsOwnWork() throws {
    var ledger = ledger()
    _ = ledger.resync(.domain("full.example", letsEncrypt), retryAfter: 500, at: noon)
    var scheduler = Scheduler()
    scheduler.update([try candidate("a.full.example"), try candidate("a.free.example")])

    let first = scheduler.next(at: noon, ledger: &ledger, attempt: "a1")
    let second = scheduler.next(at: noon, ledger: &ledger, attempt: "a2")
    let third = scheduler.next(at: after(500), ledger: &ledger, attempt: "a2")

    guard case .start(let lease) = first else { throw Unexpected(decision: first) }
    #expect(lease.spec == "lb1/a.free.example")
    #expect(second == .wait(until: after(500), boundBy: .limit(.domain("full.example", letsEncrypt))))
    guard case .start(let last) = third else { throw Unexpected(decision: third) }
    #expect(last.boundBy == .limit(.domain("full.example", letsEncrypt)))
  }

  @Test func renewalsOfTheSameSetPassAnEmptyAccount() throws {
    var ledger = ledger()
    _ = ledger.resync(.newOrders(letsEncrypt), retryAfter: 500, at: noon)
    let fleet = [try candidate("new.d1.example"), try candidate("old.d2.example", exemption: .sameSet)]

    #expect(starts(fleet, ledger) == ["lb1/old.d2.example"])
  }

  @Test func theReserveIsForEmergencies() throws {
    let table = LimitTable(quotas: [.newOrdersPerAccount: Quota(burst: 20, refillMicroseconds: 36_000_000)])
    let fleet = try (0..<30).map { try candidate("n.d\($0).example") }
    let urgent = try candidate("u.d99.example", expiry: after(5_000), danger: after(-1))

    let everyday = starts(fleet, ledger(table, reserve: .standard))
    var scheduler = Scheduler(limits: .init(total: 99, perPair: 99))
    scheduler.update(fleet)
    var ledger = ledger(table, reserve: .standard)
    var started = 0
    while case .start = scheduler.next(at: noon, ledger: &ledger, attempt: AttemptID("a\(started)")) { started += 1 }
    scheduler.add(urgent)

    #expect(everyday.count == 19)
    guard case .start(let lease) = scheduler.next(at: noon, ledger: &ledger, attempt: "u") else {
      throw Unexpected(decision: .idle)
    }
    #expect(lease.spec == urgent.spec)
  }

  @Test func aFullPairStepsAsideForOthers() throws {
    let fleet =
      try (0..<5).map { try candidate("n\($0).d\($0).example", expiry: after(100)) } + [
        try candidate("x.d9.example", pair: "lb2")
      ]

    let order = starts(fleet, ledger(), limits: .init(total: 99, perPair: 2))

    #expect(order.count == 3)
    #expect(order.last == "lb2/x.d9.example")
  }

  @Test func theSameNamesFlyOnlyOnce() throws {
    var scheduler = Scheduler()
    var ledger = ledger()
    scheduler.update([try candidate("www.d1.example"), try candidate("www.d1.example", pair: "lb2")])

    let first = scheduler.next(at: noon, ledger: &ledger, attempt: "a1")
    let second = scheduler.next(at: noon, ledger: &ledger, attempt: "a2")
    guard case .start(let lease) = first else { throw Unexpected(decision: first) }
    _ = ledger.commit("a1", at: after(5))
    scheduler.finished(lease.spec)
    let third = scheduler.next(at: after(5), ledger: &ledger, attempt: "a2")

    #expect(second == .idle)
    guard case .start(let last) = third else { throw Unexpected(decision: third) }
    #expect(last.spec != lease.spec)
    #expect(last.boundBy == .sameSet)
  }

  @Test func aBackOffIsWaitedFor() throws {
    var scheduler = Scheduler()
    var ledger = ledger()
    scheduler.update([try candidate("www.d1.example", notBefore: after(60))])

    #expect(
      scheduler.next(at: noon, ledger: &ledger, attempt: "a1")
        == .wait(until: after(60), boundBy: .backOff("lb1/www.d1.example")))
  }

  @Test func anOpenTryGoesOnWithTheTokensItHolds() throws {
    var ledger = ledger()
    var open = try candidate("www.d1.example")
    _ = ledger.reserve("old", open.order, at: noon)
    _ = ledger.resync(.newOrders(letsEncrypt), retryAfter: 500, at: noon)
    open.attempt = "old"
    var scheduler = Scheduler()
    scheduler.update([open])

    guard case .start(let lease) = scheduler.next(at: noon, ledger: &ledger, attempt: "new") else {
      throw Unexpected(decision: .idle)
    }
    #expect(lease.attempt == "old")
    #expect(lease.rows.isEmpty)
  }

  @Test func updatingReplacesWhatIsWantedAndKeepsWhatFlies() throws {
    var scheduler = Scheduler(limits: .init(total: 1, perPair: 1))
    var ledger = ledger()
    let flying = try candidate("a.d1.example")
    scheduler.update([flying])
    _ = scheduler.next(at: noon, ledger: &ledger, attempt: "a1")

    scheduler.update([flying, try candidate("b.d2.example"), try candidate("c.d3.example")])
    scheduler.update([try candidate("c.d3.example")])

    #expect(scheduler.inFlightCount == 1)
    #expect(scheduler.waitingCount == 1)
    #expect(scheduler.next(at: noon, ledger: &ledger, attempt: "a2") == .idle)
    scheduler.finished(flying.spec)
    guard case .start(let lease) = scheduler.next(at: noon, ledger: &ledger, attempt: "a2") else {
      throw Unexpected(decision: .idle)
    }
    #expect(lease.spec == "lb1/c.d3.example")
    scheduler.finished(lease.spec)
    #expect(scheduler.next(at: noon, ledger: &ledger, attempt: "a3") == .idle)
  }

  @Test func theSpreadIsTheSameInEveryProcessAndAnotherForEverySeed() throws {
    let fleet = try (0..<20).map { try candidate("n.d\($0).example") }
    func first(_ seed: UInt64) -> SpecID? {
      var scheduler = Scheduler(seed: seed)
      scheduler.update(fleet)
      var ledger = ledger()
      guard case .start(let lease) = scheduler.next(at: noon, ledger: &ledger, attempt: "a") else { return nil }
      return lease.spec
    }

    #expect(first(1) == first(1))
    #expect(Set((0..<20).map { first($0) }).count > 5)
  }

  @Test func lookingAgainAtEverythingForDaysKeepsTheQueuesSmall() throws {
    let fleet = try (0..<120).map {
      try candidate("n\($0).d\($0 % 2).example", danger: after(1e7), notBefore: $0 % 5 == 0 ? after(1e6) : nil)
    }
    var scheduler = Scheduler()
    var ledger = ledger()
    for key in [BucketKey.domain("d0.example", letsEncrypt), .newOrders(letsEncrypt)] {
      _ = ledger.resync(key, retryAfter: 5_000, at: noon)
    }

    for _ in 0..<300 {
      for candidate in fleet {
        scheduler.remove(candidate.spec)
        scheduler.add(candidate)
      }
      _ = scheduler.next(at: noon, ledger: &ledger, attempt: "a")
    }

    #expect(scheduler.waitingCount == 120)
    #expect(scheduler.entryCount < 1_500)
  }

  struct Unexpected: Error { var decision: Decision }
}
