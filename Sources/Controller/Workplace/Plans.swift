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
  /// It leaves the process, so it says which revision of each certificate it is for.
  public var isKept: Bool

  /// Collects the parts.
  public init(customer: String? = nil, pair: String? = nil, actions: [Action] = [], isKept: Bool = true) {
    self.customer = customer
    self.pair = pair
    self.actions = actions
    self.isKept = isKept
  }

  func wants(_ change: PlannedChange, _ state: FleetState) -> Bool {
    guard customer != nil || pair != nil || !actions.isEmpty else { return true }
    guard let spec = state.certificates[change.spec]?.spec else { return false }
    return (customer == nil || spec.customer?.rawValue == customer) && (pair == nil || spec.pair.rawValue == pair)
      && (actions.isEmpty || actions.contains(change.action))
  }
}

extension Workplace {
  /// What a run would do now, why, and when it would be finished. Changes nothing.
  public func plan(_ request: PlanRequest) async throws(CommandFault) -> PlanForecast {
    if let pair = request.pair { _ = try find(pairs: [pair]) }
    if let customer = request.customer { try know(customer: customer) }
    let now = clock.now
    let (state, buckets, returns) = try await wantedState(at: now)
    let findings = try journaled(try journal.findings())
    // What is done and when are two answers about one state: each takes a second for 100,000 names.
    let held = HeldBack(
      findings, of: state.certificates.values, insisted: try journaled(try journal.insisted()), at: now)
    async let chosen = changes(request, of: state, findings, held, at: now)
    async let crowded = crowdedSets(of: state)
    let ledger = Ledger(tables: limits, rows: buckets)
    let dispatcher = Dispatcher(
      state: state, inventory: inventory, ledger: ledger, seed: 0,
      only: request.actions.isEmpty ? nil : await chosen.plan.specs, findings: findings,
      insisted: held.insisted, at: now)
    let forecast = dispatcher.forecast(at: now)
    let domains = DomainOutlook.list(
      forecast, state.certificates, ledger: ledger, usualProfile: inventory.authorities[0].profile)
    return PlanForecast(
      await chosen.plan, forecast, request: request, inventory: inventory, domains: domains,
      warnings: returns + (await crowded), outlook: await chosen.outlook, doubt: held.doubt,
      holds: HoldNote.all(in: state, of: inventory, at: now).filter { note in
        request.pair == nil || note.pairs.contains { $0.rawValue == request.pair }
      })
  }

  private func changes(
    _ request: PlanRequest, of state: FleetState, _ findings: Findings, _ held: HeldBack, at now: Date
  ) -> (plan: SavedPlan, outlook: Outlook) {
    var plan = Planner.plan(state, inventory: inventory, at: now)
    plan.hold(held, state)
    plan.changes.removeAll { !request.wants($0, state) }
    let revisions = plan.changes.lazy.filter { $0.action != .keep }.compactMap { change in
      state.certificates[change.spec].map { (change.spec.rawValue, $0.revision) }
    }
    let saved = SavedPlan(plan: plan, revisions: request.isKept ? Dictionary(uniqueKeysWithValues: revisions) : nil)
    return (saved, Outlook(plan, state, findings, at: now))
  }

  /// The state as it would be once the inventory's own lists are taken over, the ledger's rows, and which certificates would come back that
  /// somebody removed.
  func wantedState(at now: Date) async throws(CommandFault) -> (FleetState, [BucketRow], [String]) {
    async let loaded = DomainLoader.load(inventory: inventory, now: now)
    let snapshot = try journaled(try journal.snapshot())
    var state = snapshot.state
    _ = try renames(in: &state)
    let (difference, _, returns) = try self.difference(await loaded, from: state)
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
