/// Keys of certificates that are no longer wanted, as far as they may still lie on the nodes of their pairs.
public struct UnwantedKeys: Sendable, Equatable {
  private var attempts: [PairID: [AttemptID]] = [:]
  private var gone: [NodeID: Set<AttemptID>] = [:]

  /// Reads what was recorded of these certificates, in journal order, and of keys that were removed.
  public init(_ history: [Record]) {
    var pairs: [SpecID: PairID] = [:]
    for record in history {
      switch record.event {
      case .specAdded(let spec), .specMoved(_, let spec): pairs[spec.id] = spec.pair
      case .attemptStarted(let of, _, _, _):
        if let pair = pairs[of.spec] { attempts[pair, default: []].append(of.attempt) }
      case .keysRemoved(let node, let attempts): gone[node, default: []].formUnion(attempts)
      default: break
      }
    }
  }

  /// The pairs on whose nodes, or on the controller for them, there may be any.
  public func pairs(in inventory: Inventory) -> Set<PairID> {
    Set(
      inventory.pairs.filter { pair in pair.nodes.contains { !left(of: pair.id, on: $0.id).isEmpty } }.map(\.id))
  }

  /// Those of a pair that may still lie on this node; the controller counts as one.
  public func left(of pair: PairID, on node: NodeID) -> [AttemptID] {
    let gone = gone[node] ?? []
    return (attempts[pair] ?? []).filter { !gone.contains($0) }
  }
}
