import Testing

@testable import Fleet

@Suite struct ImportDifferenceTests {
  // MARK: Small cases

  @Test func whatIsNewIsAdded() {
    let difference = ImportDifference(importing: Lists.read("a.example,pair1\n"), into: [])

    #expect(difference.added.map(\.id) == [SpecID("pair1/web/a.example")])
    #expect(difference.faults == [])
  }

  @Test func anotherNameInACertificateIsARevisionOfIt() {
    let state = Lists.read("a.example,pair1,,,shop\n").specs

    let difference = ImportDifference(
      importing: Lists.read("a.example,pair1,,,shop\nb.example,pair1,,,shop\n"), into: state)

    #expect(difference.changed.map(\.to.id) == [SpecID("pair1/shop")])
    #expect(difference.changed.map(\.isRevision) == [true])
    #expect(difference.added == [])
    #expect(difference.proposedRemovals == [])
  }

  @Test func anotherCustomerIsAChangeButNoRevision() {
    let state = Lists.read("a.example,shared,,acme\n").specs

    let difference = ImportDifference(importing: Lists.read("a.example,shared,,bluebird\n"), into: state)

    #expect(difference.changed.map(\.isRevision) == [false])
    #expect(difference.faults == [])
  }

  @Test func aRowThatIsGoneIsAProposedRemovalAndNoMore() {
    let state = Lists.read("a.example,pair1\nb.example,pair1\n").specs

    let difference = ImportDifference(importing: Lists.read("a.example,pair1\n"), into: state)

    #expect(difference.isNoOp)
    #expect(difference.proposedRemovals.map(\.id) == [SpecID("pair1/web/b.example")])
  }

  @Test func anotherFilesCertificatesAreNeverProposedForRemoval() {
    let state = Lists.read("a.example,pair1\n", file: "/other.csv").specs

    let difference = ImportDifference(importing: Lists.read("b.example,pair1\n"), into: state)

    #expect(difference.proposedRemovals == [])
    #expect(difference.added.map(\.names.first) == ["b.example"])
  }

  @Test func aNameOnAnotherPairHasMoved() {
    let state = Lists.read("a.example,pair1\n").specs

    let difference = ImportDifference(importing: Lists.read("a.example,pair4\n"), into: state)

    #expect(difference.moved.map(\.from.id) == [SpecID("pair1/web/a.example")])
    #expect(difference.moved.map(\.to.id) == [SpecID("pair4/web/a.example")])
    #expect(difference.added == [])
    #expect(difference.proposedRemovals.map(\.id) == [SpecID("pair1/web/a.example")])
  }

  @Test func aNamedCertificateOnAnotherVIPHasMovedAndKeepsItsIdentity() {
    let state = Lists.read("a.example,pair2,web,,main\n").specs

    let difference = ImportDifference(importing: Lists.read("a.example,pair2,api,,main\n"), into: state)

    #expect(difference.moved.map(\.to.id) == [SpecID("pair2/main")])
    #expect(difference.proposedRemovals == [])
  }

  // C2: a label renamed in the list is the same certificate, and its file keeps its name.
  @Test func aRenamedLabelMovesTheCertificateAndLeavesItsFile() {
    let state = Lists.read("a.example,pair1,,,shop\n").specs
    let list = Lists.read("a.example,pair1,,,store\n")

    let difference = ImportDifference(importing: list, into: state, live: [SpecID("pair1/shop")])

    #expect(difference.moved.map(\.from.id) == [SpecID("pair1/shop")])
    #expect(difference.moved.map(\.to.id) == [SpecID("pair1/store")])
    #expect(difference.moved.map(\.to.label) == ["shop"])
    #expect(difference.moved.map(\.isRename) == [true])
    #expect(difference.added == [])
    #expect(difference.proposedRemovals == [])
    #expect(difference.faults.map(\.severity) == [.warning])
    let again = ImportDifference(
      importing: list, into: difference.moved.map(\.to), live: [SpecID("pair1/store")])
    #expect(again.isNoOp)
    #expect(again.unchangedCount == 1)
  }

  // MARK: Claims

