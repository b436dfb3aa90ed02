public import Fleet
public import Foundation
import Journal

/// A plan in a file: `run FILE` touches exactly these certificates.
public struct SavedPlan: Sendable, Codable {
  /// The plan.
  public var plan: Plan

  /// The certificates that it would change.
  var specs: Set<SpecID> {
    Set(plan.changes.filter { $0.action == .issue || $0.action == .renew || $0.action == .redeploy }.map(\.spec))
  }

  static func load(from path: String) throws(CommandFault) -> SavedPlan {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .badInput("the plan \(path) cannot be read")
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      return try decoder.decode(SavedPlan.self, from: data)
    } catch {
      throw .badInput("\(path) is no plan; certfleet plan --out FILE writes one")
    }
  }

  /// Writes it.
  public func save(to path: String) throws(CommandFault) {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw .couldNotRun("\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}

/// A plan with its dates.
public struct PlanForecast: Sendable, Codable {
  /// What would be done.
  public var plan: SavedPlan
  /// When everything would be issued; nil when nothing is to be asked of the CA.
  public var finish: Finish?
  /// The same for each customer, by the name that reports print.
  public var customers: [String: Finish]
  /// Certificates that no date can be given for: paused pairs, failures that wait for a person.
  public var undated: Int
  /// What the last preflight says of it.
  public var outlook: Outlook

  /// A date and what binds it.
  public struct Finish: Sendable, Codable {
    /// How many certificates.
    public var count: Int
    /// When the last is there.
    public var at: Date
    /// The limit that it waits for; nil when none does.
    public var boundBy: String?
  }

  /// For people; every certificate when `isVerbose`, else those that would change, the first 50.
  public func text(isVerbose: Bool) -> String {
    let counts = plan.plan.counts
    var lines = [
      [
        ("+", "issue"), ("~", "renew"), (">", "redeploy"), ("=", "keep"), ("!", "blocked"),
      ].compactMap { sign, word in
        Action(rawValue: sign).flatMap { counts[$0] }.map { "\(Wording.grouped($0)) to \(word)" }
      }.joined(separator: ", ")
    ]
    if lines[0].isEmpty { lines[0] = "No certificates are wanted yet." }
    lines[0] = lines[0].replacing("to keep", with: "kept").replacing("to blocked", with: "blocked")
    if let finish {
      let bound = finish.boundBy.map { ", bound by: \($0)" } ?? ""
      lines.append("Issued by \(Wording.minute(finish.at)) UTC\(bound)")
      for (name, finish) in customers.sorted(by: { $0.key < $1.key }) {
        let bound = finish.boundBy.map { ", bound by: \($0)" } ?? ""
        lines.append(
          "  \(Printable.terminal(name)): \(Wording.count(finish.count, "certificate")) by \(Wording.minute(finish.at)) UTC\(bound)"
        )
      }
    }
    if undated > 0 { lines.append("\(Wording.count(undated, "certificate")) without a date: see the blocked ones") }
    lines += outlook.lines(at: plan.plan.at, isVerbose: isVerbose)
    let shown = plan.plan.changes.filter { isVerbose || $0.action != .keep }
    if !shown.isEmpty { lines.append("") }
    let limit = isVerbose ? shown.count : 50
    lines += shown.prefix(limit).map { "\($0.action.rawValue) \($0.spec)  (\($0.reason.text))" }
    if shown.count > limit { lines.append("and \(Wording.grouped(shown.count - limit)) more; -v shows all") }
    return lines.joined(separator: "\n")
  }
}

extension Workplace {
  /// What a run would do now, why, and when it would be finished. Changes nothing.
  public func plan(customer: String?, pair: String?) throws(CommandFault) -> PlanForecast {
    if let pair { _ = try find(pairs: [pair]) }
    if let customer { try know(customer: customer) }
    let now = clock.now
    let (state, buckets) = try wantedState(at: now)
    let findings: Findings
    do throws(JournalError) {
      findings = try journal.findings()
    } catch {
      throw CommandFault(error)
    }
    let names = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.name) })
    var plan = Planner.plan(state, inventory: inventory, at: now)
    plan.changes.removeAll { change in
      guard let spec = state.certificates[change.spec]?.spec else { return true }
      return (customer != nil && spec.customer?.rawValue != customer) || (pair != nil && spec.pair.rawValue != pair)
    }
    let dispatcher = Dispatcher(
      state: state, inventory: inventory, ledger: Ledger(tables: limits, rows: buckets), seed: 0, findings: findings,
      at: now)
    let forecast = dispatcher.forecast(at: now)
    func finish(_ group: Forecast.Group) -> PlanForecast.Finish {
      .init(count: group.count, at: group.end, boundBy: group.boundBy?.description)
    }
    var customers: [String: PlanForecast.Finish] = [:]
    for (id, group) in forecast.customers where customer == nil || id.rawValue == customer {
      customers[names[id] ?? id.rawValue] = finish(group)
    }
    let total = customer.flatMap { forecast.customers[CustomerID($0)] } ?? pair.flatMap { forecast.pairs[PairID($0)] }
    return PlanForecast(
      plan: SavedPlan(plan: plan), finish: (customer == nil && pair == nil ? forecast.total : total).map(finish),
      customers: customers, undated: forecast.never, outlook: Outlook(plan, state, findings, at: now))
  }

  /// The state as it would be once the inventory's own lists are taken over, and the ledger's rows.
  func wantedState(at now: Date) throws(CommandFault) -> (FleetState, [BucketRow]) {
    let snapshot: JournalSnapshot
    do throws(JournalError) {
      snapshot = try journal.snapshot()
    } catch {
      throw CommandFault(error)
    }
    var state = snapshot.state
    let difference = try difference(nil, from: state).value
    do throws(IllegalTransition) {
      for event in Self.events(difference) {
        try state.apply(Record(sequence: 0, at: now, sweep: nil, event: event))
      }
    } catch {
      throw .couldNotRun(error.description)
    }
    return (state, snapshot.buckets)
  }
}
