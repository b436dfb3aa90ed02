/// What a resolver said of a name's addresses of one kind.
public enum AddressAnswer: Sendable, Equatable {
  /// These, in canonical spelling.
  case addresses([String])
  /// NXDOMAIN.
  case noSuchName
  /// The name exists without such an address.
  case noData
  /// SERVFAIL or an answer that is none: broken delegation, broken DNSSEC. The CA sees the same.
  case broken
  /// The resolver did not answer us, for this reason; that says nothing about the name.
  case silent(String)

  var addresses: [String] {
    if case .addresses(let addresses) = self { addresses } else { [] }
  }

  var isBroken: Bool { self == .broken }

  var silence: String? {
    if case .silent(let reason) = self { reason } else { nil }
  }
}

/// What one resolver said of a name.
public struct AddressSighting: Sendable, Equatable {
  /// Which resolver.
  public var resolver: String
  /// A.
  public var four: AddressAnswer
  /// AAAA.
  public var six: AddressAnswer

  /// Collects the parts.
  public init(resolver: String, four: AddressAnswer, six: AddressAnswer) {
    self.resolver = resolver
    self.four = four
    self.six = six
  }

  /// Every address in it, IPv6 first as the CA tries them.
  public var addresses: [String] { six.addresses + four.addresses }
}

/// Whether a name leads to its VIP.
public struct AddressRules: Sendable {
  private let name: String
  private let vip: VIPReference
  private let customer: CustomerID?
  private let expected: [String]
  private let book: AddressBook

  /// - Parameter expected: what DNS shall show, `public:` addresses where there are any.
  public init(name: String, vip: VIPReference, customer: CustomerID?, expected: [String], book: AddressBook) {
    self.name = name
    self.vip = vip
    self.customer = customer
    self.expected = expected
    self.book = book
  }

  /// Judges what several resolvers said. One that did not answer has no vote; where the others differ, the gravest counts and all are told.
  public func judge(_ sightings: [AddressSighting]) -> Judgement {
    let opinions = sightings.compactMap { sighting in opinion(sighting).map { (resolver: sighting.resolver, $0) } }
    guard let worst = opinions.map(\.1).max(by: { $0.verdict.gravity < $1.verdict.gravity }) else {
      let reasons = sightings.map { "\($0.resolver) \($0.four.silence ?? $0.six.silence ?? "does not answer")" }
      return Judgement(.unknown, "no resolver answers from here: " + reasons.joined(separator: "; "))
    }
    if opinions.allSatisfy({ $0.1.verdict == worst.verdict }) { return worst }
    let told = opinions.map { "\($0.resolver) says: \($0.1.evidence)" }
    return Judgement(worst.verdict, "the resolvers disagree; " + told.joined(separator: "; "))
  }

  /// What one resolver's answers mean; nil when it gave none.
  private func opinion(_ sighting: AddressSighting) -> Judgement? {
    let (four, six) = (sighting.four, sighting.six)
    let all = sighting.addresses
    if all.isEmpty {
      // Boulder goes on when one of the two questions is answered, and gives up when both fail.
      if four.isBroken || six.isBroken {
        return Judgement(.fails(.dnsBroken), "the name servers fail for \(name) (SERVFAIL)")
      }
      if four.silence != nil || six.silence != nil { return nil }
      if four == .noSuchName || six == .noSuchName {
        return Judgement(.fails(.nameNotFound), "\(name) does not exist in DNS")
      }
      return Judgement(.fails(.nameNotFound), "\(name) has neither an A nor an AAAA record")
    }
    let strays = all.filter { !expected.contains($0) }
    guard !strays.isEmpty else { return Judgement(.passes, "\(name) leads to \(all.joined(separator: ", "))") }
    let foreign = strays.compactMap { address in
      book.otherOwner(of: address, than: vip.pair).map { (address: address, owner: $0) }
    }
    let verdicts = foreign.map { book.verdict(answeredBy: $0.owner.vip.pair, for: customer) }
    if let verdict = verdicts.max(by: { $0.gravity < $1.gravity }), let index = verdicts.firstIndex(of: verdict) {
      let (address, owner) = foreign[index]
      return Judgement(verdict, "\(name) leads to \(address), which is \(owner.vip.pair), not \(vip.pair)")
    }
    let balancer = expected.joined(separator: ", ")
    if strays.count < all.count, strays.allSatisfy({ $0.contains(":") }) {
      return Judgement(
        .fails(.strayIPv6Address),
        "\(name) has the IPv6 address \(strays.joined(separator: ", ")), the load balancer is \(balancer)")
    }
    let part = strays.count < all.count ? " besides" : ""
    return Judgement(
      .fails(.wrongAddress),
      "\(name) leads to \(strays.joined(separator: ", "))\(part), the load balancer is \(balancer)")
  }
}
