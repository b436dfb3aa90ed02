import Foundation
import PKI
import Testing

@Suite struct SigningKeyTests {
  @Test(arguments: [KeyKind.ecdsaP256, .ecdsaP384, .rsa(bits: 2_048)])
  func anEncryptedKeyIsOpenedByOpenSSLAndByUs(kind: KeyKind) throws {
    let key = try SigningKey.generate(kind)
    let scratch = try Scratch()

    let pem = try key.encryptedPEM(passphrase: PKISecret("correct horse"))
    let file = try scratch.write("key.pem", pem)
    let theirs = try OpenSSLTool.run("pkey", "-in", file, "-passin", "pass:correct horse", "-pubout", "-outform", "PEM")
    let ours = try SigningKey(pem: PKISecret(pem), passphrase: PKISecret("correct horse"))

    #expect(pem.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
    #expect(ours.publicJWK == key.publicJWK)
    #expect(ours.kind == kind)
    #expect(Base64URL.decodeLeniently(body(theirs)).map { sha256($0) } == key.publicKeySHA256)
    let structure = try OpenSSLTool.run("asn1parse", "-in", file)
    #expect(structure.contains("PBES2"))
    #expect(structure.contains("hmacWithSHA256"))
    #expect(structure.contains("aes-256-cbc"))
  }

  @Test(arguments: [
    ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["ecparam", "-name", "secp384r1", "-genkey", "-noout"],
    ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    ["genrsa", "-traditional", "2048"],
  ])
  func aKeyOfOpenSSLIsReadInEachOfItsForms(arguments: [String]) throws {
    let scratch = try Scratch()
    let file = try scratch.write("key.pem", try run(arguments))
    let public_ = try OpenSSLTool.run("pkey", "-in", file, "-pubout")

    let key = try SigningKey(pem: PKISecret(try String(contentsOfFile: file, encoding: .utf8)))

    #expect(Base64URL.decodeLeniently(body(public_)).map { sha256($0) } == key.publicKeySHA256)
  }

  @Test func anEncryptedKeyOfAnOldOpenSSLIsRead() throws {
    let pem = try OpenSSLTool.run("genrsa", "-traditional", "-aes128", "-passout", "pass:secret", "2048")

    #expect(throws: Never.self) { try SigningKey(pem: PKISecret(pem), passphrase: PKISecret("secret")) }
    #expect(throws: PKIError.wrongPassphrase) { try SigningKey(pem: PKISecret(pem), passphrase: PKISecret("wrong")) }
    #expect(throws: PKIError.passphraseNeeded) { try SigningKey(pem: PKISecret(pem)) }
  }