  @Test func aNameOfAnotherCustomerInTheStateIsAFault() {
    let state = Lists.read("shop.example,pair1\n", file: "/other.csv").specs

    let same = ImportDifference(importing: Lists.read("shop.example,shared,,bluebird\n"), into: state)
    let below = ImportDifference(importing: Lists.read("www.shop.example,shared,,bluebird\n"), into: state)

    #expect(same.faults.count == 1)
    #expect(same.faults.first?.location.line == 2)
    #expect(below.faults.map(\.message).first?.contains("above it") == true)
  }

  @Test func aNameAboveAnotherCustomersInTheStateIsAFault() {
    let state = Lists.read("www.shop.example,pair1\n", file: "/other.csv").specs

    let difference = ImportDifference(importing: Lists.read("shop.example,shared,,bluebird\n"), into: state)

    #expect(difference.faults.map(\.message).first?.contains("below it") == true)
  }

  @Test func sharedNamesMayBeHeldByTwoCustomers() {
    let state = Lists.read("shop.example,pair1\n", file: "/other.csv").specs
    let wanted = Lists.read("shop.example,shared,,bluebird,,,,,yes\n")

    #expect(ImportDifference(importing: wanted, into: state).faults == [])
    #expect(
      ImportDifference(
        importing: Lists.read("www.shop.example,shared,,bluebird\n"), into: state, sharing: [CustomerID("acme")]
      ).faults == [])
  }

  @Test func oneNameTwiceOnAVIPIsAFaultAcrossLists() {
    let state = Lists.read("a.example,pair1,,,big\n", file: "/other.csv").specs

    let difference = ImportDifference(importing: Lists.read("a.example,pair1\n"), into: state)

    #expect(difference.faults.map(\.message).first?.contains("pair1/big") == true)
  }

  // MARK: Labels

  @Test func aLiveFileKeepsItsNameWhateverRowsComeLater() {
    // First the name is on the second VIP alone and gets the bare label; then it comes to the first VIP, too.
    let state = Lists.read("a.example,pair2,api\n").specs
    #expect(state.map(\.label) == ["a.example"])

    let difference = ImportDifference(importing: Lists.read("a.example,pair2,api\na.example,pair2,web\n"), into: state)

    #expect(difference.changed == [])
    #expect(difference.unchangedCount == 1)
    #expect(difference.added.map(\.label) == ["a.example_web"])
    #expect(difference.faults == [])
  }

  @Test func aGivenLabelThatAnotherListUsesIsAFault() {
    let state = Lists.read("a.example,pair1,,,,,,same\n", file: "/other.csv").specs

    let difference = ImportDifference(importing: Lists.read("b.example,pair1,,,cert,,,Same\n"), into: state)

    #expect(difference.faults.map(\.message).first?.contains("file name") == true)
  }

  // MARK: Properties

  @Test func importingTwiceIsANoOpInWhateverOrderTheRowsStand() {
    var random = SplitMix(seed: 2026)
    for round in 0..<150 {
      let rows = Lists.randomRows(&random)
      let first = Lists.read(rows.joined())
      let state = Lists.apply(ImportDifference(importing: first, into: []), to: [])
      let again = ImportDifference(importing: Lists.read(rows.shuffled(using: &random).joined()), into: state)

      #expect(again.isNoOp, "round \(round)")
      #expect(again.proposedRemovals == [], "round \(round)")
      #expect(again.unchangedCount == first.specs.count, "round \(round)")
    }
  }

  @Test func theOrderOfTheStateChangesNothing() {
    var random = SplitMix(seed: 5)
    for round in 0..<60 {
      let state = Lists.read(Lists.randomRows(&random).joined()).specs
      let list = Lists.read(Lists.randomRows(&random).joined())

      #expect(
        ImportDifference(importing: list, into: state)
          == ImportDifference(importing: list, into: state.shuffled(using: &random)), "round \(round)")
    }
  }

  @Test func afterAnyChangeOfTheListTheSecondImportIsANoOp() {
    var random = SplitMix(seed: 99)
    for round in 0..<150 {
      var rows = Lists.randomRows(&random)
      var state = Lists.apply(ImportDifference(importing: Lists.read(rows.joined()), into: []), to: [])
      for _ in 0..<3 {
        rows = Lists.randomRows(&random, keeping: rows)
        let difference = ImportDifference(importing: Lists.read(rows.joined()), into: state)
        guard difference.faults.isEmpty else { continue }
        state = Lists.apply(difference, to: state)
        let again = ImportDifference(importing: Lists.read(rows.shuffled(using: &random).joined()), into: state)

        #expect(again.isNoOp, "round \(round)")
        #expect(again.faults == [], "round \(round)")
      }
      let labels = state.map { "\($0.pair)/\($0.label.lowercased())" }
      #expect(Set(labels).count == labels.count, "round \(round)")
    }
  }
}

