public import Foundation

/// What would be done, and why. A value: printed, saved, approved, and then done exactly.
public struct Plan: Sendable, Equatable, Codable {
  /// The moment it was made for.
  public var at: Date
  /// One entry for each wanted certificate, sorted by id.
  public var changes: [PlannedChange]

  /// Collects the parts.
  public init(at: Date, changes: [PlannedChange]) {
    self.at = at
    self.changes = changes
  }

  /// How many changes of each kind there are.
  public var counts: [Action: Int] { changes.reduce(into: [:]) { $0[$1.action, default: 0] += 1 } }
}

/// What is to be done with one certificate.
public struct PlannedChange: Sendable, Equatable, Codable {
  /// Which.
  public var spec: SpecID
  /// What.
  public var action: Action
  /// Why.
  public var reason: Reason

  /// Collects the parts.
  public init(spec: SpecID, action: Action, reason: Reason) {
    self.spec = spec
    self.action = action
    self.reason = reason
  }
}

/// What is done with a certificate; the raw value is the sign that people read.
public enum Action: String, Sendable, Codable, CaseIterable {
  case issue = "+"
  case renew = "~"
  case redeploy = ">"
  case keep = "="
  case blocked = "!"
}

/// Why.
public enum Reason: Sendable, Equatable, Codable {
  /// It was never issued.
  case new
  /// Names, key or profile changed.
  case revised
  /// A try is open from an earlier run and goes on.
  case unfinished
  /// The renewal is due.
  case due(notAfter: Date)
  /// The renewal falls due while nothing may be rolled out there, for longer than the certificate can wait.
  case beforeFreeze(notAfter: Date)
  /// Issued, but not seen on the VIP.
  case notServed
  /// The VIP serves it, but this node does not have it.
  case owed(node: NodeID)
  /// This node was proved below the wire, and is active now: it can be proved better.
  case unproved(node: NodeID)
  /// A place does not have what was proved there, and is given it again; the node where only that one differs.
  case drifted(Drift.Kind, node: NodeID?)
  /// A place does not have what was proved there, and a person has to say what is to be done.
  case driftLeft(Drift.Kind)
  /// All is well until then.
  case valid(dueAt: Date)
  /// An operator paused the pair.
  case paused
  /// A failure's back-off runs until then.
  case waiting(until: Date, Failure.Kind)
  /// Only `retry` starts it again.
  case heldForOperator(Failure.Kind)
  /// An order would certainly fail, since then: none is made until it heals or a person says `retry`.
  case heldBack(Failure.Kind, since: Date)
  /// It looks as if an order would certainly fail, but so much of the fleet does that this machine's view of DNS is in doubt.
  case inDoubt(Failure.Kind)
  /// Its pair is no longer in the inventory.
  case unknownPair

  /// A short phrase for lists.
  public var text: String {
    switch self {
    case .new: "new"
    case .revised: "names or key changed"
    case .unfinished: "goes on from an earlier run"
    case .due(let notAfter): "due, valid until \(notAfter.formatted(.iso8601))"
    case .beforeFreeze(let notAfter): "before the pair is closed, valid until \(notAfter.formatted(.iso8601))"
    case .notServed: "issued, not served yet"
    case .owed(let node): "\(node) does not have it"
    case .unproved(let node): "\(node) is to be proved on the wire"
    case .drifted(let kind, let node): "\(kind.title)\(node.map { " (\($0))" } ?? "")"
    case .driftLeft(let kind): "\(kind.title), waits for `retry`"
    case .valid(let dueAt): "valid, due \(dueAt.formatted(.iso8601))"
    case .paused: "pair is paused"
    case .waiting(let until, let kind): "\(kind.title), next try \(until.formatted(.iso8601))"
    case .heldForOperator(let kind): "\(kind.title), waits for `retry`"
    case .heldBack(let kind, let since):
      "\(kind.title) since \(since.formatted(.iso8601)): no order is made until that heals, or by `retry`"
    case .inDoubt(let kind): "\(kind.title), as this machine sees it, which is in doubt"
    case .unknownPair: "its pair is not in the inventory"
    }
  }
}
