/// Puts rows together to certificates and holds these against each other: duplicates, claims of two customers, labels.
struct DomainListAssembler {
  let inventory: Inventory
  let defaultCustomer: CustomerID?
  let sources: [DomainSource]
  let texts: [SourceText]
  private let sharing: Set<CustomerID>
  private(set) var faults = DomainFaults()
  private(set) var doubts = DomainDoubts()

  init(inventory: Inventory, defaultCustomer: CustomerID?, sources: [DomainSource], texts: [SourceText]) {
    self.inventory = inventory
    self.defaultCustomer = defaultCustomer
    self.sources = sources
    self.texts = texts
    sharing = Set(inventory.customers.filter(\.sharesNames).map(\.id))
  }

  mutating func assemble(_ rows: [DomainRow]) -> DomainList {
    // One array of them, changed in place: a list may have a million rows.
    var certificates = resolve(group(rows))
    removeDuplicates(&certificates)
    checkClaims(certificates)
    label(&certificates)
    var list = DomainList(sources: sources.map(\.path))
    list.specs.reserveCapacity(certificates.count)
    list.locations.reserveCapacity(certificates.count)
    for certificate in certificates {
      guard let names = NameSet(certificate.rows.map(\.name.value)), let first = certificate.rows.first else {
        continue
      }
      list.locations[certificate.id] = location(first)
      for row in certificate.rows where isShared(row, certificate) { list.sharedNames.insert(row.name.value) }
      list.specs.append(
        CertificateSpec(
          id: certificate.id, pair: certificate.pair, vip: certificate.vip, customer: certificate.customer,
          label: certificate.label, names: names, key: certificate.key, profile: certificate.profile,
          registeredDomains: NameSet.sortedUnique(certificate.rows.map(\.registeredDomain)),
          source: sources[first.source].path)
      )
    }
    return list
  }

  /// One certificate, its rows agreeing.
  private struct Certificate {
    /// Pair and label where people gave one, else pair, VIP and name: adding a name to a certificate must not make it another one.
    let id: SpecID
    var pair: PairID
    var given: String?
    var vip: VIPID
    var customer: CustomerID?
    var key: KeyType
    var profile: String?
    var label: String
    var rows: [DomainRow]
  }

  // MARK: Rows into certificates

  private struct GroupKey: Hashable {
    var pair: PairID
    var certificate: String
  }

  private func group(_ rows: [DomainRow]) -> [[DomainRow]] {
    var groups: [[DomainRow]] = []
    var places: [GroupKey: Int] = [:]
    for row in rows {
      guard let certificate = row.certificate?.value else {
        groups.append([row])
        continue
      }
      let key = GroupKey(pair: row.pair, certificate: certificate)
      if let place = places[key] {
        groups[place].append(row)
      } else {
        places[key] = groups.count
        groups.append([row])
      }
    }
    return groups
  }

  private mutating func resolve(_ groups: [[DomainRow]]) -> [Certificate] {
    let pairs = Dictionary(inventory.pairs.map { ($0.id, $0) }) { first, _ in first }
    let usualProfile = inventory.authorities.first?.profile
    var certificates: [Certificate] = []
    certificates.reserveCapacity(groups.count)
    for rows in groups {
      guard let first = rows.first, let pair = pairs[first.pair] else { continue }
      let agreed = (
        vip: agree(rows, "VIP", \.vip), customer: agree(rows, "customer", \.customer), key: agree(rows, "key", \.key),
        profile: agree(rows, "profile", \.profile), label: agree(rows, "label", \.label)
      )
      let profile = agreed.profile
      let limit = Profile.maximumNames(profile ?? usualProfile)
      if rows.count > limit {
        error(
          rows[limit], rows[limit].name.offset,
          "certificate “\(first.certificate?.value ?? "")” has \(rows.count) names, and \(profile ?? usualProfile ?? "a certificate") allows \(limit)",
          "divide it into several certificates")
      }
      guard let vip = agreed.vip ?? onlyVIP(of: pair, for: first) else { continue }
      let customer = agreed.customer ?? defaultCustomer ?? pair.customer
      if customer == nil, !inventory.customers.isEmpty {
        error(
          first, first.name.offset, "nobody owns this row: pair “\(pair.id)” is shared and the row names no customer",
          "fill the column `customer`, or give one with --customer")
      }
      if agreed.customer == nil, let customer, let owner = pair.customer, owner != customer, !pair.isShared {
        error(
          first, first.name.offset,
          "pair “\(pair.id)” is customer “\(owner)”'s, and these rows are customer “\(customer)”'s",
          "name another pair or customer, or write `shared: true` at the pair")
      }
      let given = first.certificate?.value ?? agreed.label
      let id = SpecID(pair.id.rawValue + "/" + (given ?? vip.rawValue + "/" + first.name.value))
      certificates.append(
        Certificate(
          id: id, pair: pair.id, given: given, vip: vip, customer: customer, key: agreed.key ?? .ecdsaP256,
          profile: profile,
          label: agreed.label ?? given ?? Identifier.label(for: first.name.value), rows: rows))
    }
    return certificates
  }

