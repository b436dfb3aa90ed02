import Foundation
import Testing

@testable import Fleet

@Suite struct QuotaTests {
  @Test func everyVectorOfBouldersFormulaIsReproduced() throws {
    let fixture = try LimitFixture.load()
    #expect(fixture.vectors.count == 5)

    for vector in fixture.vectors {
      let quota = try #require(LimitTable.letsEncrypt.quotas[vector.limit])
      var tat: Microseconds = 0
      for step in vector.steps {
        let now = after(step.time).microseconds
        var allowed = 0
        for _ in 0..<step.asked {
          guard let earliest = quota.earliest(tat: tat, cost: 1), earliest <= now else { break }
          tat = quota.spent(tat: tat, at: now)
          allowed += 1
        }
        #expect(allowed == step.allowed, "\(vector) at \(step.time)")
        if let retryIn = step.retryIn {
          let earliest = try #require(quota.earliest(tat: tat, cost: 1))
          #expect(earliest - now == Microseconds(retryIn * 1_000_000), "\(vector) at \(step.time)")
        }
      }
    }
  }

  @Test func theBuiltInTablesAreThePublishedOnes() throws {
    let data = try LimitFixture.data()

    #expect(try LimitTable(json: data) == .letsEncrypt)
    #expect(try LimitTable(json: data, environment: "staging") == .letsEncryptStaging)
  }

  @Test func aDateSurvivesTheWayToMicrosecondsAndBack() {
    for offset in stride(from: Microseconds(0), to: 5_000, by: 7) {
      let micros = noon.microseconds + offset * 999_983
      #expect(Date(microseconds: micros).microseconds == micros)
    }
  }

  @Test func aRefusalRevealsTheBucketThatWouldRefuseSo() throws {
    let quota = try #require(LimitTable.letsEncrypt.quotas[.certificatesPerDomain])
    let now = noon.microseconds

    let tat = quota.resynchronised(wait: 5_000_000, at: now)

    #expect(quota.earliest(tat: tat, cost: 1) == now + 5_000_000)
    #expect(quota.tokens(tat: tat, at: now) == 0)
    #expect(quota.tokens(tat: tat, at: now + 5_000_000) == 1)
  }

  @Test(arguments: [(0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.0), (1, 1, -5.0), (Int64.max, 1, 1e8), (1, 1, 1e30)])
  func aSenselessQuotaIsRefused(burst: Int64, count: Int64, period: Double) {
    #expect(Quota(burst: burst, count: count, periodSeconds: period) == nil)
  }

  @Test func theReserveLeavesEverydayWorkAtLeastOneToken() throws {
    let single = try #require(Quota(burst: 1, count: 1, periodSeconds: 60))

    #expect(Reserve.standard.tokens(of: .certificatesPerFQDNSet, single) == 0)
    #expect(Reserve(shares: [.newOrdersPerAccount: 7]).tokens(of: .newOrdersPerAccount, single) == 0)
    for (limit, expected) in [
      (Limit.newOrdersPerAccount, 15), (.certificatesPerDomain, 2), (.certificatesPerFQDNSet, 1),
      (.failedAuthorizations, 1),
    ] {
      let quota = try #require(LimitTable.letsEncrypt.quotas[limit])
      #expect(Reserve.standard.tokens(of: limit, quota) == Int64(expected))
    }
  }
}
