/// One order that we want to place, seen by the limits: what it is checked against, and what it will spend when.
public struct PlannedOrder: Sendable, Hashable {
  /// The authority that is asked.
  public let authority: AuthorityID
  /// The exact set.
  public let names: NameSet
  /// The registered domains of the names, sorted and unique.
  public let registeredDomains: [String]
  /// What it is let off.
  public let exemption: Exemption
  /// The buckets that it touches, by the table of `Exemption`.
  let charges: [Charge]

  /// An order for these names.
  public init(
    authority: AuthorityID, names: NameSet, registeredDomains: [String], exemption: Exemption = .none
  ) {
    self.authority = authority
    self.names = names
    self.registeredDomains = registeredDomains
    self.exemption = exemption
    charges = Self.charges(authority, names, registeredDomains, exemption)
  }

  /// Why an order need not pass some limits.
  ///
  /// | order kind                          | new orders | per domain   | exact set    | failures | pause |
  /// |-------------------------------------|------------|--------------|--------------|----------|-------|
  /// | new names                           | yes        | yes          | yes          | yes      | yes   |
  /// | the same set in the last 120 days   | –          | –            | yes          | yes      | yes   |
  /// | ARI `replaces`, inside its window   | –          | –            | spent only   | spent    | yes   |
  /// | ARI `replaces`, other names         | –          | spent only   | spent only   | spent    | yes   |
  public enum Exemption: Sendable, Hashable, Codable {
    /// New names.
    case none
    /// Exactly these names were issued in the last 120 days, by whomever.
    case sameSet
    /// The order names a certificate of this account that it replaces, now lies in its suggested window, and the names are the same.
    case renewalInfo
    /// The same, but the names changed: exempt when ordered, yet no renewal to the domain's bucket when issued.
    case renewalInfoOfOtherNames
  }

  /// One token of one bucket.
  struct Charge: Sendable, Hashable {
    var key: BucketKey
    /// Whether the CA refuses newOrder when the bucket is empty.
    var isGate: Bool
    /// Whether we hold a token from the request on.
    var isHeld = true
  }

  private static func charges(
    _ authority: AuthorityID, _ names: NameSet, _ domains: [String], _ exemption: Exemption
  ) -> [Charge] {
    let byRenewalInfo =
      switch exemption {
      case .none, .sameSet: false
      case .renewalInfo, .renewalInfoOfOtherNames: true
      }
    var charges: [Charge] = []
    switch exemption {
    case .none:
      charges.append(Charge(key: .newOrders(authority), isGate: true))
      charges += domains.map { Charge(key: .domain($0, authority), isGate: true) }
    case .renewalInfoOfOtherNames: charges += domains.map { Charge(key: .domain($0, authority), isGate: false) }
    case .sameSet, .renewalInfo: break
    }
    charges.append(Charge(key: .exactSet(names, authority), isGate: !byRenewalInfo))
    for name in names.names {
      charges.append(Charge(key: .failures(name, authority), isGate: !byRenewalInfo))
      // Not the CA's gate but ours: rather wait a day than let the CA pause the name until a person opens a link.
      charges.append(Charge(key: .pausing(name, authority), isGate: true, isHeld: false))
    }
    return charges
  }
}