  /// What the rows of one certificate say about a thing; rows that leave the cell empty say nothing.
  private mutating func agree<Value: Equatable>(
    _ rows: [DomainRow], _ what: String, _ cell: (DomainRow) -> DomainRow.Cell<Value>?
  ) -> Value? {
    var first: (row: DomainRow, cell: DomainRow.Cell<Value>)?
    for row in rows {
      guard let cell = cell(row) else { continue }
      guard let said = first else {
        first = (row, cell)
        continue
      }
      if said.cell.value != cell.value {
        error(
          row, cell.offset,
          "\(what) “\(cell.value)” in a row of certificate “\(row.certificate?.value ?? "")”, whose \(what) is “\(said.cell.value)” at \(location(said.row, said.cell.offset))",
          "write the same in all its rows, or leave it empty in all but one")
      }
    }
    return first?.cell.value
  }

  private mutating func onlyVIP(of pair: Pair, for row: DomainRow) -> VIPID? {
    if pair.vips.count == 1 { return pair.vips.first?.id }
    error(
      row, row.name.offset, "pair “\(pair.id)” has \(pair.vips.count) VIPs, and this row names none",
      "fill the column `vip`: \(pair.vips.prefix(8).map(\.id.rawValue).joined(separator: ", "))")
    return nil
  }

  // MARK: Certificates against each other

  private struct Place: Hashable {
    var vip: VIPReference
    var name: String
  }

  private mutating func removeDuplicates(_ certificates: inout [Certificate]) {
    var places = [String: (row: DomainRow, vip: VIPID, customer: CustomerID?)](minimumCapacity: certificates.count)
    // Few names stand in two places, so the others have a table of their own.
    var further: [Place: DomainRow] = [:]
    var ids = [SpecID: DomainRow](minimumCapacity: certificates.count)
    var kept = 0
    for index in certificates.indices {
      var certificate = certificates[index]
      certificate.rows.removeAll { row in
        if let first = places[row.name.value] {
          let place = Place(vip: VIPReference(pair: row.pair, vip: certificate.vip), name: row.name.value)
          let isHere = first.row.pair == row.pair && first.vip == certificate.vip
          if let same = isHere ? first.row : further[place] {
            error(
              row, row.name.offset, against: same, "“\(row.name.value)” stands here again; first at \(location(same))",
              "remove one of the two rows")
            return true
          }
          further[place] = row
          // Another customer's is an error of its own, below.
          if first.row.pair != row.pair, first.customer == certificate.customer, !(first.row.isShared && row.isShared) {
            warning(
              row, row.name.offset,
              "“\(row.name.value)” stands for pair “\(first.row.pair)” too, at \(location(first.row)); each pair gets a certificate of its own",
              "if the name really points to both, write `shared` = true in both rows; if not, remove one")
          }
        } else {
          places[row.name.value] = (row, certificate.vip, certificate.customer)
        }
        return false
      }
      guard let first = certificate.rows.first else { continue }
      if let other = ids[certificate.id] {
        error(
          first, (first.label ?? first.certificate ?? first.name).offset, against: other,
          "“\(certificate.given ?? "")” is the label or certificate of another row of this pair, at \(location(other))",
          "give each its own; to put both names into one certificate, write it into the column `certificate` of both")
        continue
      }
      ids[certificate.id] = first
      certificates[kept] = certificate
      kept += 1
    }
    certificates.removeSubrange(kept...)
  }

  private struct Claim {
    var customer: CustomerID?
    var row: DomainRow
    var isShared: Bool
  }

  /// Who claims a name: nearly always one, for whom there is no array.
  private struct Claims {
    var first: Claim
    var others: [Claim] = []
    var all: [Claim] { [first] + others }
  }

  private func isShared(_ row: DomainRow, _ certificate: Certificate) -> Bool {
    row.isShared || certificate.customer.map { sharing.contains($0) } == true
  }

