import ACME
import Testing

@Suite struct KeyAuthorizationTests {
  @Test func itIsTheTokenADotAndTheThumbprint() throws {
    // Token and thumbprint of RFC 8555 section 8.3.
    let proof = try #require(
      KeyAuthorization(
        token: "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", thumbprint: "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI")
    )

    #expect(
      proof.description == "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI")
    #expect(proof.path == "/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0")
    // printf %s TEXT | openssl dgst -sha256 -binary | base64, in the URL's alphabet.
    #expect(proof.dnsText == "LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo")
  }

  @Test(arguments: [
    "", ".", "../x", "a/b", "a b", "a\n", "a\u{0}", "tökén", "a%2e", "a.b", "a=", String(repeating: "a", count: 256),
  ])
  func aTokenOutsideItsAlphabetIsRefused(token: String) {
    #expect(KeyAuthorization(token: token, thumbprint: "x") == nil)
  }
}
