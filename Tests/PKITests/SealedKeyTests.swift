import Foundation
import PKI
import Testing

/// Keys sealed for a node, judged by the `openssl` that opens them there.
@Suite struct SealedKeyTests {
  @Test(arguments: [KeyKind.ecdsaP256, .ecdsaP384, .rsa(bits: 2_048)])
  func theRecipientsOpensslOpensItAndFindsTheSameKey(_ kind: KeyKind) throws {
    let scratch = try Scratch()
    let recipient = try Recipient("recipient", in: scratch)
    let key = try SigningKey.generate(kind)

    let sealed = try scratch.write("sealed.pem", try key.sealed(for: recipient.certificate))
    let opened = try OpenSSLTool.run(
      "cms", "-decrypt", "-inform", "PEM", "-in", sealed, "-inkey", recipient.key, "-recip", recipient.path)

    #expect(try SigningKey(pem: PKISecret(opened)).publicKeySHA256 == key.publicKeySHA256)
    let printed = try OpenSSLTool.run("cms", "-cmsout", "-print", "-inform", "PEM", "-in", sealed)
    #expect(printed.contains("aes-256-cbc"))
  }

  @Test func nobodyElseOpensIt() throws {
    let scratch = try Scratch()
    let recipient = try Recipient("recipient", in: scratch)
    let stranger = try Recipient("stranger", in: scratch)
    let key = try SigningKey.generate(.ecdsaP256)
    let sealed = try scratch.write("sealed.pem", try key.sealed(for: recipient.certificate))

    #expect(throws: OpenSSLTool.Failure.self) {
      try OpenSSLTool.run(
        "cms", "-decrypt", "-inform", "PEM", "-in", sealed, "-inkey", stranger.key, "-recip", stranger.path)
    }
    // Without naming the recipient OpenSSL tries, and hides that it failed behind noise: no key comes of it.
    var noise = ""
    do {
      noise = try OpenSSLTool.run("cms", "-decrypt", "-inform", "PEM", "-in", sealed, "-inkey", stranger.key)
    } catch is OpenSSLTool.Failure {
      // Refused outright: just as well.
    }
    #expect(!noise.contains("PRIVATE KEY"))
  }

  /// What a node makes for one rollout.
  private struct Recipient {
    let key: String
    let path: String
    let certificate: X509Certificate

    init(_ name: String, in scratch: Scratch) throws {
      key = scratch.path + "/\(name).key"
      path = scratch.path + "/\(name).pem"
      try OpenSSLTool.run(
        "req", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days", "2", "-subj", "/CN=certfleet rollout",
        "-keyout", key, "-out", path)
      certificate = try X509Certificate(pem: try String(contentsOfFile: path, encoding: .utf8))
    }
  }
}
