public import Fleet
public import Foundation

/// A plan with its dates.
public struct PlanForecast: Sendable, Codable {
  /// What would be done.
  public var plan: SavedPlan
  /// When everything would be issued; nil when nothing is to be asked of the CA.
  public var finish: Finish?
  /// The same for each customer, by the name that reports print.
  public var customers: [String: Finish]
  /// The same for each pair, by its id.
  public var pairs: [String: Finish]
  /// Registered domains whose own limit keeps new names waiting, with what packing would help.
  public var domains: [DomainOutlook]
  /// Certificates that no date can be given for: paused pairs, failures that wait for a person.
  public var undated: Int
  /// Rows that bring back what somebody removed; exact sets of names that are wanted too often.
  public var warnings: [String]
  /// What the last preflight says of it.
  public var outlook: Outlook
  /// The question to a person, where so much looks certain to fail by DNS that this machine is in doubt.
  public var doubt: HeldBack.Doubt?
  /// It is about a part of the fleet, or about some changes only.
  public var isPart: Bool
  /// Pairs that an operator paused: nothing of the plan is done there meanwhile.
  public var holds: [HoldNote]

  /// A date and what binds it.
  public struct Finish: Sendable, Codable {
    /// How many certificates.
    public var count: Int
    /// When the last is there.
    public var at: Date
    /// The limit that it waits for; nil when none does.
    public var boundBy: String?
    /// When the last pair opens for it, where windows or freezes let it wait longer than the CA.
    public var rolledOutFrom: Date?
  }