/// Lists of domains and what becomes of them, in memory.
enum Lists {
  /// `rows` are `domain,pair,vip,customer,certificate,profile,key,label,shared`.
  static func read(_ rows: String, file: String = "/list.csv") -> DomainList {
    let header = "domain,pair,vip,customer,certificate,profile,key,label,shared\n"
    let source = DomainSource(name: file, path: file, bytes: Array((header + rows).utf8))
    let result = DomainListReader.read([source], inventory: inventory, names: names)
    // Duplicates within a random list are faults of their own; the rest of the list goes on.
    return result.list
  }

  /// What `import` does: moves keep the origin, for removals are only proposed.
  static func apply(_ difference: ImportDifference, to state: [CertificateSpec]) -> [CertificateSpec] {
    var specs = Dictionary(state.map { ($0.id, $0) }) { first, _ in first }
    for move in difference.moved where move.isRename { specs[move.from.id] = nil }
    for spec in difference.added + difference.changed.map(\.to) + difference.moved.map(\.to) { specs[spec.id] = spec }
    return specs.values.sorted { $0.id < $1.id }
  }

  static func randomRows(_ random: inout some RandomNumberGenerator, keeping old: [String] = []) -> [String] {
    var rows = old.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
    for _ in 0..<Int.random(in: 1...25, using: &random) {
      let name = "n\(Int.random(in: 0..<12, using: &random)).d\(Int.random(in: 0..<3, using: &random)).example"
      let pair = ["pair1", "pair2", "pair4"][Int.random(in: 0..<3, using: &random)]
      let vip = pair == "pair2" ? ["web", "api"][Int.random(in: 0..<2, using: &random)] : ""
      let certificate =
        Int.random(in: 0..<3, using: &random) == 0 ? "c\(vip)\(Int.random(in: 0..<2, using: &random))" : ""
      rows.append("\(name),\(pair),\(vip),,\(certificate),,,,yes\n")
    }
    // Two rows for one name on one VIP are a fault and would make the outcome depend on their order, as they should.
    var seen = Set<String>()
    return rows.filter { row in
      let fields = row.split(separator: ",", omittingEmptySubsequences: false)
      return seen.insert(fields[0...2].joined(separator: ",")).inserted
    }
  }

  static let names = NameRules(
    aLabel: { (text) throws(NameRules.Fault) in text.lowercased() },
    registeredDomain: { name in
      let labels = name.split(separator: ".")
      return labels.last == "example" && labels.count > 1 ? labels.suffix(2).joined(separator: ".") : nil
    },
    isSuffix: { $0 == "example" })

  static let inventory: Inventory = {
    func pair(_ id: String, _ customer: String?, _ vips: [String], isShared: Bool = false) -> Pair {
      Pair(
        id: PairID(id), customer: customer.map { CustomerID($0) }, appliance: .haproxy, nodes: [],
        vips: vips.map { VIP(id: VIPID($0), address: "192.0.2.1") }, isShared: isShared)
    }
    return Inventory(
      path: "/fleet.yaml", state: "/state", authorities: [], mail: nil,
      customers: [
        Customer(id: CustomerID("acme"), name: "Acme"), Customer(id: CustomerID("bluebird"), name: "Bluebird"),
      ],
      pairs: [
        pair("pair1", "acme", ["web"]), pair("pair2", "acme", ["web", "api"]), pair("shared", nil, ["web"]),
        pair("pair4", "acme", ["web"], isShared: true),
      ], domainFiles: [])
  }()
}
