import ACME
import Fleet
import Journal
import Testing

@testable import Controller

@Suite struct PreferredRootTests {
  // H17: the CA answers with its usual chain where it has none under the preferred root; that is said.
  @Test func aRootThatTheCADoesNotOfferIsSaid() async throws {
    let stage = try await IssuingStage()
    try await stage.run(ScriptedCA(stage.order(.ready), chain: [try stage.certificate()]))
    let state = try stage.journal.fleetState()
    func note(_ root: String?) -> String? {
      PreferredRoot.note(
        Authority(id: AuthorityID("ca"), directory: "https://ca.example/dir", preferredRoot: root), state)
    }

    let said = try #require(note("root of nobody"))

    #expect(said.contains("“root of nobody”") && said.contains("“root of a test”"))
    #expect(note("root of a test") == nil)
    #expect(note(nil) == nil)
  }
}
