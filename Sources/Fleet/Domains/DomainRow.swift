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
  let customer: Cell<CustomerID>?
  let isShared: Bool
  /// Most rows say none of this, and a list may have a million rows.
  private let rest: Rest?

  /// What rows seldom say.
  final class Rest: Sendable {
    let vip: Cell<VIPID>?
    let certificate: Cell<String>?
    let profile: Cell<String>?
    let key: Cell<KeyType>?
    let label: Cell<String>?

    init?(
      vip: Cell<VIPID>?, certificate: Cell<String>?, profile: Cell<String>?, key: Cell<KeyType>?, label: Cell<String>?
    ) {
      if vip == nil, certificate == nil, profile == nil, key == nil, label == nil { return nil }
      self.vip = vip
      self.certificate = certificate
      self.profile = profile
      self.key = key
      self.label = label
    }
  }

  var vip: Cell<VIPID>? { rest?.vip }
  var certificate: Cell<String>? { rest?.certificate }
  var profile: Cell<String>? { rest?.profile }
  var key: Cell<KeyType>? { rest?.key }
  var label: Cell<String>? { rest?.label }

  init(
    source: Int, name: Cell<String>, registeredDomain: String, pair: PairID, customer: Cell<CustomerID>?,
    isShared: Bool, rest: Rest?
  ) {
    self.source = source
    self.name = name
    self.registeredDomain = registeredDomain
    self.pair = pair
    self.customer = customer
    self.isShared = isShared
    self.rest = rest
  }
}
