import Fleet
import Foundation
import Journal
import Testing

@testable import Controller

/// B8: what a sweep goes by where inventory or lists have faults.
@Suite struct SweepInputsTests {
  private let folder: ScratchFolder
  private let noon = Date(timeIntervalSince1970: 1_790_000_000)

  init() throws {
    folder = try ScratchFolder()
    _ = try folder.write(
      "fleet.yaml",
      """
      # the password of the old server was hunter2
      include: pairs.yaml
      extra_suffixes: [example]
      authorities: [{ id: ca, directory: "https://ca.example/directory" }]
      mail: { directory: mail, from: a@example.com, to: [ops@example.com] }
      defaults: { ssh: { agent: true } }
      domains: [domains.csv]

      """)
    _ = try folder.write(
      "pairs.yaml",
      """
      pairs:
        - id: pair1
          vips: [{ id: web, address: 192.0.2.10 }]
          nodes: [{ id: pair1-a, address: 192.0.2.11 }]

      """)
    _ = try folder.write("domains.csv", "domain,pair\na.example,pair1\n")
  }

  private var inventory: String { folder.path + "/fleet.yaml" }

  @Test func anIncludeThatCannotBeReadLeavesTheInventoryOfBefore() async throws {
    let before = try Workplace.openForSweep(inventory: inventory)
    try FileManager.default.removeItem(atPath: folder.path + "/pairs.yaml")

    let after = try Workplace.openForSweep(inventory: inventory)

    #expect(throws: CommandFault.self) { try Workplace.open(inventory: inventory) }
    #expect(before.inputs == nil)
    #expect(after.inventory.pairs == before.inventory.pairs)
    #expect(after.inventory.mail == before.inventory.mail)
    let inputs = try #require(after.inputs)
    #expect(inputs.inventoryFrom != nil)
    #expect(inputs.lines.contains { $0.contains("fleet.yaml:2:10: the included file cannot be read") })
    let (imported, review) = try await after.synchroniseForSweep()
    #expect(imported.added == [] && imported.proposedRemovals == [])
    #expect(review == inputs)
  }

  @Test(arguments: ["pairs: [", "pears: []", "\u{0}"]) func anyFaultOfTheRootFileDoes(_ text: String) throws {
    _ = try Workplace.openForSweep(inventory: inventory)
    _ = try folder.write("fleet.yaml", text)

    let after = try Workplace.openForSweep(inventory: inventory)

    #expect(after.inventory.pairs.map(\.id) == [PairID("pair1")])
    #expect(after.inputs != nil)
  }

  @Test func whatIsKeptHasNoCommentsAndIsPrivate() throws {
    _ = try Workplace.openForSweep(inventory: inventory)

    let kept = folder.path + "/state/inventory.json"
    let mode = try FileManager.default.attributesOfItem(atPath: kept)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try !String(contentsOfFile: kept, encoding: .utf8).contains("hunter2"))
  }

  @Test func aStateDirectoryNamedInABrokenFileIsStillFound() throws {
    var text = try String(contentsOfFile: inventory, encoding: .utf8)
    text += "state: elsewhere\n"
    _ = try folder.write("fleet.yaml", text)
    _ = try Workplace.openForSweep(inventory: inventory)
    _ = try folder.write("fleet.yaml", text + "pairs: [")

    #expect(try Workplace.openForSweep(inventory: inventory).inventory.state == folder.path + "/elsewhere")
  }

  @Test func withoutAnInventoryOfBeforeTheFaultsAreSaid() throws {
    try FileManager.default.removeItem(atPath: folder.path + "/pairs.yaml")

    #expect(throws: CommandFault.self) { try Workplace.openForSweep(inventory: inventory) }
  }

  @Test func aMailSaysThatARenewalCouldNotRun() async throws {
    try FileManager.default.removeItem(atPath: folder.path + "/pairs.yaml")

    let told = await Workplace.tell(of: .badInput("pairs.yaml is gone"), inventory: inventory)

    #expect(told?.contains("ops@example.com") == true)
    let mails = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/mail")
    #expect(mails.count == 1)
    let text = try String(contentsOfFile: folder.path + "/mail/" + (mails.first ?? ""), encoding: .utf8)
    #expect(text.contains("Renewal could not run") && text.contains("pairs.yaml is gone"))
  }

  @Test func aListThatIsGoneIsAFaultOfThatListAlone() async throws {
    let workplace = try Workplace.openForSweep(inventory: inventory)
    _ = try await workplace.synchroniseForSweep()
    try FileManager.default.removeItem(atPath: folder.path + "/domains.csv")

    let after = try Workplace.openForSweep(inventory: inventory)
    let (imported, review) = try await after.synchroniseForSweep()

    #expect(after.inputs == nil)
    #expect(imported.proposedRemovals == [])
    #expect(review?.count == 1)
    #expect(review?.inventoryFrom == nil)
    #expect(try after.fleetState().certificates.count == 1)
  }
}
