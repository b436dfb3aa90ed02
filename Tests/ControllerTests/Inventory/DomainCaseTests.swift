import Controller
import Fleet
import Foundation
import Testing

/// G12 (`empty`, `header-alone`, `invisible`, `names`): an empty list is a fault, an invisible character has its number, no wildcard is recommended.
///
/// Lists of domains in, certificates and faults out: one file a case.
@Suite struct DomainCaseTests {
  private static let now = Date(timeIntervalSince1970: 0)

  private func inventory() throws -> Inventory {
    let loaded = try InventoryLoader.load(path: Cases.folder("Domains").path + "/fleet.yaml")
    #expect(loaded.diagnostics == [])
    return try #require(loaded.inventory)
  }

  @Test(arguments: try Cases.names(in: "Domains", "csv")) func aListGivesItsCertificatesAndFaults(_ name: String) throws
  {
    let file = Cases.folder("Domains").path + "/\(name).csv"

    let (list, diagnostics) = DomainLoader.load(
      files: [file], inventory: try inventory(), defaultPair: name == "bare" ? PairID("pair1") : nil, now: Self.now)

    // Paths differ from one checkout to the next.
    let faults = DiagnosticPrinter().text(diagnostics).replacingOccurrences(of: file, with: "\(name).csv")
    let actual = faults + "---\n" + list.specs.map(Self.line).joined()
    #expect(actual == (try Cases.expected(name, in: "Domains", actual: actual)))
  }

  private static func line(_ spec: CertificateSpec) -> String {
    let names = spec.names.names.count > 5 ? "\(spec.names.names.count) names" : spec.names.names.joined(separator: " ")
    return "\(spec.id)  \(spec.customer?.rawValue ?? "-")  \(spec.vip)  \(spec.label).pem  \(spec.key.rawValue)"
      + "  \(spec.profile ?? "-")  \(names)  <\(spec.registeredDomains.joined(separator: " "))>\n"
  }

  @Test func aPairIsAskedForWhereTheFleetHasSeveral() throws {
    let file = Cases.folder("Domains").path + "/bare.csv"

    let (list, diagnostics) = DomainLoader.load(files: [file], inventory: try inventory(), now: Self.now)

    #expect(list.specs.isEmpty)
    #expect(diagnostics.contains { $0.message == "no pair is named for this row" && $0.location.line == 2 })
  }

  @Test func aCustomerFromTheCommandLineMustSuitThePair() throws {
    let file = Cases.folder("Domains").path + "/bare.csv"

    let (_, diagnostics) = DomainLoader.load(
      files: [file], inventory: try inventory(), defaultPair: PairID("pair1"), defaultCustomer: CustomerID("bluebird"),
      now: Self.now)

    #expect(diagnostics.contains { $0.message.hasPrefix("pair “pair1” is customer “acme”'s") })
  }

  @Test func aSuffixListOlderThanHalfAYearIsWarnedAbout() throws {
    let file = Cases.folder("Domains").path + "/bare.csv"
    let later = Date(timeIntervalSince1970: 4_000_000_000)

    let (_, diagnostics) = DomainLoader.load(
      files: [file], inventory: try inventory(), defaultPair: PairID("pair1"), now: later)

    let warning = try #require(diagnostics.first)
    #expect(warning.severity == .warning)
    #expect(warning.message.contains("days old"))
  }

  // G12: a fault in the YAML hides no fault of the lists; what may only be missing because of it is not called a fault.
  @Test func aFaultInTheYAMLHidesNoFaultOfTheLists() throws {
    let folder = try ScratchFolder()
    _ = try folder.write("list.csv", "domain,pair,customer\na_b.example,pair1,acme\ngood.example,pair1,acme\n")
    let yaml = """
      authorities: [{id: ca, directory: https://ca.example/dir}]
      customers: [{id: acme, nmae: Acme}]
      extra_suffixes: [example]
      pairs: []
      domains: list.csv
      """

    let checkup = try Checkup.run(inventory: try folder.write("fleet.yaml", yaml))

    let lists = checkup.diagnostics.filter { $0.location.file.hasSuffix("list.csv") }
    #expect(lists.map(\.location.line) == [2], "\(lists)")
    #expect(lists.first?.message.contains("U+005F") == true || lists.first?.message.contains("“_”") == true)
    #expect(checkup.diagnostics.contains { $0.location.file.hasSuffix("fleet.yaml") && $0.severity == .error })
  }

  @Test func aListThatIsNotThereIsAFaultAmongTheOthers() throws {
    let (_, diagnostics) = DomainLoader.load(
      files: ["/nowhere/list.csv", Cases.folder("Domains").path], inventory: try inventory(), now: Self.now)

    #expect(
      diagnostics.map(\.message) == [
        "the list cannot be read: there is no such file", "the list cannot be read: this is a directory",
      ])
  }
}
