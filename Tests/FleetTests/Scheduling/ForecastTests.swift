import Fleet
import Foundation
import Testing

/// The worked examples of Docs/RateLimits.md.
@Suite struct ForecastTests {
  let noon = Date(timeIntervalSince1970: 1_790_000_000)
  let authority = AuthorityID("letsencrypt")

  func candidates(_ count: Int, domain: (Int) -> String, pair: (Int) -> String = { "lb\($0 % 4)" }) -> [Candidate] {
    (0..<count).compactMap { index in
      let domain = domain(index)
      guard let names = NameSet(["n\(index).\(domain)"]) else { return nil }
      let order = PlannedOrder(authority: authority, names: names, registeredDomains: [domain])
      return Candidate(spec: SpecID("\(pair(index))/n\(index)"), kind: .issue, pair: PairID(pair(index)), order: order)
    }
  }

  func hours(_ candidates: [Candidate], reserve: Reserve = .nothing, limits: LimitTable = .letsEncrypt) -> Double {
    var scheduler = Scheduler()
    scheduler.update(candidates)
    let ledger = Ledger(tables: [authority: limits], reserve: reserve)
    let forecast = Forecast.run(scheduler, ledger, from: noon)
    #expect(forecast.finishes.count == candidates.count)
    return (forecast.total?.end.timeIntervalSince(noon) ?? 0) / 3_600
  }

  @Test(arguments: [(300, 0.0), (1_000, 7.0), (2_000, 17.0), (10_000, 97.0)])
  func newNamesOfDifferentDomainsTakeAsLongAsTheAccountAllows(count: Int, expected: Double) {
    let took = hours(candidates(count) { "d\($0).example" })

    #expect(took >= expected)
    #expect(took < expected + 0.1)
  }

  @Test(arguments: [(50, 0.0), (60, 33.6), (100, 168.0), (200, 504.0)])
  func newNamesOfOneDomainTakeAsLongAsTheDomainAllows(count: Int, expected: Double) {
    let took = hours(candidates(count) { _ in "one.example" })

    #expect(took >= expected)
    #expect(took < expected + 0.1)
  }
}
