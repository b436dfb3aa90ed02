import ACME
import Foundation
import Net
import PKI
import Testing

@Suite struct RenewalInfoTests {
  /// RFC 9773 appendix A.
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
    cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
    BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
    7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
    qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
    yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
    +FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
    -----END CERTIFICATE-----
    """
  static let path = "/renewal-info/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
  let now = Date(timeIntervalSince1970: 1_795_412_802)

  @Test(arguments: [
    ("21600", Duration.seconds(21_600)), ("1", .seconds(60)), ("99999999", .seconds(86_400)),
    ("soon", .seconds(21_600)),
  ])
  func theWindowIsAskedForByTheCertificatesIdentifierWithoutSigning(retryAfter: String, wait: Duration) async throws {
    let server = ScriptedServer()
    await server.answer(
      Self.path,
      .json(
        200,
        """
        {"suggestedWindow":{"start":"2026-12-01T04:00:00Z","end":"2026-12-02T04:00:00Z"},
        "explanationURL":"https://ca.example/why","new":1}
        """, ("Retry-After", retryAfter)))
    let acme = try await ACMEServer.connect(to: ScriptedServer.base + "/directory", over: server.link)

    let found = try await acme.renewalInfo(for: try X509Certificate(pem: Self.certificate), at: now)

    let info = try #require(found)
    #expect(info.window.upperBound.timeIntervalSince(info.window.lowerBound) == 86_400)
    #expect(info.explanationURL == "https://ca.example/why")
    #expect(info.askAgainAfter == wait)
    #expect(await server.seen.map(\.method) == ["GET", "GET"])
  }

  @Test func anEmptyWindowIsNoWish() async throws {
    let server = ScriptedServer()
    await server.answer(
      Self.path,
      .json(200, #"{"suggestedWindow":{"start":"2026-12-02T04:00:00Z","end":"2026-12-02T04:00:00Z"}}"#))
    let acme = try await ACMEServer.connect(to: ScriptedServer.base + "/directory", over: server.link)

    #expect(try await acme.renewalInfo(for: try X509Certificate(pem: Self.certificate), at: now) == nil)
  }

  @Test func aCAWithoutRenewalInformationIsNotAsked() async throws {
    let server = ScriptedServer()
    await server.answer("/directory", .json(200, #"{"newNonce":"/n","newAccount":"/a","newOrder":"/o"}"#))
    let acme = try await ACMEServer.connect(to: ScriptedServer.base + "/directory", over: server.link)

    #expect(try await acme.renewalInfo(for: try X509Certificate(pem: Self.certificate), at: now) == nil)
    #expect(await server.seen.count == 1)
  }

  @Test func anUnknownCertificateAndABrokenObjectAreErrors() async throws {
    let server = ScriptedServer()
    await server.answer(
      Self.path, .problem(404, "malformed"), .json(200, "{}"),
      .json(200, #"{"suggestedWindow":{"start":"tomorrow","end":"later"}}"#))
    let acme = try await ACMEServer.connect(to: ScriptedServer.base + "/directory", over: server.link)
    let certificate = try X509Certificate(pem: Self.certificate)

    for _ in 0..<3 {
      await #expect(throws: ACMEError.self) { try await acme.renewalInfo(for: certificate, at: now) }
    }
  }
}
