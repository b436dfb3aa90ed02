import Foundation

/// Something that a survey noticed on a node though nobody asked: a certificate or a section that is never used.
public struct NodeNotice: Sendable, Equatable, Codable {
  /// The node.
  public var node: NodeID
  /// What was noticed.
  public var text: String

  /// Collects the parts.
  public init(node: NodeID, text: String) {
    self.node = node
    self.text = text
  }

  /// The notices of the inventory's nodes, from what their last surveys left in the journal.
  public static func all(in state: FleetState, of inventory: Inventory) -> [NodeNotice] {
    inventory.pairs.flatMap(\.nodes).flatMap { node in
      texts(in: state.nodes[node.id]?.facts).map { NodeNotice(node: node.id, text: $0) }
    }
  }

  /// The part of the appliance's facts that reports speak of.
  private struct Facts: Decodable {
    var terminations: [Termination]

    struct Termination: Decodable {
      var notices: [String]?
    }
  }

  private static func texts(in facts: String?) -> [String] {
    guard let facts else { return [] }
    do {
      return try JSONDecoder().decode(Facts.self, from: Data(facts.utf8)).terminations.flatMap { $0.notices ?? [] }
    } catch {
      // Facts of another version, without terminations: nothing was noticed then.
      return []
    }
  }
}
