public import Fleet
import Foundation
import Journal

extension Workplace {
  /// What the coming days bring, and what of it will fail by the last preflight. Changes nothing.
  ///
  /// - Parameter progress: told how many of the days are played through.
  public func forecast(
    days: Int, supposing names: Int, progress: (Int) -> Void
  ) async throws(CommandFault) -> LoadForecast {
    guard (1...Self.mostDays).contains(days) else { throw .badInput("--days takes 1 to \(Self.mostDays)") }
    guard (0...Self.mostNames).contains(names) else { throw .badInput("--domains takes 0 to \(Self.mostNames)") }
    guard names == 0 || !inventory.pairs.isEmpty else {
      throw .badInput("the inventory has no pairs that could serve the domains")
    }
    let now = clock.now
    let (state, buckets, _) = try await wantedState(at: now)
    let findings = try journaled(try journal.findings())
    let dispatcher = Dispatcher(
      state: state, inventory: inventory, ledger: Ledger(tables: limits, rows: buckets), seed: 0, findings: findings,
      at: now)
    var forecast = dispatcher.loadForecast(days: days, supposing: names, at: now, progress: progress)
    forecast.outlook = Outlook(Planner.plan(state, inventory: inventory, at: now), state, findings, at: now)
    return forecast
  }

  /// Ten years; what lies further ahead is no forecast.
  private static let mostDays = 3_660
  private static let mostNames = 1_000_000
}
