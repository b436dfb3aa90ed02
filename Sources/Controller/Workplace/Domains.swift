public import Fleet
import Foundation
import Journal

/// What an import did or would do.
public struct ImportResult: Sendable, Encodable {
  /// New certificates, by id.
  public var added: [SpecID] = []
  /// Certificates with other names, key or details.
  public var changed: [SpecID] = []
  /// Certificates that go to another pair or VIP.
  public var moved: [SpecID] = []
  /// Certificates that are no longer in their file.
  public var proposedRemovals: [SpecID] = []
  /// Proposed removals that were done.
  public var removed: [SpecID] = []
  /// Certificates that are as they were.
  public var unchanged = 0
  /// Nothing was taken over: it was only asked what would be.
  public var isDryRun = false
  /// Warnings about the files, as compilers print them.
  public var warnings: [String] = []
  /// Pairs, VIPs and nodes that have another id in the inventory, at the same address; and where that is not clear, or has to wait.
  public var renamed: [String] = []
  /// Rows that bring back what somebody removed by hand.
  public var returns: [String] = []

  /// For people: counts, and the ids where they are few.
  public var text: String {
    var lines = renamed
    func list(_ sign: String, _ what: String, _ ids: [SpecID]) {
      guard !ids.isEmpty else { return }
      lines.append("\(sign) \(Wording.count(ids.count, "certificate")) \(what)")
      lines += ids.prefix(10).map { "    \($0)" }
      if ids.count > 10 { lines.append("    and \(Wording.grouped(ids.count - 10)) more") }
    }
    list("+", isDryRun ? "would be added" : "added", added)
    list("~", isDryRun ? "would be changed" : "changed", changed)
    list(">", isDryRun ? "would be moved" : "moved", moved)
    list("-", "removed", removed)
    list("?", "no longer in the file; --remove takes them out", proposedRemovals)
    lines.append("= \(Wording.count(unchanged, "certificate")) unchanged")
    return lines.joined(separator: "\n")
  }
}

extension Workplace {
  /// Takes CSV files over: `certfleet import`.
  public func importDomains(
    _ files: [String], pair: String?, customer: String?, removes: Bool, isDryRun: Bool
  ) async throws(CommandFault) -> ImportResult {
    if let pair { _ = try find(pairs: [pair]) }
    if let customer { try know(customer: customer) }
    return try await take(
      files, pair: pair.map { PairID($0) }, customer: customer.map { CustomerID($0) }, removes: removes,
      isDryRun: isDryRun)
  }

  private func take(
    _ files: [String], pair: PairID?, customer: CustomerID?, removes: Bool, isDryRun: Bool
  ) async throws(CommandFault) -> ImportResult {
    var state = try fleetState()
    let renamed = try renames(in: &state)
    if !isDryRun, let busy = try busy(renaming: !renamed.events.isEmpty) { throw .couldNotRun(busy) }
    var result = ImportResult(renamed: renamed.lines + renamed.doubts)
    async let loaded = DomainLoader.load(
      files: files, inventory: inventory, defaultPair: pair, defaultCustomer: customer, now: clock.now)
    let difference = try difference(await loaded, from: state)
    result.warnings = difference.warnings
    result.returns = difference.returns
    result.isDryRun = isDryRun
    result.added = difference.value.added.map(\.id)
    result.changed = difference.value.changed.map(\.to.id)
    result.moved = difference.value.moved.map(\.to.id)
    result.unchanged = difference.value.unchangedCount
    let removals = difference.value.proposedRemovals.map(\.id)
    if removes, !isDryRun { result.removed = removals } else { result.proposedRemovals = removals }
    guard !isDryRun else { return result }
    if let busy = try busy(renaming: difference.value.moved.contains(where: \.isRename)) { throw .couldNotRun(busy) }
    try await record(
      renamed.events + Self.events(difference.value) + result.removed.map { .specRemoved(spec: $0) })
    try await rememberPlaces()
    return result
  }

  /// A run that goes on knows the old ids, and what it gets meanwhile would be lost: why nothing is renamed now.
  func busy(renaming isRenaming: Bool) throws(CommandFault) -> String? {
    guard isRenaming, try journaled(try SweepLock.isHeld(directory: inventory.state)) else { return nil }
    return "ids were renamed while a run goes on that knows the old ones; "
      + "the lists are taken over by the first run or import after it has ended"
  }

  /// For people: live files that keep their names although the lists give others.
  static func keptFiles(_ count: Int) -> String {
    "\(Wording.count(count, "certificate keeps its file name", "certificates keep their file names")), "
      + "although the lists give another label: certfleet import names them"
  }

  /// What the lists want against what the journal has; faults end the command with all of them.
  func difference(
    _ loaded: (list: DomainList, diagnostics: [Diagnostic]), from state: FleetState
  ) throws(CommandFault) -> (value: ImportDifference, warnings: [String], returns: [String]) {
    let sharing = Set(inventory.customers.filter(\.sharesNames).map(\.id))
    let difference = ImportDifference(
      importing: loaded.list, into: state.certificates.values.map(\.spec), sharing: sharing,
      live: Set(state.certificates.values.filter { $0.issued != nil }.map(\.spec.id)))
    let diagnostics = loaded.diagnostics + difference.faults
    let printer = DiagnosticPrinter()
    guard !diagnostics.contains(where: { $0.severity == .error }) else { throw .badInput(printer.text(diagnostics)) }
    let returns = try returns(difference.added, in: loaded.list)
    return (difference, diagnostics.map { printer.text($0) }, returns)
  }

  static func events(_ difference: ImportDifference) -> [Event] {
    difference.added.map { .specAdded($0) } + difference.changed.map { .specChanged($0.to) }
      + difference.moved.map { move in
        if move.isRename { return .specMoved(from: move.from.id, to: move.to) }
        return move.from.id == move.to.id ? .specChanged(move.to) : .specAdded(move.to)
      }
  }
}
