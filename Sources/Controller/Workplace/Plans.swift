public import Fleet
import Foundation
import Journal

/// What a plan is made of.
public struct PlanRequest: Sendable {
  /// Only this customer.
  public var customer: String?
  /// Only this pair.
  public var pair: String?
  /// Only changes of these kinds; empty means all.
  public var actions: [Action]

  /// Collects the parts.
  public init(customer: String? = nil, pair: String? = nil, actions: [Action] = []) {
    self.customer = customer
    self.pair = pair
    self.actions = actions
  }
}

extension Workplace {
  /// What a run would do now, why, and when it would be finished. Changes nothing.
  public func plan(_ request: PlanRequest) throws(CommandFault) -> PlanForecast {
    if let pair = request.pair { _ = try find(pairs: [pair]) }
    if let customer = request.customer { try know(customer: customer) }
    let now = clock.now
    let (state, buckets, returns) = try wantedState(at: now)
    let findings = try journaled(try journal.findings())
    var plan = Planner.plan(state, inventory: inventory, at: now)
    plan.changes.removeAll { !Self.isWanted($0, by: request, state) }
    let saved = SavedPlan(
      plan: plan,
      revisions: Dictionary(
        uniqueKeysWithValues: plan.changes.filter { $0.action != .keep }.compactMap { change in
          state.certificates[change.spec].map { (change.spec.rawValue, $0.revision) }
        }))
    let ledger = Ledger(tables: limits, rows: buckets)
    let dispatcher = Dispatcher(
      state: state, inventory: inventory, ledger: ledger, seed: 0,
      only: request.actions.isEmpty ? nil : saved.specs, findings: findings, at: now)
    let forecast = dispatcher.forecast(at: now)
    return PlanForecast(
      saved, forecast, request: request, inventory: inventory,
      domains: DomainOutlook.list(
        forecast, state.certificates, ledger: ledger, usualProfile: inventory.authorities[0].profile),
      warnings: returns + crowdedSets(of: state), outlook: Outlook(plan, state, findings, at: now))
  }

  private static func isWanted(_ change: PlannedChange, by request: PlanRequest, _ state: FleetState) -> Bool {
    guard let spec = state.certificates[change.spec]?.spec else { return false }
    return (request.customer == nil || spec.customer?.rawValue == request.customer)
      && (request.pair == nil || spec.pair.rawValue == request.pair)
      && (request.actions.isEmpty || request.actions.contains(change.action))
  }

  /// The state as it would be once the inventory's own lists are taken over, the ledger's rows, and which certificates would come back that
  /// somebody removed.
  func wantedState(at now: Date) throws(CommandFault) -> (FleetState, [BucketRow], [String]) {
    let snapshot = try journaled(try journal.snapshot())
    var state = snapshot.state
    let (difference, _, returns) = try self.difference(nil, from: state)
    state.certificates.reserveCapacity(state.certificates.count + difference.added.count)
    do throws(IllegalTransition) {
      for event in Self.events(difference) {
        try state.apply(Record(sequence: 0, at: now, sweep: nil, event: event))
      }
    } catch {
      throw .couldNotRun(error.description)
    }
    return (state, snapshot.buckets, returns)
  }
}
