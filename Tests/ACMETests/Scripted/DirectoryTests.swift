import ACME
import Foundation
import Net
import PKI
import Testing

@Suite struct DirectoryTests {
  @Test func unknownMembersArePassedOver() async throws {
    let server = try await connect(.json(200, ScriptedServer.directory))

    #expect(server.directory.newOrder == "https://ca.example/new-order")
    #expect(server.directory.renewalInfo == "https://ca.example/renewal-info")
    #expect(server.directory.keyChange == nil)
    #expect(server.directory.profiles == ["classic": "x"])
    #expect(!server.directory.externalAccountRequired)
  }

  @Test func relativeURLsAndStrangeTypesAreSurvived() async throws {
    let server = try await connect(
      .json(
        200,
        """
        {"newNonce":"/n","newAccount":"a","newOrder":"//other.example/o","keyChange":7,
        "meta":{"profiles":{"classic":"https://ca.example/classic","odd":7},"externalAccountRequired":"yes","termsOfService":"https://ca.example/terms"}}
        """))

    #expect(server.directory.newNonce == "https://ca.example/n")
    #expect(server.directory.newAccount == "https://ca.example/a")
    #expect(server.directory.newOrder == "https://other.example/o")
    #expect(server.directory.termsOfService == "https://ca.example/terms")
    #expect(server.directory.profiles == ["classic": "https://ca.example/classic", "odd": ""])
  }

  @Test(arguments: [
    ScriptedServer.Answer.json(200, "{}"), .json(200, "[]"), .html(200), .html(404), .problem(503, "rateLimited"),
    .json(200, #"{"newNonce":"/n","newAccount":"/a"}"#),
    .json(200, #"{"newNonce":"http://ca.example/n","newAccount":"/a","newOrder":"/o"}"#),
    ScriptedServer.Answer(failure: NetError(.tls("expired"), "expired")),
  ])
  func whatIsNoDirectoryIsRefused(answer: ScriptedServer.Answer) async {
    await #expect(throws: ACMEError.self) { try await connect(answer) }
  }

  private func connect(_ answer: ScriptedServer.Answer) async throws -> ACMEServer {
    let server = ScriptedServer()
    await server.answer("/directory", answer)
    return try await ACMEServer.connect(to: ScriptedServer.base + "/directory", over: server.link)
  }
}
