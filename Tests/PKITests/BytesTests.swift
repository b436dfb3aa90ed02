import PKI
import Testing

@Suite struct BytesTests {
  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64URLMatchesRFC4648WithoutPadding(text: String, encoded: String) {
    #expect(Base64URL.encode(Array(text.utf8)) == encoded)
    #expect(Base64URL.decode(encoded) == Array(text.utf8))
  }

  @Test func base64URLUsesTheURLSafeAlphabet() {
    // RFC 7515 appendix C.
    #expect(Base64URL.encode([3, 236, 255, 224, 193]) == "A-z_4ME")
    #expect(Base64URL.decode("A-z_4ME") == [3, 236, 255, 224, 193])
  }

  @Test(arguments: ["A", "AAAAA", "A-z_4ME=", "A+z/4ME", "A z_", "Zh", "Zm9=", "ä"])
  func whatNoEncoderWritesIsNotDecoded(text: String) {
    #expect(Base64URL.decode(text) == nil)
  }

  @Test(arguments: ["A-z_4ME", "A-z_4ME=", "A+z/4ME=", "A+z/4ME\n"])
  func anExternalAccountKeyIsReadInEveryFormThatCAsHandOut(text: String) {
    #expect(Base64URL.decodeLeniently(text) == [3, 236, 255, 224, 193])
  }

  @Test func everyLengthSurvivesTheRoundTrip() throws {
    for count in 0...70 {
      let bytes = try randomBytes(count)
      #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }
  }

  @Test func digestsMatchTheStandardsVectors() {
    #expect(hex(sha256("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(hex(sha256([UInt8]())) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hex(sha1("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
  }

  @Test func theMACMatchesRFC4231AndTakesAnEmptyKey() {
    // RFC 4231 test case 2.
    #expect(
      hex(hmacSHA256("what do ya want for nothing?".utf8, key: PKISecret("Jefe")))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      hex(hmacSHA256([UInt8](), key: PKISecret("")))
        == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test func theMACMatchesRFC7515AppendixA1() throws {
    let key = try #require(
      Base64URL.decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
    let input =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
      + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

    let signature = hmacSHA256(input.utf8, key: PKISecret(key))

    #expect(Base64URL.encode(signature) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
  }

  @Test func aSecretNeverShowsItself() {
    struct Holder { let name = "eab", secret = PKISecret("correct horse") }
    let holder = Holder()
    var dumped = ""
    dump(holder, to: &dumped)

    for text in ["\(holder.secret)", "\(holder)", String(reflecting: holder), "\([holder.secret])", dumped] {
      #expect(!text.contains("horse"))
      #expect(!text.contains("99, 111, 114"), "the bytes of the secret are printed: \(text)")
    }
    #expect("\(holder.secret)" == "•••")
  }
}
