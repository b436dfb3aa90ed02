import Controller
import Fleet
import Foundation
import Testing

@Suite struct StarterInventoryTests {
  @Test func theStarterHasNoFaultAndAPrivateStateDirectory() throws {
    let folder = Folder()

    let written = try StarterInventory.write(to: folder.path + "/new")

    let loaded = try InventoryLoader.load(path: folder.path + "/new/fleet.yaml")
    #expect(DiagnosticPrinter().text(loaded.diagnostics) == "")
    let inventory = try #require(loaded.inventory)
    let (list, faults) = DomainLoader.load(inventory: inventory, now: Date(timeIntervalSince1970: 0))
    // G12: a list without a row is said, also where it is the untouched starter.
    #expect(faults.map(\.severity) == [.warning])
    #expect(faults.first?.message == "no row follows the names of the columns")
    #expect(list.specs == [])
    #expect(written.count == 3)
    let mode = try FileManager.default.attributesOfItem(atPath: inventory.state)[.posixPermissions] as? Int
    #expect(mode == 0o700)
  }

  @Test func whatIsThereIsNeverOverwrittenAndNothingElseIsWritten() throws {
    for existing in ["fleet.yaml", "domains/domains.csv", "state/journal"] {
      let folder = Folder()
      folder.write(existing, Array("mine".utf8))

      #expect(throws: StarterInventory.Refusal.self) { try StarterInventory.write(to: folder.path) }

      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      #expect(names == [existing.split(separator: "/").map(String.init)[0], "keep"].sorted())
    }
  }

  @Test func aDirectoryThatCannotBeMadeIsSaid() {
    let folder = Folder()
    folder.write("file", [])

    #expect(throws: StarterInventory.Refusal.self) { try StarterInventory.write(to: folder.path + "/file/below") }
  }
}
