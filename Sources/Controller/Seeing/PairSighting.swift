import Appliance
import Fleet
import Foundation

/// All that was seen of one pair: what each node holds, what its listeners and its VIPs show.
struct PairSighting: Sendable {
  /// A termination of a node.
  struct Place: Hashable { var node: NodeID; var termination: Int }

  let nodes: [Node]
  private var onNodes: [Place: [SpecID: NodeSighting]] = [:]
  private var atVIPs: [VIPID: WireLook.Answer] = [:]
  /// The node that held each VIP while it was looked at.
  private(set) var active: [VIPID: NodeID] = [:]
  private var deaths: [NodeID: String] = [:]

  init(nodes: [Node]) { self.nodes = nodes }

  mutating func take(_ seen: [SeenOnNode], of node: NodeID) {
    for piece in seen {
      let place = Place(node: node, termination: piece.termination)
      let wire = onNodes[place]?[piece.spec]?.wire ?? .notAsked
      onNodes[place, default: [:]][piece.spec] = piece.sighting
      onNodes[place]?[piece.spec]?.wire = wire
    }
  }

  mutating func take(_ answer: WireLook.Answer, of node: NodeID, _ termination: Int) {
    let place = Place(node: node, termination: termination)
    for (spec, wire) in answer.seen { onNodes[place, default: [:]][spec, default: NodeSighting()].wire = wire }
    if let death = answer.death { deaths[node] = death }
  }

  mutating func take(_ answer: WireLook.Answer, at vip: VIPID, active node: NodeID) {
    atVIPs[vip] = answer
    active[vip] = node
    // Visitors get nothing: the node that holds the VIP does not listen there.
    if let death = answer.death { deaths[node] = deaths[node] ?? death }
  }

  /// Why a listener of the node is dead, if one is.
  func death(of node: NodeID) -> String? { deaths[node] }

  /// What a node's terminations hold of a certificate. Where no address of the node itself is known, the VIP that it holds is its wire.
  func sightings(of spec: CertificateSpec, on node: NodeID) -> [NodeSighting] {
    onNodes.filter { $0.key.node == node }.sorted { $0.key.termination < $1.key.termination }.compactMap { _, seen in
      guard var sighting = seen[spec.id] else { return nil }
      if sighting.wire == .notAsked, active[spec.vip] == node { sighting.wire = wire(atVIPOf: spec) }
      return sighting
    }
  }

  /// What visitors get.
  func wire(atVIPOf spec: CertificateSpec) -> NodeSighting.Wire { atVIPs[spec.vip]?.seen[spec.id] ?? .notAsked }

  /// Leaves that any place shows instead of the one that it should have.
  func others(than certificate: CertificateState) -> [SeenLeaf] {
    var others: [SeenLeaf] = []
    for node in nodes {
      guard let expected = certificate.expected(on: node.id)?.leaf else { continue }
      others += sightings(of: certificate.spec, on: node.id).flatMap(\.leaves).filter { !$0.isSame(as: expected) }
    }
    if let expected = certificate.expectedAtVIP?.leaf, case .leaf(let leaf) = wire(atVIPOf: certificate.spec),
      !leaf.isSame(as: expected)
    {
      others.append(leaf)
    }
    return others
  }
}

extension NodeSighting {
  /// All leaves that it shows.
  fileprivate var leaves: [SeenLeaf] {
    var leaves: [SeenLeaf] = []
    if case .leaf(let leaf) = disk { leaves.append(leaf) }
    if case .leaf(let leaf) = memory { leaves.append(leaf) }
    if case .leaf(let leaf) = wire { leaves.append(leaf) }
    return leaves
  }

  /// What was asked of it, for people; empty where nothing could be.
  var asked: [String] {
    var words: [String] = []
    if disk != .notAsked { words.append("disk") }
    if listing != .notAsked { words.append("list") }
    if memory != .notAsked { words.append("memory") }
    switch wire {
    case .leaf, .nothing: words.append("wire")
    case .notAsked, .dead, .unclear: break
    }
    return words
  }
}
