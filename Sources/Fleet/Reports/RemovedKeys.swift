/// Keys of certificates that are no longer wanted, which went from one node.
public struct RemovedKeys: Sendable, Equatable, Codable {
  /// The node, or the controller.
  public var node: NodeID
  /// How many.
  public var count: Int

  /// Adds up what was recorded, by node.
  static func all(in records: [Record]) -> [RemovedKeys] {
    var counts: [NodeID: Int] = [:]
    for case .keysRemoved(let node, let attempts) in records.map(\.event) { counts[node, default: 0] += attempts.count }
    return counts.sorted { $0.key < $1.key }.map { RemovedKeys(node: $0.key, count: $0.value) }
  }

  /// `Keys of certificates that are no longer wanted went from edge-a (2), edge-b (2)`; empty where none did.
  static func text(_ list: [RemovedKeys]) -> String {
    guard !list.isEmpty else { return "" }
    return "Keys of certificates that are no longer wanted went from "
      + list.map { "\($0.node) (\(Wording.grouped($0.count)))" }.joined(separator: ", ")
  }
}
