import Foundation
import Testing

@testable import Fleet

/// H16: a bucket that others spend from has one date, the CA's; an override that the CA does not have is not believed.
@Suite struct LedgerRefusalTests {
  private let noon = SmallFleet.noon
  private let names = NameSet(["one.example"])

  private func failure(_ seconds: Double, allowed: Int = 300) -> Failure {
    Failure(
      .rateLimited, "too many new orders (\(allowed)) from this account in the last 3h0m0s, retry after a while",
      retryAfter: noon.addingTimeInterval(seconds))
  }

  @Test func noReserveIsKeptInABucketThatOthersDrain() throws {
    let order = PlannedOrder(
      authority: SmallFleet.authority, names: try #require(names), registeredDomains: ["one.example"])
    var ledger = Ledger(tables: [SmallFleet.authority: .letsEncrypt])

    _ = ledger.refused(failure(600), order, at: noon)

    // Two seconds for the CA's rounding; with the reserve it would be nine minutes more.
    guard case .wait(let until, _) = ledger.decide(order, at: noon) else {
      Issue.record("the refusal is not believed")
      return
    }
    #expect((600...602).contains(until.timeIntervalSince(noon)))
    #expect(ledger.decide(order, at: noon.addingTimeInterval(603)) == .now)
    let standing = ledger.standings(at: noon).first { $0.key == .newOrders(SmallFleet.authority) }
    #expect(standing?.opensAt == until)
  }

  @Test func anotherProcessComesToTheSameDate() throws {
    var certificate = CertificateState(spec: try SmallFleet.spec("one"))
    certificate.lastFailure = failure(600)
    certificate.lastFailureAt = noon
    certificate.attemptAuthority = SmallFleet.authority
    let order = PlannedOrder(
      authority: SmallFleet.authority, names: certificate.spec.names, registeredDomains: ["one.example"])
    var run = Ledger(tables: [SmallFleet.authority: .letsEncrypt])
    let rows = run.refused(failure(600), order, at: noon)
    var plan = Ledger(tables: [SmallFleet.authority: .letsEncrypt], rows: rows)

    plan.learnRefusals(of: SmallFleet.state([certificate]), at: noon)

    #expect(plan.decide(order, at: noon) == run.decide(order, at: noon))
  }

  @Test func anOverrideThatTheCADoesNotHaveIsNamedAndNotBelieved() throws {
    let quota = try #require(Quota(burst: 3_000, count: 3_000, periodSeconds: 10_800))
    let override = LimitOverride(limit: .newOrdersPerAccount, quota: quota)
    let order = PlannedOrder(
      authority: SmallFleet.authority, names: try #require(names), registeredDomains: ["one.example"])
    var ledger = Ledger(tables: [SmallFleet.authority: LimitTable.letsEncrypt.with([override])])

    _ = ledger.refused(failure(36), order, at: noon)

    #expect(ledger.quota(of: .newOrders(SmallFleet.authority))?.burst == 300)
    #expect(ledger.quota(of: .newOrders(SmallFleet.authority))?.refillSeconds == 36)
    let record = Record(
      sequence: 1, at: noon, sweep: nil,
      event: .attemptFailed(
        of: AttemptReference(spec: SpecID("a"), attempt: AttemptID("b")), failure: failure(36)))
    let note = try #require(LimitNote.notes([record], overrides: [override]).first)
    #expect(note.text.contains("`overrides:` of the inventory says 3000, and the CA that it allows 300"))
  }

  @Test func theAllowanceIsReadFromTheCAsWords() {
    let domain = "too many certificates (50) already issued for \"a.example\" in the last 168h0m0s, retry after"

    #expect(RateLimitSignal.statedQuota(in: domain)?.burst == 50)
    #expect(RateLimitSignal.statedQuota(in: domain)?.refillSeconds == 12_096)
    #expect(RateLimitSignal.statedQuota(in: "Service busy; retry later.") == nil)
  }

  // G6: what a run remembers of a certificate does not hold its chain, and most records not at all.
  @Test func aReportKeepsNoChains() throws {
    let of = AttemptReference(spec: SpecID("a"), attempt: AttemptID("b"))
    let issued = Record(
      sequence: 1, at: noon, sweep: nil, event: .issued(of: of, certificate: SmallFleet.certificate(of.attempt)))
    let served = Record(sequence: 2, at: noon, sweep: nil, event: .served(certificates: [of]))

    guard case .issued(_, let kept)? = issued.forReport?.event else {
      Issue.record("the pace needs it")
      return
    }
    #expect(kept.chain.isEmpty)
    #expect(served.forReport == nil)
  }
}
