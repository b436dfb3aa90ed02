import Fleet
import Foundation
import Journal

/// `retry`, `pause`, `resume`, `remove`: short transactions beside a run, which sees them before its next decision.
extension Workplace {
  /// Forgets the back-off of these certificates, or of all that are failing; answers with their ids.
  public func retry(_ names: [String], all: Bool) async throws(CommandFault) -> [String] {
    let state = try fleetState()
    let held = try heldBack(state)
    let chosen =
      all
      ? state.certificates.values.filter { $0.lastFailure != nil || held.reason(of: $0, at: clock.now) != nil }
      : try find(names, in: state)
    let specs = chosen.map(\.spec.id).sorted()
    try await journaled { () async throws(JournalError) in
      // A person says that it is mended: what was seen before no longer puts these names last.
      try await journal.forgetFindings(of: chosen.flatMap(\.spec.names.names))
    }
    try await record(specs.map { .retryAsked(spec: $0) })
    return specs.map(\.rawValue)
  }

  /// Starts nothing new on these pairs, or on all.
  public func pause(_ pairs: [String]) async throws(CommandFault) -> [String] {
    let state = try fleetState()
    let chosen = try find(pairs: pairs).filter { state.pairs[$0]?.isPaused != true }
    try await record(chosen.map { .pairPaused(pair: $0) })
    return chosen.map(\.rawValue)
  }

  /// Lets paused pairs take part again.
  public func resume(_ pairs: [String]) async throws(CommandFault) -> [String] {
    let state = try fleetState()
    let chosen = try find(pairs: pairs).filter { state.pairs[$0]?.isPaused == true }
    try await record(chosen.map { .pairResumed(pair: $0) })
    return chosen.map(\.rawValue)
  }

  /// No longer wants these certificates.
  public func remove(_ names: [String]) async throws(CommandFault) -> Removal {
    _ = try await controllerID()
    return try await withdraw(try find(names, in: try fleetState()).map(\.spec))
  }

  /// Certificates by id, by label on their pair, or by a name in them.
  func find(_ names: [String], in state: FleetState) throws(CommandFault) -> [CertificateState] {
    var found: [SpecID: CertificateState] = [:]
    var unknown: [String] = []
    for name in names {
      let lowered = name.lowercased()
      let matches = state.certificates.values.filter {
        $0.spec.id.rawValue == name || $0.spec.label == name || $0.spec.names.names.contains(lowered)
      }
      if matches.isEmpty { unknown.append(name) }
      for match in matches { found[match.spec.id] = match }
    }
    guard unknown.isEmpty else {
      throw .badInput(
        "no certificate has the name or id " + unknown.map { "“\(Printable.terminal($0))”" }.joined(separator: ", ")
          + "; certfleet status lists them")
    }
    return Array(found.values)
  }

  func find(pairs ids: [String]) throws(CommandFault) -> [PairID] {
    guard !ids.isEmpty else { return inventory.pairs.map(\.id) }
    let known = Set(inventory.pairs.map(\.id.rawValue))
    let unknown = ids.filter { !known.contains($0) }
    guard unknown.isEmpty else {
      throw .badInput(
        "no pair has the id " + unknown.map { "“\(Printable.terminal($0))”" }.joined(separator: ", ")
          + "; the inventory has " + known.sorted().prefix(10).joined(separator: ", ") + (known.count > 10 ? ", …" : "")
      )
    }
    return ids.map { PairID($0) }
  }
}
