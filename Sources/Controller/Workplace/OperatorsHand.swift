public import Fleet
public import Foundation
import Journal

/// What `retry` did.
public struct RetryResult: Sendable, Encodable {
  /// Certificates that are tried again, by id.
  public var tried: [SpecID] = []
  /// Certificates with which nothing is wrong and nothing is to be done, and how they stand.
  public var idle: [SpecID: String] = [:]
  /// Certificates that are tried only later, and why.
  public var later: [SpecID: String] = [:]
}

/// What `pause` and `resume` did.
public struct HoldResult: Sendable {
  /// The pairs that it changed.
  public var pairs: [PairID] = []
  /// The pairs that were so already, with what holds them, where something does.
  public var others: [(pair: PairID, hold: PairHold?)] = []
}

/// `retry`, `pause`, `resume`, `remove`: short transactions beside a run, which sees them before its next decision.
extension Workplace {
  /// Forgets the back-off of these certificates, or of all that are failing.
  public func retry(_ names: [String], all: Bool) async throws(CommandFault) -> RetryResult {
    let state = try fleetState()
    let now = clock.now
    let held = try heldBack(state)
    let chosen =
      all
      ? state.certificates.values.filter {
        $0.lastFailure != nil || !$0.standingDrift.isEmpty || held.reason(of: $0, at: now) != nil
      }
      : try find(names, in: state)
    try await journaled { () async throws(JournalError) in
      // A person says that it is mended: what was seen before no longer puts these names last.
      try await journal.forgetFindings(of: chosen.flatMap(\.spec.names.names))
    }
    try await record(chosen.map(\.spec.id).sorted().map { .retryAsked(spec: $0) })
    let pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    var result = RetryResult()
    for certificate in chosen.sorted(by: { $0.spec.id < $1.spec.id }) {
      let id = certificate.spec.id
      guard let pair = pairs[certificate.spec.pair] else {
        result.later[id] = "its pair \(certificate.spec.pair) is not in the inventory"
        continue
      }
      let (action, reason) = Planner.decide(certificate, pair: pair, isPaused: false, at: now)
      if action == .keep, certificate.lastFailure == nil, case .valid(let due) = reason {
        let end = certificate.servedNotAfter.map { "served until \(Wording.minute($0)) UTC" } ?? "served"
        result.idle[id] = "\(end), and its renewal is due on \(Wording.minute(due)) UTC"
      } else if let hold = state.hold(on: pair.id, at: now) {
        result.later[id] = "\(pair.id) is paused \(hold.text)"
      } else {
        result.tried.append(id)
      }
    }
    return result
  }

  /// Starts nothing new on these pairs, or on all, until then. Said again, it changes the end and the reason.
  public func pause(
    _ pairs: [String], until: Date? = nil, reason: String? = nil
  ) async throws(CommandFault) -> HoldResult {
    let now = clock.now
    let end = until.map { Date(timeIntervalSince1970: $0.timeIntervalSince1970.rounded(.up)) }
    if let end, end <= now { throw .badInput("--until \(Wording.minute(end)) UTC has passed already") }
    if let reason, reason.utf8.count > Self.longestReason {
      throw .badInput("--reason takes at most \(Self.longestReason) bytes")
    }
    let state = try fleetState()
    var result = HoldResult()
    for pair in try find(pairs: pairs) {
      guard let hold = state.hold(on: pair, at: now) else {
        result.pairs.append(pair)
        continue
      }
      let isSame = (end == nil && reason == nil) || (end == hold.until && reason == hold.reason)
      if isSame { result.others.append((pair, hold)) } else { result.pairs.append(pair) }
    }
    try await record(
      result.pairs.map {
        end == nil && reason == nil ? .pairPaused(pair: $0) : .pairHeld(pair: $0, until: end, reason: reason)
      })
    return result
  }

  private static var longestReason: Int { 500 }

  /// Lets paused pairs take part again.
  public func resume(_ pairs: [String]) async throws(CommandFault) -> HoldResult {
    let state = try fleetState()
    var result = HoldResult()
    for pair in try find(pairs: pairs) {
      if state.isPaused(pair, at: clock.now) { result.pairs.append(pair) } else { result.others.append((pair, nil)) }
    }
    try await record(result.pairs.map { .pairResumed(pair: $0) })
    return result
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