  init(
    _ plan: SavedPlan, _ forecast: Forecast, request: PlanRequest, inventory: Inventory, domains: [DomainOutlook],
    warnings: [String], outlook: Outlook, doubt: HeldBack.Doubt? = nil,
    holds: [HoldNote] = []
  ) {
    self.doubt = doubt
    self.plan = plan
    self.holds = holds
    isPart = request.customer != nil || request.pair != nil || !request.actions.isEmpty
    self.outlook = outlook
    self.domains = domains
    self.warnings = warnings
    undated = forecast.never
    let openings = Openings(forecast, inventory)
    let names = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.name) })
    customers = [:]
    for (id, group) in forecast.customers where request.customer == nil || id.rawValue == request.customer {
      customers[names[id] ?? id.rawValue] = Finish(group, openings.customers[id])
    }
    pairs = [:]
    for (id, group) in forecast.pairs where request.pair == nil || id.rawValue == request.pair {
      pairs[id.rawValue] = Finish(group, openings.pairs[id])
    }
    if let customer = request.customer.map({ CustomerID($0) }) {
      finish = forecast.customers[customer].map { Finish($0, openings.customers[customer]) }
    } else if let pair = request.pair.map({ PairID($0) }) {
      finish = forecast.pairs[pair].map { Finish($0, openings.pairs[pair]) }
    } else {
      finish = forecast.total.map { Finish($0, openings.total) }
    }
  }

  /// Domains and pairs before the rest is only counted.
  private static let shownGroups = 10
  /// Certificates before the rest is only counted.
  private static let shownChanges = 50

  /// For people; every certificate when `isVerbose`, else those that would change, the first 50.
  public func text(isVerbose: Bool) -> String {
    var lines = [headline]
    if let finish {
      lines.append("Issued by \(finish.text)")
      for (name, finish) in customers.sorted(by: { $0.key < $1.key }) { lines.append(Self.line(name, finish)) }
      lines += pairLines(isVerbose)
    }
    lines += domainLines(isVerbose)
    if undated > 0 { lines.append("\(Wording.count(undated, "certificate")) without a date: see the blocked ones") }
    for note in holds { lines += note.lines.enumerated().map { $0 == 0 ? "Paused: \($1)" : "  \($1)" } }
    let held = plan.plan.changes.count { if case .heldBack = $0.reason { true } else { false } }
    if held > 0 {
      lines.append("\(Wording.count(held, "certificate waits", "certificates wait")) for their DNS: no order is made")
    }
    if let doubt { lines += [doubt.question, "  -> \(HeldBack.Doubt.advice)"] }
    lines += outlook.lines(at: plan.plan.at, isVerbose: isVerbose)
    lines += warnings.map { "warning: " + Printable.terminal($0) }
    let shown = plan.plan.changes.filter { isVerbose || $0.action != .keep }
    if !shown.isEmpty { lines.append("") }
    let limit = isVerbose ? shown.count : Self.shownChanges
    lines += shown.prefix(limit).map { "\($0.action.rawValue) \($0.spec)  (\($0.reason.text))" }
    if shown.count > limit { lines.append("and \(Wording.grouped(shown.count - limit)) more; -v shows all") }
    return lines.joined(separator: "\n")
  }

  private var headline: String {
    let counts = plan.plan.counts
    let words: [(Action, String)] = [
      (.issue, "to issue"), (.renew, "to renew"), (.redeploy, "to redeploy"), (.keep, "kept"), (.blocked, "blocked"),
    ]
    let parts = words.compactMap { action, word in counts[action].map { "\(Wording.grouped($0)) \(word)" } }
    guard parts.isEmpty else { return parts.joined(separator: ", ") }
    return isPart ? "No certificate matches what was asked for." : "No certificates are wanted yet."
  }

  private static func line(_ name: String, _ finish: Finish) -> String {
    "  \(Printable.terminal(name)): \(Wording.count(finish.count, "certificate")) by \(finish.text)"
  }

  /// The pairs that are ready last; where nothing binds, they say nothing.
  private func pairLines(_ isVerbose: Bool) -> [String] {
    let late = pairs.filter { isVerbose || $0.value.boundBy != nil || $0.value.rolledOutFrom != nil }
      .sorted { ($1.value.last, $0.key) < ($0.value.last, $1.key) }
    guard late.count > 1 || isVerbose || late.contains(where: { $0.value.rolledOutFrom != nil }) else { return [] }
    let limit = isVerbose ? late.count : Self.shownGroups
    let rest = late.count > limit ? ["  and \(Wording.count(late.count - limit, "pair")) before; -v shows all"] : []
    return late.prefix(limit).map { Self.line($0.key, $0.value) } + rest
  }

  private func domainLines(_ isVerbose: Bool) -> [String] {
    let limit = isVerbose ? domains.count : Self.shownGroups
    let rest =
      domains.count > limit ? ["  and \(Wording.count(domains.count - limit, "domain")) more; -v shows all"] : []
    return domains.prefix(limit).map { "  " + $0.text(from: plan.plan.at) } + rest
  }
}

extension PlanForecast.Finish {
  init(_ group: Forecast.Group, _ opening: Date?) {
    self.init(
      count: group.count, at: group.end, boundBy: group.boundBy?.description,
      rolledOutFrom: opening.flatMap { $0 > group.end ? $0 : nil })
  }

  /// The later of both dates.
  var last: Date { max(at, rolledOutFrom ?? at) }

  var text: String {
    let bound = boundBy.map { ", bound by: \($0)" } ?? ""
    let window = rolledOutFrom.map { "; rolled out from \(Wording.minute($0)) UTC on, when the pair opens" } ?? ""
    return "\(Wording.minute(at)) UTC\(bound)\(window)"
  }
}

/// When the last pair of each group opens for what was issued.
struct Openings {
  var total: Date?
  var customers: [CustomerID: Date] = [:]
  var pairs: [PairID: Date] = [:]

  init(_ forecast: Forecast, _ inventory: Inventory) {
    let calendars = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0.maintenance) })
    for finish in forecast.finishes {
      guard let maintenance = calendars[finish.pair], maintenance != .always,
        let opens = maintenance.opens(from: finish.end), opens > finish.end
      else { continue }
      total = max(total ?? opens, opens)
      pairs[finish.pair] = max(pairs[finish.pair] ?? opens, opens)
      if let customer = finish.customer { customers[customer] = max(customers[customer] ?? opens, opens) }
    }
  }
}
