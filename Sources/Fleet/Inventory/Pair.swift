/// One or two nodes that share VIPs. Which of them is active is decided per VIP.
public struct Pair: Sendable, Equatable {
  /// The id that CSV rows refer to.
  public var id: PairID
  /// Whose pair it is; nil when several customers share it.
  public var customer: CustomerID?
  /// What kind of machine the nodes are.
  public var appliance: Appliance
  /// One or two nodes.
  public var nodes: [Node]
  /// The addresses that clients connect to.
  public var vips: [VIP]
  /// What to do while one node cannot be reached.
  public var degraded: DegradedPolicy
  /// What is done where a place does not have what was proved there.
  public var drift: DriftPolicy
  /// Where the private keys of its certificates are made and kept.
  public var keys: KeyPlace
  /// Whether a renewal takes the key of the certificate before it; a new name set or kind of key always makes a new one.
  public var reusesKeys: Bool
  /// Whether rows may name other customers than `customer`; a pair without a customer is always shared.
  public var isShared: Bool
  /// The windows that it names.
  public let windows: [MaintenanceWindow]
  /// When certificates may be rolled out onto it.
  public private(set) var maintenance: Maintenance

  /// Collects the parts.
  public init(
    id: PairID, customer: CustomerID?, appliance: Appliance, nodes: [Node], vips: [VIP],
    degraded: DegradedPolicy = .waitUntilDanger, keys: KeyPlace = .node, reusesKeys: Bool = false,
    isShared: Bool = false, windows: [MaintenanceWindow] = [], drift: DriftPolicy = .report
  ) {
    self.windows = windows
    maintenance = Maintenance(windows: windows, freezes: [])
    self.id = id
    self.customer = customer
    self.appliance = appliance
    self.nodes = nodes
    self.vips = vips
    self.degraded = degraded
    self.drift = drift
    self.keys = keys
    self.reusesKeys = reusesKeys
    self.isShared = isShared || customer == nil
  }

  /// Takes the freezes that hold for it.
  public mutating func freeze(_ freezes: [Freeze]) {
    maintenance = Maintenance(windows: windows, freezes: freezes.filter { $0.holds(self) })
  }

  /// The kinds of machine that certfleet knows.
  public enum Appliance: String, Sendable, Codable, CaseIterable {
    case loadbalancerOrg = "loadbalancer-org"
    case haproxy
    case stunnel
    case command
  }

  /// Where private keys are made and kept.
  public enum KeyPlace: String, Sendable, Codable, CaseIterable {
    /// By openssl on the active node; they never leave the pair, and reach the peer sealed.
    case node
    /// On the controller, encrypted; they reach each node sealed.
    case controller
  }

  /// Whether a pair with a dead node is served at once or only when a certificate is in danger.
  public enum DegradedPolicy: String, Sendable, Codable, CaseIterable {
    /// Issue as usual; roll out to the active node alone only past the danger line.
    case waitUntilDanger = "wait"
    /// Roll out to the active node alone at once, and record the other's debt.
    case deploy
  }
}

extension NodeID {
  /// Stands for the controller where the journal names the node that holds a key. No inventory can hold this id.
  public static var controller: NodeID { NodeID("@controller") }
}

/// A floating address of a pair.
public struct VIP: Sendable, Equatable {
  /// The id within its pair.
  public var id: VIPID
  /// The address on the appliances' side.
  public var address: String
  /// The port for http-01, 80 except in a laboratory.
  public var httpPort: UInt16
  /// The port on which certificates are served.
  public var httpsPort: UInt16
  /// The addresses that DNS shows when NAT stands in front; empty means `address` itself.
  public var publicAddresses: [String]

  /// Collects the parts.
  public init(
    id: VIPID, address: String, httpPort: UInt16 = 80, httpsPort: UInt16 = 443, publicAddresses: [String] = []
  ) {
    self.id = id
    self.address = address
    self.httpPort = httpPort
    self.httpsPort = httpsPort
    self.publicAddresses = publicAddresses
  }

  /// Where certificates are served.
  public var listener: ProbeAddress { ProbeAddress(address: address, port: httpsPort) }

  /// What DNS is expected to answer.
  public var expectedAddresses: [String] { publicAddresses.isEmpty ? [address] : publicAddresses }
}

/// A VIP named in the whole fleet.
public struct VIPReference: Sendable, Hashable, Codable {
  /// The pair that owns it.
  public var pair: PairID
  /// The VIP within that pair.
  public var vip: VIPID

  /// Names a VIP.
  public init(pair: PairID, vip: VIPID) {
    self.pair = pair
    self.vip = vip
  }
}