  /// A name, or one below it, in the hands of two customers: a mistake, or one customer taking certificates for another's site.
  private mutating func checkClaims(_ certificates: [Certificate]) {
    guard Set(certificates.map(\.customer)).count > 1 else { return }
    var claims = [String: Claims](minimumCapacity: certificates.count)
    for certificate in certificates {
      for row in certificate.rows {
        let claim = Claim(customer: certificate.customer, row: row, isShared: isShared(row, certificate))
        guard let known = claims[row.name.value] else {
          claims[row.name.value] = Claims(first: claim)
          continue
        }
        for other in known.all where other.customer != claim.customer {
          guard !(other.isShared && claim.isShared) else { continue }
          error(
            row, row.name.offset, against: other.row,
            "“\(row.name.value)” is \(Self.said(other.customer))'s at \(location(other.row)), and \(Self.said(claim.customer))'s here",
            "correct one row; where both are right, write `shared` = true in both")
        }
        if !known.all.contains(where: { $0.customer == claim.customer }) {
          claims[row.name.value]?.others.append(claim)
        }
      }
    }
    for certificate in certificates {
      for row in certificate.rows {
        for parent in Self.parents(of: row.name.value, downTo: row.registeredDomain) {
          // The one above decides: it must say that it lets others in.
          for above in claims[parent]?.all ?? [] where above.customer != certificate.customer && !above.isShared {
            error(
              row, row.name.offset, against: above.row,
              "“\(row.name.value)” is \(Self.said(certificate.customer))'s, but “\(parent)” above it is \(Self.said(above.customer))'s at \(location(above.row))",
              "correct one row; where both are right, write `shared` = true in the row of “\(parent)”")
          }
        }
      }
    }
  }

  /// The names above one, as far as its registered domain: above that nobody's claim reaches.
  static func parents(of name: String, downTo registered: String) -> [String] {
    var parents: [String] = []
    var rest = name[...]
    while rest.utf8.count > registered.utf8.count, let dot = rest.utf8.firstIndex(of: UInt8(ascii: ".")) {
      rest = rest[rest.index(after: dot)...]
      parents.append(String(rest))
    }
    return parents
  }

  private static func said(_ customer: CustomerID?) -> String { customer.map { "customer “\($0)”" } ?? "nobody" }

  // MARK: Labels

  /// File names, unique on the pair: derived ones give way to given ones, and among derived ones the pair's first VIP keeps the bare name,
  /// whatever the order of the rows.
  private mutating func label(_ certificates: inout [Certificate]) {
    var taken: [FileName: DomainRow] = [:]
    for certificate in certificates where certificate.given != nil {
      guard let row = certificate.rows.first else { continue }
      if let first = taken.updateValue(row, forKey: FileName(certificate)) {
        error(
          row, (row.label ?? row.certificate ?? row.name).offset, against: first,
          "label “\(certificate.label)” is another certificate's on this pair, at \(location(first))",
          "give each its own label")
      }
    }
    let order = Dictionary(
      inventory.pairs.flatMap { pair in pair.vips.enumerated().map { (VIPReference(pair: pair.id, vip: $1.id), $0) } }
    ) { first, _ in first }
    let derived = certificates.indices.filter { certificates[$0].given == nil }
      .map { (index: $0, vip: order[VIPReference(pair: certificates[$0].pair, vip: certificates[$0].vip)] ?? 0) }
      .sorted { ($0.vip, $0.index) < ($1.vip, $1.index) }
    for (index, _) in derived {
      guard let row = certificates[index].rows.first else { continue }
      if taken[FileName(certificates[index])] != nil {
        certificates[index].label = Identifier.label(certificates[index].label, on: certificates[index].vip)
      }
      if let first = taken.updateValue(row, forKey: FileName(certificates[index])) {
        error(
          row, row.name.offset, against: first,
          "the file name “\(certificates[index].label)” is another certificate's on this pair, at \(location(first))",
          "fill the column `label`")
      }
    }
  }

  /// Labels that differ in case only would be one file on an appliance whose file system folds case.
  private struct FileName: Hashable {
    var pair: PairID
    var label: String

    init(_ certificate: Certificate) {
      pair = certificate.pair
      label = certificate.label.folded
    }
  }

  // MARK: Faults

  private func location(_ row: DomainRow) -> SourceLocation { location(row, row.name.offset) }

  private func location(_ row: DomainRow, _ offset: Int) -> SourceLocation {
    texts[row.source].location(ofByte: offset)
  }

  /// Which of the two rows is right, nobody but their writer knows.
  private mutating func error(
    _ row: DomainRow, _ offset: Int, against other: DomainRow, _ message: String, _ remedy: String
  ) {
    doubts.doubt(other)
    error(row, offset, message, remedy)
  }

  private mutating func error(_ row: DomainRow, _ offset: Int, _ message: String, _ remedy: String) {
    doubts.doubt(row)
    faults.append(DomainFault(.error, row.source, offset, message, remedy))
  }

  private mutating func warning(_ row: DomainRow, _ offset: Int, _ message: String, _ remedy: String) {
    faults.append(DomainFault(.warning, row.source, offset, message, remedy))
  }
}
