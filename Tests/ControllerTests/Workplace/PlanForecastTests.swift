import Fleet
import Foundation
import Testing

@testable import Controller

/// What `plan` prints.
@Suite struct PlanForecastTests {
  private let noon = Date(timeIntervalSince1970: 1_790_000_000)

  private func candidates(_ count: Int, pair: String) throws -> [Candidate] {
    try (0..<count).map { index in
      let name = "n\(index).\(pair).example"
      let order = PlannedOrder(
        authority: AuthorityID("ca"), names: try #require(NameSet([name])), registeredDomains: ["\(pair).example"])
      return Candidate(
        spec: SpecID("\(pair)/\(index)"), kind: .issue, pair: PairID(pair), customer: CustomerID("acme"), order: order)
    }
  }

  private func forecast(_ windows: [MaintenanceWindow] = []) throws -> PlanForecast {
    var scheduler = Scheduler()
    for candidate in try candidates(60, pair: "lb0") + candidates(3, pair: "lb1") { scheduler.add(candidate) }
    let ledger = Ledger(tables: [AuthorityID("ca"): .letsEncrypt], reserve: .nothing)
    let pair = Pair(
      id: PairID("lb1"), customer: nil, appliance: .haproxy, nodes: [],
      vips: [VIP(id: VIPID("web"), address: "198.51.100.7")], windows: windows)
    let inventory = Inventory(
      path: "", state: "", authorities: [], mail: nil, customers: [Customer(id: CustomerID("acme"), name: "Acme")],
      pairs: [pair], domainFiles: [])
    return PlanForecast(
      SavedPlan(plan: Plan(at: noon, changes: [])), Forecast.run(scheduler, ledger, from: noon),
      request: PlanRequest(), inventory: inventory, domains: [], warnings: ["same names"],
      outlook: Outlook(Plan(at: noon, changes: []), FleetState(), Findings(), at: noon))
  }

  @Test func totalCustomerAndPairsHaveTheirOwnDatesAndLimits() throws {
    let forecast = try forecast()

    let bound = "certificates per registered domain (lb0.example)"
    #expect(forecast.finish?.boundBy == bound)
    #expect(forecast.customers["Acme"]?.count == 63)
    #expect(forecast.pairs["lb0"]?.boundBy == bound)
    #expect(forecast.pairs["lb1"]?.at ?? .distantFuture < noon + 600)
    #expect(forecast.text(isVerbose: false).contains("warning: same names"))
  }

  @Test func aPairThatOpensLaterSaysWhen() throws {
    // Monday 14:13:20; it opens at 22:00.
    let window = MaintenanceWindow(id: "w", times: [.init(start: 22 * 3_600, length: 3_600)])

    let forecast = try forecast([window])

    #expect(forecast.pairs["lb1"]?.rolledOutFrom == noon + 28_000)
    #expect(forecast.text(isVerbose: true).contains("rolled out from 2026-09-21 22:00 UTC on, when the pair opens"))
  }
}