  @Test func aWrongPassphraseIsToldFromAMissingOneAndFromARuinedFile() throws {
    let pem = try SigningKey.generate(.ecdsaP256).encryptedPEM(passphrase: PKISecret("right"), iterations: 2_048)

    #expect(throws: PKIError.passphraseNeeded) { try SigningKey(pem: PKISecret(pem)) }
    // Some wrong passphrases give well-formed padding: many are tried so that both ways to fail are seen.
    for attempt in 0..<600 {
      #expect(throws: PKIError.wrongPassphrase) {
        try SigningKey(pem: PKISecret(pem), passphrase: PKISecret("wrong\(attempt)"))
      }
    }
    for ruined in [
      "", "hello", String(pem.prefix(120)), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
      #expect { try SigningKey(pem: PKISecret(ruined), passphrase: PKISecret("right")) } throws: { error in
        if case .malformed = error as? PKIError { true } else { false }
      }
    }
  }

  @Test func aPassphraseThatNobodyCouldTypeBackIsRefusedAtOnce() throws {
    let key = try SigningKey.generate(.ecdsaP256)
    let longest = PKISecret(String(repeating: "x", count: 1_024))

    let pem = try key.encryptedPEM(passphrase: longest, iterations: 2_048)

    #expect(try SigningKey(pem: PKISecret(pem), passphrase: longest).thumbprint == key.thumbprint)
    for count in [0, 1_025] {
      #expect(throws: PKIError.self) {
        try key.encryptedPEM(passphrase: PKISecret(String(repeating: "x", count: count)))
      }
    }
  }

  @Test func anyBytesMakeAPassphrase() throws {
    let key = try SigningKey.generate(.ecdsaP256)
    let passphrase = PKISecret([0, 1, 0, 255, 10, 13] as [UInt8])

    let pem = try key.encryptedPEM(passphrase: passphrase, iterations: 2_048)

    #expect(try SigningKey(pem: PKISecret(pem), passphrase: passphrase).thumbprint == key.thumbprint)
  }

  @Test(arguments: [
    ["genpkey", "-algorithm", "ED25519"], ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
  ])
  func aKeyThatNoPublicCATakesIsNamed(arguments: [String]) throws {
    let pem = try run(arguments)

    #expect { try SigningKey(pem: PKISecret(pem)) } throws: { error in
      if case .unsupportedKey = error as? PKIError { true } else { false }
    }
  }

  @Test(arguments: [1_024, 2_047, 4_097, 8_192])
  func anRSAKeyOfAnUnusualSizeIsNotMade(bits: Int) {
    #expect(throws: PKIError.unsupportedKey("RSA with \(bits) bits")) { try SigningKey.generate(.rsa(bits: bits)) }
  }

  @Test func theThumbprintMatchesRFC7638() throws {
    let key = try SigningKey(pem: PKISecret(RFCVectors.rsaKeyOfRFC7517.pem))

    #expect(key.publicJWK.hasPrefix(#"{"e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nnd"#))
    #expect(key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
  }

  @Test func anRS256SignatureMatchesRFC7515AppendixA2() throws {
    let key = try SigningKey(pem: PKISecret(RFCVectors.rsaKeyOfRFC7515.pem))

    let signature = try key.signature(over: Array(RFCVectors.signingInput(header: "eyJhbGciOiJSUzI1NiJ9").utf8))

    #expect(key.jwsAlgorithm == "RS256")
    #expect(Base64URL.encode(signature) == RFCVectors.rs256Signature)
  }

  @Test func theECKeyOfRFC7515AppendixA3HasItsCoordinates() throws {
    let key = try SigningKey(pem: PKISecret(RFCVectors.ecKeyPEM))

    #expect(
      key.publicJWK
        == #"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
    )
    #expect(key.jwsAlgorithm == "ES256")
  }

  @Test(arguments: [(KeyKind.ecdsaP256, 32, "-sha256"), (.ecdsaP384, 48, "-sha384")])
  func anECDSASignatureIsRawOfFixedWidthAndVerifiedByOpenSSL(kind: KeyKind, width: Int, digest: String) throws {
    let key = try SigningKey.generate(kind)
    let scratch = try Scratch()
    let message = try scratch.write("message", "abc")
    let keyFile = scratch.path + "/key.pem"
    try key.plainPEM().withBytes { try Data($0).write(to: URL(fileURLWithPath: keyFile)) }

    // 300 signatures: one in 128 has a number with a leading zero byte.
    let signatures = try (0..<300).map { _ in try key.signature(over: Array("abc".utf8)) }

    #expect(signatures.allSatisfy { $0.count == 2 * width })
    let padded = signatures.first { $0[0] == 0 || $0[width] == 0 } ?? signatures[0]
    for signature in [signatures[0], padded] {
      let file = scratch.path + "/signature"
      try Data(der(r: signature.prefix(width), s: signature.suffix(width))).write(to: URL(fileURLWithPath: file))
      try OpenSSLTool.run("dgst", digest, "-prverify", keyFile, "-signature", file, message)
    }
  }

  @Test func oneKeySignsOnManyThreadsAtOnce() async throws {
    let key = try SigningKey.generate(.ecdsaP256)

    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<16 {
        group.addTask { try (0..<50).reduce(0) { total, _ in total + (try key.signature(over: [1, 2, 3]).count) } }
      }
      return try await group.reduce(0, +)
    }

    #expect(count == 16 * 50 * 64)
  }

  private func run(_ arguments: [String]) throws -> String {
    switch arguments.count {
    case 3: try OpenSSLTool.run(arguments[0], arguments[1], arguments[2])
    case 5: try OpenSSLTool.run(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4])
    default: throw OpenSSLTool.Failure(description: "unexpected \(arguments)")
    }
  }

  private func body(_ pem: String) -> String {
    pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }.joined()
  }

  private func der(r: ArraySlice<UInt8>, s: ArraySlice<UInt8>) -> [UInt8] {
    RFCVectors.sequence(RFCVectors.integer(Array(r)) + RFCVectors.integer(Array(s)))
  }
}
