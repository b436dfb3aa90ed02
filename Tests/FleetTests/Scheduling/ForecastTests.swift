import Foundation
import Testing

@testable import Fleet

/// The worked examples of Docs/RateLimits.md.
@Suite struct ForecastTests {
  func candidates(_ sets: [[String]], domain: (String) -> String = { $0.drop { $0 != "." }.dropFirst().description })
    -> [Candidate]
  {
    sets.enumerated().compactMap { index, names in
      guard let set = NameSet(names) else { return nil }
      let order = PlannedOrder(
        authority: letsEncrypt, names: set, registeredDomains: Set(names.map(domain)).sorted())
      let pair = PairID("lb\(index % 4)")
      return Candidate(
        spec: SpecID("\(pair)/\(index)"), kind: .issue, pair: pair, customer: CustomerID("c\(index % 3)"), order: order)
    }
  }

  func forecast(_ sets: [[String]], reserve: Reserve = .nothing) -> Forecast {
    var scheduler = Scheduler()
    scheduler.update(candidates(sets))
    return Forecast.run(scheduler, ledger(reserve: reserve), from: noon)
  }

  func hours(_ forecast: Forecast) -> Double { (forecast.total?.end.timeIntervalSince(noon) ?? 0) / 3_600 }

  @Test(arguments: [(300, 0.0), (1_000, 7.0), (10_000, 97.0)])
  func newNamesOfDifferentDomainsTakeAsLongAsTheAccountAllows(count: Int, expected: Double) {
    let forecast = forecast((0..<count).map { ["www.d\($0).example"] })

    #expect(forecast.finishes.count == count)
    #expect(hours(forecast) >= expected)
    #expect(hours(forecast) < expected + 0.1)
    #expect(forecast.total?.boundBy == (expected > 0 ? .limit(.newOrders(letsEncrypt)) : .total))
  }

  @Test(arguments: [(50, 0.0), (60, 33.6), (93, 144.48), (200, 504.0)])
  func newNamesOfOneDomainTakeAsLongAsTheDomainAllows(count: Int, expected: Double) {
    let forecast = forecast((0..<count).map { ["n\($0).one.example"] })

    #expect(forecast.finishes.count == count)
    #expect(hours(forecast) >= expected)
    #expect(hours(forecast) < expected + 0.1)
    if expected > 0 { #expect(forecast.total?.boundBy == .limit(.domain("one.example", letsEncrypt))) }
  }

  @Test func packedIntoOneCertificateTheSame93NamesTakeNoTime() {
    let forecast = forecast([(0..<93).map { "n\($0).one.example" }])

    #expect(hours(forecast) < 0.01)
    #expect(forecast.total?.boundBy == nil)
  }

  @Test func aThousandNamesOfOneDomainFitInTenCertificates() {
    let forecast = forecast((0..<10).map { pack in (0..<100).map { "n\(pack)-\($0).one.example" } })

    #expect(hours(forecast) < 0.02)
  }

  @Test func fiveThousandNamesUnder250DomainsTakeTheAccountsTime() {
    let forecast = forecast((0..<5_000).map { ["n\($0).d\($0 % 250).example"] })

    #expect(hours(forecast) >= 47.0)
    #expect(hours(forecast) < 47.1)
  }

  @Test func theReserveCostsNineMinutesOnce() {
    let different = forecast((0..<2_000).map { ["www.d\($0).example"] }, reserve: .standard)
    let oneDomain = forecast((0..<93).map { ["n\($0).one.example"] }, reserve: .standard)

    #expect(abs(hours(different) - 17.15) < 0.02)
    #expect(abs(hours(oneDomain) / 24 - 6.3) < 0.01)
  }

  @Test func customersAndPairsHaveTheirOwnDates() {
    let forecast = forecast((0..<400).map { ["www.d\($0).example"] })

    #expect(forecast.customers.count == 3)
    #expect(forecast.customers.values.map(\.count).reduce(0, +) == 400)
    #expect(forecast.pairs.values.map(\.end).max() == forecast.total?.end)
    #expect(forecast.pairs.values.allSatisfy { $0.count == 100 })
  }

  @Test func aPausedPairNeverEndsAndHoldsNobody() {
    var scheduler = Scheduler()
    scheduler.update(candidates((0..<40).map { ["www.d\($0).example"] }))
    scheduler.hold("lb0", until: .distantFuture)

    let forecast = Forecast.run(scheduler, ledger(), from: noon)

    #expect(forecast.never == 10)
    #expect(forecast.finishes.count == 30)
    #expect(!forecast.finishes.contains { $0.pair == "lb0" })
  }

  @Test func aPairThatIsHeldForAWhileIsWaitedFor() {
    var scheduler = Scheduler()
    scheduler.update(candidates([["www.d0.example"]]))
    scheduler.hold("lb0", until: after(28_000))

    let forecast = Forecast.run(scheduler, ledger(), from: noon)

    #expect(forecast.finishes.map(\.start) == [after(28_000)])
    #expect(forecast.finishes.first?.boundBy == .closed("lb0"))
  }
}
