/// Whose an address is, over the whole fleet: every VIP by the addresses that DNS may show for it.
public struct AddressBook: Sendable, Equatable {
  /// A pair as the preflight needs to know it.
  public struct Owner: Sendable, Equatable {
    /// The VIP.
    public var vip: VIPReference
    /// Whose pair it is; nil when several customers share it.
    public var customer: CustomerID?
  }

  private var owners: [String: [Owner]] = [:]
  private var customers: [PairID: CustomerID?] = [:]
  private var vips: [VIPReference: VIP] = [:]

  /// Reads the inventory.
  public init(_ inventory: Inventory) {
    for pair in inventory.pairs {
      customers[pair.id] = .some(pair.customer)
      for vip in pair.vips {
        let reference = VIPReference(pair: pair.id, vip: vip.id)
        vips[reference] = vip
        for address in Set(vip.expectedAddresses + [vip.address]) {
          owners[address, default: []].append(Owner(vip: reference, customer: pair.customer))
        }
      }
    }
  }

  /// A VIP's own lines in the inventory.
  public func vip(_ reference: VIPReference) -> VIP? { vips[reference] }

  /// The VIP that has an address, to know its ports; of several the one of the pair that is asked for.
  public func vip(at address: String, preferring pair: PairID) -> VIP? {
    let owners = owners[address] ?? []
    return (owners.first { $0.vip.pair == pair } ?? owners.first).flatMap { vips[$0.vip] }
  }

  /// Why an address is not asked, as a public CA would not ask it: what a customer's DNS or redirect leads to must not make the controller ask
  /// hosts of its own network. Nil for the fleet's own addresses and for public ones.
  public func refusal(of address: String) -> String? {
    guard owners[address] == nil, !AddressRange.isPublic(address) else { return nil }
    return "\(Printable.short(address)) is a private or reserved address, which no public CA asks"
  }

  /// Another pair than this one that has the address; nil too where it is this pair's.
  func otherOwner(of address: String, than pair: PairID) -> Owner? {
    let owners = owners[address] ?? []
    return owners.contains { $0.vip.pair == pair } ? nil : owners.first
  }

  /// What follows when another pair would answer for a customer's name. Another customer's pair, or one that cannot be told to be theirs, vetoes:
  /// one account answers for the whole fleet, so the CA would believe it. Their own other pair only advises: a name may be on its way.
  func verdict(answeredBy pair: PairID, for customer: CustomerID?) -> Finding.Verdict {
    guard let known = customers[pair] else { return .vetoes(.anotherPair) }
    return known == customer ? .fails(.anotherPair) : .vetoes(.anotherPair)
  }
}
