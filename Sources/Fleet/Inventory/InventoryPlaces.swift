/// Where the pairs, VIPs and nodes of an inventory are. The journal remembers it from the last import: ids may be renamed, addresses tell that
/// it is the same thing.
public struct InventoryPlaces: Sendable, Equatable, Codable {
  /// The pairs.
  public var pairs: [PairPlace]

  /// A pair with what stays when its id changes.
  public struct PairPlace: Sendable, Equatable, Codable {
    /// Its id at that time.
    public var id: PairID
    /// Its VIPs.
    public var vips: [VIPPlace]
    /// Its nodes.
    public var nodes: [NodePlace]

    /// All nodes together.
    var place: String { nodes.map(\.place).sorted().joined(separator: ",") }
  }

  /// A VIP and its address.
  public struct VIPPlace: Sendable, Equatable, Codable {
    /// Its id at that time.
    public var id: VIPID
    /// Address and port.
    public var place: String
  }

  /// A node and its address.
  public struct NodePlace: Sendable, Equatable, Codable {
    /// Its id at that time.
    public var id: NodeID
    /// Address and port, and the way there: private addresses may be used twice behind different hosts.
    public var place: String
  }

  /// Reads the places of an inventory's pairs.
  public init(_ pairs: [Pair]) {
    self.pairs = pairs.map { pair in
      PairPlace(
        id: pair.id,
        vips: pair.vips.map { VIPPlace(id: $0.id, place: "\($0.address.folded) \($0.httpsPort)") },
        nodes: pair.nodes.map { node in
          let jump = node.ssh.jump.map { " by \($0.address.folded) \($0.port)" } ?? ""
          return NodePlace(id: node.id, place: "\(node.address.folded) \(node.ssh.port)\(jump)")
        })
    }
  }
}
