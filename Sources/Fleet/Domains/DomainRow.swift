/// A row of a list of domains, each field checked alone; nil where it says nothing.
struct DomainRow {
  /// A value and the byte where it stands.
  struct Cell<Value> {
    var value: Value
    var offset: Int
  }

  /// Which file.
  var source: Int
  /// The A-label.
  var name: Cell<String>
  var registeredDomain: String
  var pair: PairID
  var vip: Cell<VIPID>?
  var customer: Cell<CustomerID>?
  var certificate: Cell<String>?
  var profile: Cell<String>?
  var key: Cell<KeyType>?
  var label: Cell<String>?
  var isShared: Bool
}
