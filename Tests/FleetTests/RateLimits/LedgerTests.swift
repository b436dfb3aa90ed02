import Foundation
import Testing

@testable import Fleet

@Suite struct LedgerTests {
  let attempt = AttemptID("a1")

  @Test func anOrderHoldsATokenOfEachBucketUntilItIsSettled() throws {
    var ledger = ledger()
    let order = try order("www.example.com", "example.net")

    let rows = ledger.reserve(attempt, order, at: noon)

    #expect(
      rows.map(\.key) == [
        .newOrders(letsEncrypt), .domain("example.com", letsEncrypt), .domain("example.net", letsEncrypt),
        .exactSet(order.names, letsEncrypt), .failures("example.net", letsEncrypt),
        .failures("www.example.com", letsEncrypt),
      ])
    #expect(rows.allSatisfy { $0.tatMicroseconds == 0 && $0.reservations == [attempt] })
  }

  @Test func theOrderIsSpentWhenCreatedAndTheRestWhenIssued() throws {
    var ledger = ledger()
    let order = try order("www.example.com")
    _ = ledger.reserve(attempt, order, at: noon)

    let created = ledger.orderCreated(attempt, at: after(2))
    let issued = ledger.commit(attempt, at: after(10))

    #expect(created.map(\.key) == [.newOrders(letsEncrypt)])
    #expect(created.first?.tatMicroseconds == after(2 + 36 + 1).microseconds)
    #expect(
      issued.filter { !$0.isVoid }.map { [$0.key.description: $0.tatMicroseconds] } == [
        [BucketKey.domain("example.com", letsEncrypt).description: after(10 + 12_096 + 1).microseconds],
        [BucketKey.exactSet(order.names, letsEncrypt).description: after(10 + 120_960 + 1).microseconds],
      ])
    #expect(!ledger.isReserved(attempt))
    #expect(issued.contains { $0.key == .failures("www.example.com", letsEncrypt) && $0.isVoid })
  }

  @Test func anOrderThatTheCARefusedSpendsNothing() throws {
    var ledger = ledger()
    _ = ledger.reserve(attempt, try order("www.example.com"), at: noon)

    let rows = ledger.release(attempt, order: .notPlaced, at: after(3))

    #expect(rows.count == 4)
    #expect(rows.allSatisfy { $0.isVoid })
    #expect(ledger.rows.isEmpty)
  }

  @Test func anOrderThatDiesGivesBackAllButTheOrderItself() throws {
    var ledger = ledger()
    _ = ledger.reserve(attempt, try order("www.example.com"), at: noon)

    _ = ledger.release(attempt, order: .placed, at: after(3))

    #expect(ledger.rows.map(\.key) == [.newOrders(letsEncrypt)])
  }

  @Test func aFailureIsSpentOnceAlthoughATokenWasHeldForIt() throws {
    var ledger = ledger()
    let order = try order("www.example.com")
    _ = ledger.reserve(attempt, order, at: noon)
    _ = ledger.orderCreated(attempt, at: noon)

    _ = ledger.failedAuthorization("www.example.com", letsEncrypt, by: attempt, at: after(5))
    _ = ledger.release(attempt, order: .placed, at: after(5))

    let failures = ledger.rows.first { $0.key == .failures("www.example.com", letsEncrypt) }
    #expect(failures?.tatMicroseconds == after(5 + 720 + 1).microseconds)
    #expect(failures?.reservations == [])
    let pausing = ledger.rows.first { $0.key == .pausing("www.example.com", letsEncrypt) }
    #expect(pausing?.tatMicroseconds == after(5 + 86_400 + 1).microseconds)
  }

  @Test func fiveFailuresInAnHourHoldTheNameForTwelveMinutesAndNoOther() throws {
    var ledger = ledger()
    let bad = try order("bad.example.com")
    let good = try order("good.example.com")

    for _ in 0..<5 { _ = ledger.failedAuthorization("bad.example.com", letsEncrypt, by: nil, at: noon) }

    #expect(
      ledger.decide(bad, at: noon) == .wait(until: after(721), .failures("bad.example.com", letsEncrypt)))
    #expect(ledger.decide(good, at: noon) == .now)
    #expect(ledger.decide(bad, at: after(721)) == .now)
  }

  @Test func aNameIsHeldBackBeforeTheCAWouldPauseIt() throws {
    var ledger = ledger()
    let order = try order("gone.example.com")
    for _ in 0..<1_151 { _ = ledger.failedAuthorization("gone.example.com", letsEncrypt, by: nil, at: noon) }

    let held = ledger.decide(order, at: after(86_000))
    let success = ledger.succeededAuthorization("gone.example.com", letsEncrypt)

    #expect(held == .wait(until: after(86_401), .pausing("gone.example.com", letsEncrypt)))
    #expect(success.map(\.isVoid) == [true])
    #expect(ledger.decide(order, at: after(86_000)) == .now)
  }

  @Test func theLongestWaitIsNamed() throws {
    var ledger = ledger()
    let order = try order("www.example.com")
    for _ in 0..<5 { _ = ledger.observed(order.names, registeredDomains: ["example.com"], at: noon, letsEncrypt) }
    for _ in 0..<5 { _ = ledger.failedAuthorization("www.example.com", letsEncrypt, by: nil, at: noon) }

    #expect(ledger.decide(order, at: noon) == .wait(until: after(120_961), .exactSet(order.names, letsEncrypt)))
  }

  @Test(arguments: [
    (PlannedOrder.Exemption.none, true, true, true, true),
    (.sameSet, false, false, true, true),
    (.renewalInfo, false, false, false, false),
    (.renewalInfoOfOtherNames, false, false, false, false),
  ])
  func exemptionsOpenTheGatesThatTheCAOpens(
    exemption: PlannedOrder.Exemption, orders: Bool, domain: Bool, set: Bool, failures: Bool
  ) throws {
    let order = try order("www.example.com", exemption: exemption)

    for (key, isGate) in [
      (BucketKey.newOrders(letsEncrypt), orders), (.domain("example.com", letsEncrypt), domain),
      (.exactSet(order.names, letsEncrypt), set), (.failures("www.example.com", letsEncrypt), failures),
    ] {
      var ledger = ledger()
      _ = ledger.resync(key, retryAfter: 60, at: noon)
      #expect((ledger.decide(order, at: noon) != .now) == isGate, "\(key)")
    }
  }

  @Test func anExemptRenewalStillSpendsItsExactSet() throws {
    var ledger = ledger()
    let order = try order("www.example.com", exemption: .renewalInfo)
    _ = ledger.reserve(attempt, order, at: noon)

    _ = ledger.orderCreated(attempt, at: noon)
    _ = ledger.commit(attempt, at: after(9))

    #expect(ledger.rows.map(\.key) == [.exactSet(order.names, letsEncrypt)])
  }

  @Test func everydayWorkLeavesTheReserveAndEmergenciesUseIt() throws {
    var ledger = ledger(reserve: .standard)
    let order = try order("new.example.com")
    for index in 0..<48 {
      _ = ledger.observed(
        try #require(NameSet(["n\(index).example.com"])), registeredDomains: ["example.com"], at: noon, letsEncrypt)
    }

    #expect(ledger.decide(order, at: noon) == .wait(until: after(12_097), .domain("example.com", letsEncrypt)))
    #expect(ledger.decide(order, for: .emergency, at: noon) == .now)
  }

  @Test func tokensHeldByOthersAreNotPromisedTwice() throws {
    let table = LimitTable(quotas: [.newOrdersPerAccount: Quota(burst: 2, refillMicroseconds: 60_000_000)])
    var ledger = ledger(table)
    _ = ledger.reserve("a1", try order("a.example.com"), at: noon)
    _ = ledger.reserve("a2", try order("b.example.com"), at: noon)
    let third = try order("c.example.com")

    let whileHeld = ledger.decide(third, at: noon)
    _ = ledger.release("a2", order: .notPlaced, at: after(1))
    let afterRelease = ledger.decide(third, at: after(1))
    _ = ledger.reserve("a3", third, at: after(1))
    _ = ledger.orderCreated("a1", at: after(2))
    _ = ledger.orderCreated("a3", at: after(3))

    #expect(whileHeld == .occupied(.newOrders(letsEncrypt)))
    #expect(afterRelease == .now)
    #expect(ledger.decide(third, at: after(3)) == .wait(until: after(63), .newOrders(letsEncrypt)))
  }

  @Test func reservingTwiceHoldsOnce() throws {
    var ledger = ledger()
    let order = try order("www.example.com")

    let first = ledger.reserve(attempt, order, at: noon)
    let second = ledger.reserve(attempt, order, at: after(60))

    #expect(first == second)
  }

  @Test func anOrphanOfAKilledProcessLosesItsOrderAndKeepsNothing() throws {
    var ledger = ledger()
    _ = ledger.reserve("open", try order("a.example.com"), at: noon)
    _ = ledger.reserve("dead", try order("b.example.com"), at: noon)
    var restarted = Ledger(tables: ledger.tables, reserve: .nothing, rows: ledger.rows)

    let rows = restarted.settleOrphans(open: ["open"], at: after(30))

    #expect(restarted.isReserved("open"))
    #expect(!restarted.isReserved("dead"))
    #expect(rows.first { $0.key == .newOrders(letsEncrypt) }?.tatMicroseconds == after(67).microseconds)
    #expect(rows.first { $0.key == .domain("example.com", letsEncrypt) }?.reservations == ["open"])
  }

  @Test func anAuthorityWithoutLimitsNeverWaitsAndStoresNothing() throws {
    var ledger = ledger(.none)
    for index in 0..<1_000 {
      let order = try order("n\(index).example.com")
      let held = ledger.reserve(AttemptID("a\(index)"), order, at: noon)
      let spent = ledger.commit(AttemptID("a\(index)"), at: noon)
      #expect(held.isEmpty && spent.isEmpty)
      #expect(ledger.decide(order, at: noon) == .now)
    }
    #expect(ledger.rows.isEmpty)
  }

  @Test func standingsTellWhatIsLeftAndWhenTheNextTokenComes() throws {
    var ledger = ledger(reserve: .standard)
    for index in 0..<10 {
      _ = ledger.observed(
        try #require(NameSet(["n\(index).example.com"])), registeredDomains: ["example.com"], at: noon, letsEncrypt)
    }
    _ = ledger.reserve(attempt, try order("www.example.com"), at: noon)

    let standing = try #require(
      ledger.standings(at: after(1)).first { $0.key == .domain("example.com", letsEncrypt) })

    #expect(standing.left == 39)
    #expect(standing.kept == 2)
    #expect(standing.reserved == 1)
    #expect(standing.nextToken == after(12_097))
    #expect(standing.opensAt == after(1))
    #expect(standing.fullAt == after(120_961))
  }

  @Test func pruningForgetsOnlyWhatIsFull() throws {
    var ledger = ledger()
    _ = ledger.failedAuthorization("a.example.com", letsEncrypt, by: nil, at: noon)

    let pruned = ledger.prune(at: after(3_600))

    #expect(pruned == [.failures("a.example.com", letsEncrypt)])
    #expect(ledger.rows.map(\.key) == [.pausing("a.example.com", letsEncrypt)])
  }
}

extension ID: ExpressibleByStringLiteral {
  init(stringLiteral value: String) { self.init(value) }
}
