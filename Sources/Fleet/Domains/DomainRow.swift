/// A row of a list of domains, each field checked alone; nil where it says nothing.
///
/// An object, because a row of a dozen texts stands in several tables while certificates are held against each other.
final class DomainRow: Sendable {
  /// A value and the byte where it stands.
  struct Cell<Value: Sendable>: Sendable {
    let value: Value
    let offset: Int
  }

  /// Which file.
  let source: Int
  /// The A-label.
  let name: Cell<String>
  let registeredDomain: String
  let pair: PairID
  let vip: Cell<VIPID>?
  let customer: Cell<CustomerID>?
  let certificate: Cell<String>?
  let profile: Cell<String>?
  let key: Cell<KeyType>?
  let label: Cell<String>?
  let isShared: Bool

  init(
    source: Int, name: Cell<String>, registeredDomain: String, pair: PairID, vip: Cell<VIPID>?,
    customer: Cell<CustomerID>?, certificate: Cell<String>?, profile: Cell<String>?, key: Cell<KeyType>?,
    label: Cell<String>?, isShared: Bool
  ) {
    self.source = source
    self.name = name
    self.registeredDomain = registeredDomain
    self.pair = pair
    self.vip = vip
    self.customer = customer
    self.certificate = certificate
    self.profile = profile
    self.key = key
    self.label = label
    self.isShared = isShared
  }
}
