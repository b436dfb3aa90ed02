import Fleet
import Foundation
import Journal
import Testing

@testable import Controller

/// G2: a variable that is not set was “CA not reachable”, after three requests and ten seconds.
@Suite struct ExternalAccountTests {
  private func register(_ eab: String) async throws -> CommandFault? {
    let folder = Folder()
    folder.write(
      "fleet.yaml",
      Array(
        """
        authorities: [{ id: ca, directory: "https://127.0.0.1:9/dir", eab: { kid: one, \(eab) } }]
        defaults: { ssh: { agent: true } }
        pairs:
          - { id: p, vips: [{ id: web, address: 192.0.2.10 }], nodes: [{ id: a, address: 192.0.2.11 }], active: always }
        """.utf8))
    folder.write("key", Array("no base64url!".utf8))
    #expect(chmod(folder.path + "/key", 0o600) == 0)
    let workplace = try Workplace.open(inventory: folder.path + "/fleet.yaml")
    do throws(CommandFault) {
      _ = try await workplace.registerAccounts()
      return nil
    } catch {
      return error
    }
  }

  @Test(.timeLimit(.minutes(1))) func aVariableThatIsNotSetIsNamedAtOnce() async throws {
    let fault = try await register("hmac_env: CERTFLEET_TEST_UNSET")

    #expect(fault?.exitStatus == 2)
    #expect(fault?.text.contains("the environment variable CERTFLEET_TEST_UNSET is not set") == true)
  }

  @Test(.timeLimit(.minutes(1))) func aKeyThatIsNoneIsNamedWithoutShowingIt() async throws {
    let fault = try await register("hmac_file: key")

    #expect(fault?.exitStatus == 2)
    #expect(fault?.text.contains("no base64url;") == true)
    #expect(fault?.text.contains("no base64url!") == false)
  }

  // G3: prose about something else in an error of rows that were refused.
  @Test func whatIsInUseSaysSoAndNothingElse() {
    let text = JournalError.inUse("a run is going on; seed the limits before it or after it").description

    #expect(text == "a run is going on; seed the limits before it or after it")
  }
}
