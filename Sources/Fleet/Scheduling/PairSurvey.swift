public import Foundation

/// What both nodes of a pair said when they were last asked.
public struct PairSurvey: Sendable, Equatable {
  /// Who is active for each VIP, or why nobody knows.
  public var active: [VIPID: ActiveNode]
  /// Nodes that could not be worked with, and why.
  public var unreachable: [NodeID: Failure]
  /// When they were asked.
  public var at: Date
  /// Seconds that each node's clock is ahead of ours, where it told.
  public var clockSkews: [NodeID: Int]

  /// Collects the parts.
  public init(
    active: [VIPID: ActiveNode], unreachable: [NodeID: Failure], at: Date, clockSkews: [NodeID: Int] = [:]
  ) {
    self.clockSkews = clockSkews
    self.active = active
    self.unreachable = unreachable
    self.at = at
  }

  /// The node that is active for a VIP, or the failure that says why the VIP must not be touched.
  public func node(activeFor vip: VIPID) -> ActiveNode {
    active[vip] ?? .none(Failure(.roleUnknown, "the nodes were not asked about VIP \(vip)"))
  }

  /// Whether a node is silent or a VIP has not exactly one active node.
  public var isTroubled: Bool {
    !unreachable.isEmpty || active.values.contains { if case .none = $0 { true } else { false } }
  }

  /// The nodes in the order of a rollout: the one with fewer active VIPs first, ties by inventory order, unreachable ones left out.
  public func rolloutOrder(of nodes: [NodeID]) -> [NodeID] {
    let activeCount = active.values.reduce(into: [NodeID: Int]()) { counts, active in
      if case .node(let id) = active { counts[id, default: 0] += 1 }
    }
    return nodes.filter { unreachable[$0] == nil }.enumerated().sorted {
      (activeCount[$0.element] ?? 0, $0.offset) < (activeCount[$1.element] ?? 0, $1.offset)
    }.map(\.element)
  }
}

/// Who is active for one VIP.
public enum ActiveNode: Sendable, Equatable {
  /// Exactly one node says that it is active.
  case node(NodeID)
  /// Two, none, or nobody knows: the VIP is not touched.
  case none(Failure)
}
