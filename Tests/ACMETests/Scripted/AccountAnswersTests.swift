import ACME
import Foundation
import Net
import PKI
import Testing

@Suite struct AccountAnswersTests {
  @Test func anAccountIsRegisteredWithTermsContactAndBinding() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/new-account", .json(201, #"{"status":"valid"}"#, ("Location", "https://ca.example/account/7")))
    let acme = try await ACMEServer.connect(to: "https://ca.example/directory", over: server.link)
    let key = try SigningKey.generate(.ecdsaP256)
    let binding = try #require(ExternalAccount(keyID: "kid-1", macKeyText: PKISecret("c2VjcmV0LXNlY3JldA==")))

    let account = try await acme.register(key: key, contact: ["mailto:a@example.com"], externalAccount: binding)

    #expect(account.url == "https://ca.example/account/7")
    let sent = try #require(await server.requests("/new-account").first)
    #expect(sent.header["kid"] == nil)
    #expect(
      sent.payload.hasPrefix(
        #"{"termsOfServiceAgreed":true,"contact":["mailto:a@example.com"],"externalAccountBinding":{"#))
    #expect(!sent.payload.contains("c2VjcmV0"))
  }

  @Test func findingAnAccountMakesNone() async throws {
    let server = ScriptedServer()
    await server.answer("/new-account", .json(200, "{}", ("Location", "/account/7")))
    let acme = try await ACMEServer.connect(to: "https://ca.example/directory", over: server.link)

    let account = try await acme.findAccount(key: try .generate(.ecdsaP256))

    #expect(account == Account(url: "https://ca.example/account/7", status: .valid))
    #expect(await server.requests("/new-account").first?.payload == #"{"onlyReturnExisting":true}"#)
  }

  @Test func anAccountWithoutURLIsMalformed() async throws {
    let server = ScriptedServer()
    await server.answer("/new-account", .json(201, #"{"status":"valid"}"#))
    let acme = try await ACMEServer.connect(to: "https://ca.example/directory", over: server.link)

    await #expect(throws: ACMEError.self) { try await acme.register(key: try .generate(.ecdsaP256)) }
  }

  @Test(arguments: ["", "=", "ä", "A"])
  func aMACKeyThatIsNoneIsRefused(text: String) {
    #expect(ExternalAccount(keyID: "kid", macKeyText: PKISecret(text)) == nil)
  }
}
