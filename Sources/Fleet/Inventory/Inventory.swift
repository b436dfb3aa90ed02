/// Everything an operator wrote down about the fleet, after defaults were inherited and every fault was reported.
public struct Inventory: Sendable, Equatable {
  /// The absolute path of the root YAML file.
  public var path: String
  /// The absolute path of the state directory (SQLite, locks, account keys).
  public var state: String
  /// The certificate authorities, the first one being the default.
  public var authorities: [Authority]
  /// Where reports go; nil means that they are only kept.
  public var mail: MailSettings?
  /// The customers, in file order.
  public var customers: [Customer]
  /// The pairs, in file order.
  public var pairs: [Pair]
  /// The absolute paths of the CSV files that `domains:` names, globs expanded, sorted.
  public var domainFiles: [String]
  /// Suffixes under which the operator may register names although no public list says so.
  public var extraSuffixes: [String]
  /// The public suffix list to use instead of the system's.
  public var publicSuffixList: String?
  /// Where a newer list comes from.
  public var suffixes: SuffixSource
  /// `address:port` of the DNS resolvers to ask; empty means the system's.
  public var resolvers: [String]
  /// How much is done at the same time.
  public var pace: PaceSettings
  /// With what keys on the controller are encrypted; nil where no pair has its keys there.
  public var keyPassphrase: SecretSource?

  /// Collects the parts.
  public init(
    path: String, state: String, authorities: [Authority], mail: MailSettings?, customers: [Customer], pairs: [Pair],
    domainFiles: [String], extraSuffixes: [String] = [], publicSuffixList: String? = nil,
    suffixes: SuffixSource = .usual, resolvers: [String] = [], pace: PaceSettings = PaceSettings(),
    keyPassphrase: SecretSource? = nil
  ) {
    self.path = path
    self.state = state
    self.authorities = authorities
    self.mail = mail
    self.customers = customers
    self.pairs = pairs
    self.domainFiles = domainFiles
    self.extraSuffixes = extraSuffixes
    self.publicSuffixList = publicSuffixList
    self.suffixes = suffixes
    self.resolvers = resolvers
    self.pace = pace
    self.keyPassphrase = keyPassphrase
  }
}

/// A customer, whose names and reports are kept apart from every other customer's.
public struct Customer: Sendable, Equatable {
  /// The id that CSV rows and pairs refer to.
  public var id: CustomerID
  /// The name as it stands in reports.
  public var name: String
  /// Where `report --send` mails this customer's report.
  public var mail: [String]
  /// Ties in the queue are broken in favour of the larger weight; 1 unless the inventory says otherwise.
  public var weight: Int
  /// Whether other customers may hold names at or below this one's, as under a hosting provider's own domain.
  public var sharesNames: Bool

  /// Collects the parts.
  public init(id: CustomerID, name: String, mail: [String] = [], weight: Int = 1, sharesNames: Bool = false) {
    self.id = id
    self.name = name
    self.mail = mail
    self.weight = weight
    self.sharesNames = sharesNames
  }
}

/// How much is done at the same time, and how certificates are gathered into rollouts.
public struct PaceSettings: Sendable, Equatable {
  /// Orders in flight over the whole fleet.
  public var ordersInFlight: Int
  /// Nodes that are worked on at the same time.
  public var nodesInFlight: Int
  /// The most certificates in one rollout, so in one reload per node.
  public var batchSize: Int
  /// Seconds that an issued certificate may wait for company before its rollout starts.
  public var batchSeconds: Int

  /// The defaults suit a fleet of hundreds of pairs and one CA account.
  public init(ordersInFlight: Int = 8, nodesInFlight: Int = 64, batchSize: Int = 100, batchSeconds: Int = 30) {
    self.ordersInFlight = ordersInFlight
    self.nodesInFlight = nodesInFlight
    self.batchSize = batchSize
    self.batchSeconds = batchSeconds
  }
}
