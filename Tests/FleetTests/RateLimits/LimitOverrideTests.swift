import Foundation
import Testing

@testable import Fleet

@Suite struct LimitOverrideTests {
  @Test func anAccountsOverrideHoldsForEverySubjectAndADomainsForItself() throws {
    let account = LimitOverride(
      limit: .newOrdersPerAccount, quota: try #require(Quota(burst: 1_000, count: 1_000, periodSeconds: 10_800)))
    let domain = LimitOverride(
      limit: .certificatesPerDomain, domain: "big.example",
      quota: try #require(Quota(burst: 300, count: 300, periodSeconds: 604_800)))

    let table = LimitTable.letsEncrypt.with([account, domain])

    #expect(table.quota(.newOrdersPerAccount, subject: "account")?.burst == 1_000)
    #expect(table.quota(.certificatesPerDomain, subject: "big.example")?.burst == 300)
    #expect(table.quota(.certificatesPerDomain, subject: "small.example")?.burst == 50)
    #expect(table.ceilings == LimitTable.letsEncrypt.ceilings)
  }

  @Test func aRaisedDomainTakesItsShareAndTheOthersTheirs() throws {
    let raised = LimitOverride(
      limit: .certificatesPerDomain, domain: "big.example",
      quota: try #require(Quota(burst: 300, count: 300, periodSeconds: 604_800)))
    var ledger = ledger(.letsEncrypt.with([raised]))
    for index in 0..<50 {
      for domain in ["big.example", "small.example"] {
        _ = ledger.observed(
          try #require(NameSet(["n\(index).\(domain)"])), registeredDomains: [domain], at: noon, letsEncrypt)
      }
    }

    #expect(ledger.decide(try order("new.big.example"), at: after(1)) == .now)
    #expect(ledger.decide(try order("new.small.example"), at: after(1)) != .now)
  }
}
