import Controller
import Fleet
import Foundation
import Testing

/// The example fleet of the repository: read by people, by the demo, and by these tests.
@Suite struct ExampleInventoryTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let now = Date(timeIntervalSince1970: 0)

  @Test func theExampleFleetHasNoFault() throws {
    let loaded = try InventoryLoader.load(path: Self.root.path + "/inventory/fleet.yaml")

    #expect(DiagnosticPrinter().text(loaded.diagnostics) == "")
    let inventory = try #require(loaded.inventory)
    #expect(inventory.pairs.count == 4)
    #expect(inventory.customers.map(\.id.rawValue) == ["acme", "bluebird", "cedar"])
  }

  @Test func theExampleListsHoldTwoHundredDomainsWithoutAFault() throws {
    let inventory = try #require(try InventoryLoader.load(path: Self.root.path + "/inventory/fleet.yaml").inventory)

    let (list, diagnostics) = DomainLoader.load(inventory: inventory, now: Self.now)

    #expect(DiagnosticPrinter().text(diagnostics) == "")
    #expect(list.nameCount == 200)
    #expect(list.specs.count == 197)
    #expect(Set(list.specs.compactMap(\.customer)).count == 3)
  }
}
