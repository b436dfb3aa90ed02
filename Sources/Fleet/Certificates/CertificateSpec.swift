/// One certificate that we want.
///
/// Its id is pair + label where a label (or `certificate` column) is given, else pair + VIP + name; so importing twice is a no-op,
/// and a changed name set is a new revision of the same certificate, never a second file beside a live one.
public struct CertificateSpec: Sendable, Equatable, Codable {
  /// `pair/label`, or `pair/vip/name`.
  public var id: SpecID
  /// The pair that serves it.
  public var pair: PairID
  /// The VIP that serves it.
  public var vip: VIPID
  /// Whose it is.
  public var customer: CustomerID?
  /// The file name without `.pem`, unique on its pair.
  public var label: String
  /// The names in it.
  public var names: NameSet
  /// The kind of key.
  public var key: KeyType
  /// The CA's profile, if not the authority's default.
  public var profile: String?
  /// The registered domains of its names, sorted and unique (public suffix list, private section included).
  public var registeredDomains: [String]
  /// The CSV file it came from, to know which removals a file may propose; nil for other ways.
  public var source: String?

  /// Collects the parts.
  public init(
    id: SpecID, pair: PairID, vip: VIPID, customer: CustomerID?, label: String, names: NameSet, key: KeyType,
    profile: String?, registeredDomains: [String], source: String?
  ) {
    self.id = id
    self.pair = pair
    self.vip = vip
    self.customer = customer
    self.label = label
    self.names = names
    self.key = key
    self.profile = profile
    self.registeredDomains = registeredDomains
    self.source = source
  }

  /// The VIP in the whole fleet.
  public var vipReference: VIPReference { VIPReference(pair: pair, vip: vip) }

  /// Whether a certificate issued for `other` may go on serving as this one: the same names and kind of key.
  public func isSameRevision(as other: CertificateSpec) -> Bool {
    names == other.names && key == other.key && profile == other.profile
  }
}

/// The kind of key in a certificate.
public enum KeyType: String, Sendable, Codable, CaseIterable, CustomStringConvertible {
  case ecdsaP256 = "p256"
  case ecdsaP384 = "p384"
  case rsa2048
  case rsa3072
  case rsa4096

  /// As it stands in lists of domains.
  public var description: String { rawValue }
}
