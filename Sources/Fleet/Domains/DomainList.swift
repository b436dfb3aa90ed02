/// A list of domains as a file: the bytes and the two names it goes by.
public struct DomainSource: Sendable {
  /// The file as faults show it.
  public var name: String
  /// The absolute path, which certificates remember as their source.
  public var path: String
  /// What is in it.
  public var bytes: [UInt8]

  /// Collects the parts.
  public init(name: String, path: String, bytes: [UInt8]) {
    self.name = name
    self.path = path
    self.bytes = bytes
  }
}

/// The certificates that lists of domains ask for.
public struct DomainList: Sendable, Equatable {
  /// In the order of the rows, ids unique.
  public var specs: [CertificateSpec]
  /// The row in which each certificate stands first.
  public var locations: [SpecID: SourceLocation]
  /// The absolute paths of the files read, for the removals that they may propose.
  public var sources: [String]
  /// The names whose rows say `shared`: other customers may hold them, too.
  public var sharedNames: Set<String>
  /// What faulty rows may have meant.
  public var doubts = DomainDoubts()
  /// How many names there are, with those that stand in two certificates counted twice.
  public var nameCount: Int { specs.reduce(0) { $0 + $1.names.names.count } }

  /// Collects the parts.
  public init(
    specs: [CertificateSpec] = [], locations: [SpecID: SourceLocation] = [:], sources: [String] = [],
    sharedNames: Set<String> = []
  ) {
    self.specs = specs
    self.locations = locations
    self.sources = sources
    self.sharedNames = sharedNames
  }
}

/// The columns of a list of domains.
enum DomainColumn: String, CaseIterable {
  case domain, pair, vip, customer, certificate, profile, key, label, shared, notes

  /// Its place in a table; hashing its name for every field of a long list would cost more than reading the field.
  var index: Int {
    switch self {
    case .domain: 0
    case .pair: 1
    case .vip: 2
    case .customer: 3
    case .certificate: 4
    case .profile: 5
    case .key: 6
    case .label: 7
    case .shared: 8
    case .notes: 9
    }
  }

  /// What people call the column of names instead.
  static let otherNamesOfDomain = ["domains", "hostname", "host", "fqdn", "name", "dns", "site", "url"]
}
