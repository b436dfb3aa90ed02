import Controller
import Fleet
import Foundation
import Testing

/// Inventories in, faults out: one file a case.
@Suite struct InventoryCaseTests {
  @Test(arguments: try Cases.names(in: "Inventory", "yaml")) func anInventoryGivesAllItsFaults(_ name: String) throws {
    let file = Cases.folder("Inventory").path + "/\(name).yaml"

    let loaded = try InventoryLoader.load(path: file, home: "/home/ops")

    let actual = DiagnosticPrinter().text(loaded.diagnostics).replacingOccurrences(of: file, with: "\(name).yaml")
    #expect(actual == (try Cases.expected(name, in: "Inventory", actual: actual)))
    #expect((loaded.inventory == nil) == loaded.diagnostics.contains { $0.severity == .error })
  }

  @Test func noFaultEverShowsASecret() throws {
    // Every secret of this case has the same word in it, whatever its place: inline, in a block, in a flow mapping, in a URL.
    let loaded = try InventoryLoader.load(path: Cases.folder("Inventory").path + "/secrets.yaml", home: "/home/ops")

    let text = DiagnosticPrinter().text(loaded.diagnostics)

    #expect(loaded.diagnostics.count >= 8)
    #expect(!text.contains("hunter2"))
  }
}
