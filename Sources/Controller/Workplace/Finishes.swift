import Fleet
import Foundation
import Journal

extension Workplace {
  /// When what waits would be issued: the answer of `plan`, for `status` and `report`. There is one estimator.
  func finishes(
    of state: FleetState, at now: Date
  ) throws(CommandFault) -> (
    total: PlanForecast.Finish?, customers: [CustomerID: PlanForecast.Finish], pairs: [PairID: PlanForecast.Finish]
  ) {
    let rows = try journaled(try journal.snapshot()).buckets
    let dispatcher = Dispatcher(
      state: state, inventory: inventory, ledger: Ledger(tables: limits, rows: rows), seed: 0,
      findings: try journaled(try journal.findings()), insisted: try journaled(try journal.insisted()), at: now)
    let forecast = dispatcher.forecast(at: now)
    let openings = Openings(forecast, inventory)
    var customers: [CustomerID: PlanForecast.Finish] = [:]
    for (id, group) in forecast.customers { customers[id] = PlanForecast.Finish(group, openings.customers[id]) }
    var pairs: [PairID: PlanForecast.Finish] = [:]
    for (id, group) in forecast.pairs { pairs[id] = PlanForecast.Finish(group, openings.pairs[id]) }
    return (forecast.total.map { PlanForecast.Finish($0, openings.total) }, customers, pairs)
  }
}
