import Foundation
import PKI
import Testing

@Suite struct CertificateTests {
  /// RFC 9773 appendix A.
  static let rfc9773 = """
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

  @Test func theRenewalIdentifierMatchesRFC9773() throws {
    let certificate = try X509Certificate(pem: Self.rfc9773)

    #expect(certificate.ariCertID == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
    #expect(certificate.authorityKeyID.map { hex($0) } == "69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    #expect(hex(certificate.serialDERContent) == "0087654321")
    #expect(certificate.serialHex == "87654321")
    #expect(certificate.issuerCommonNames == ["Example CA"])
    #expect(certificate.subject == "CN=example.com")
  }

  @Test func whatACertificateSaysIsWhatOpenSSLSays() throws {
    let authority = try TestAuthority()
    let pem = try authority.issue(names: ["DNS:a.example", "DNS:*.b.example", "IP:192.0.2.7", "IP:2001:db8::7"])
    let file = try authority.scratch.write("leaf.pem", pem)

    let certificate = try X509Certificate(pem: pem)

    let said = try OpenSSLTool.run("x509", "-in", file, "-noout", "-serial", "-fingerprint", "-sha256")
    #expect(said.lowercased().contains("serial=" + certificate.serialHex))
    #expect(said.lowercased().replacing(":", with: "").contains("fingerprint=" + certificate.sha256Hex))
    let sha1 = try OpenSSLTool.run("x509", "-in", file, "-noout", "-fingerprint", "-sha1")
    #expect(sha1.lowercased().replacing(":", with: "").contains("fingerprint=" + certificate.sha1Hex))
    #expect(certificate.dnsNames == ["a.example", "*.b.example"])
    #expect(certificate.ipAddresses == ["192.0.2.7", "2001:db8::7"])
    #expect(certificate.issuer == "CN=Test Intermediate")
    #expect(abs(certificate.notAfter.timeIntervalSince(certificate.notBefore) - 10 * 86_400) < 2)
    #expect(certificate.pem == pem.drop { $0 != "-" })
    #expect(try X509Certificate(der: certificate.der) == certificate)
  }

  @Test func aBundleIsReadInOrderAndAPrivateKeyInItIsPassedOver() throws {
    let authority = try TestAuthority()
    let leaf = try authority.issue(names: ["DNS:a.example"])
    let bundle = "a comment\n" + authority.leafKeyPEM + leaf + "\n" + authority.intermediatePEM

    let chain = try X509Certificate.chain(pem: bundle)

    #expect(chain.map(\.subject) == ["CN=a.example", "CN=Test Intermediate"])
    #expect(try X509Certificate.chain(pem: bundle.replacing("\n", with: "\r\n")) == chain)
    #expect(try X509Certificate.chain(pem: String(bundle.dropLast())) == chain)
    #expect(try X509Certificate.chain(pem: "nothing here") == [])
    #expect(try X509Certificate.chain(pem: "") == [])
  }

  @Test func aRuinedBundleIsNotAShorterOne() throws {
    let authority = try TestAuthority()
    let leaf = try authority.issue(names: ["DNS:a.example"])

    for ruined in [
      leaf + String(authority.intermediatePEM.dropLast(60)),
      leaf + authority.intermediatePEM.replacing("MII", with: "!!!"),
      leaf + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
      #expect { try X509Certificate.chain(pem: ruined) } throws: { error in
        if case .malformed = error as? PKIError { true } else { false }
      }
    }
    let der = try X509Certificate(pem: leaf).der
    for ruined in [[], [0x30], Array(der.dropLast()), der + [0]] {
      #expect { try X509Certificate(der: ruined) } throws: { error in
        if case .malformed = error as? PKIError { true } else { false }
      }
    }
  }

  @Test func aChainIsCompleteOnlyWithItsIntermediateRootNameAndTime() throws {
    let authority = try TestAuthority()
    let leaf = try X509Certificate(
      pem: try authority.issue(names: ["DNS:a.example", "DNS:*.b.example", "IP:192.0.2.7"]))
    let intermediate = try X509Certificate(pem: authority.intermediatePEM)
    let root = try X509Certificate(pem: authority.rootPEM)
    let now = Date()
    let bundle = TrustAnchors.bundle(path: authority.rootFile)

    func verdict(
      _ intermediates: [X509Certificate], _ trust: TrustAnchors, at instant: Date, _ name: String?
    ) throws -> ChainVerdict {
      try leaf.verdict(intermediates: intermediates, trust: trust, at: instant, serverName: name)
    }

    #expect(try verdict([intermediate], bundle, at: now, "a.example") == .complete)
    #expect(try verdict([intermediate], .certificates([root]), at: now, nil) == .complete)
    #expect(try verdict([intermediate, root], bundle, at: now, "x.b.example") == .complete)
    #expect(try verdict([intermediate], bundle, at: now, "192.0.2.7") == .complete)
    #expect(try verdict([intermediate], bundle, at: now, "192.0.2.8") == .refused(.wrongAddress, depth: 0))
    #expect(try verdict([intermediate], bundle, at: now, "c.example") == .refused(.wrongName, depth: 0))
    #expect(try verdict([intermediate], bundle, at: now, "x.y.b.example") == .refused(.wrongName, depth: 0))
    #expect(try verdict([intermediate], bundle, at: now, "") == .refused(.wrongName, depth: 0))
    #expect(try verdict([], bundle, at: now, nil) == .refused(.incomplete, depth: 0))
    #expect(try verdict([intermediate], .system, at: now, nil) == .refused(.incomplete, depth: 1))
    #expect(try verdict([intermediate, root], .system, at: now, nil) == .refused(.untrustedRoot, depth: 2))
    let after = now.addingTimeInterval(11 * 86_400)
    #expect(try verdict([intermediate], bundle, at: after, nil) == .refused(.expired, depth: 0))
    let before = now.addingTimeInterval(-86_400)
    guard case .refused(.notYetValid, _) = try verdict([intermediate], bundle, at: before, nil) else {
      Issue.record("a certificate from the future was believed")
      return
    }
    #expect(throws: PKIError.malformed("no roots in /nonexistent")) {
      try verdict([intermediate], .bundle(path: "/nonexistent"), at: now, nil)
    }
  }

  @Test func aChainIsOrderedOnlyWhenEachIsSignedByTheNext() throws {
    let authority = try TestAuthority()
    let leaf = try X509Certificate(pem: try authority.issue(names: ["DNS:a.example"]))
    let intermediate = try X509Certificate(pem: authority.intermediatePEM)
    let root = try X509Certificate(pem: authority.rootPEM)
    let twin = try X509Certificate(pem: try TestAuthority().intermediatePEM)

    #expect(try X509Certificate.isOrderedChain([leaf, intermediate, root]))
    #expect(try X509Certificate.isOrderedChain([leaf]))
    #expect(try !X509Certificate.isOrderedChain([]))
    #expect(try !X509Certificate.isOrderedChain([intermediate, leaf]))
    #expect(try !X509Certificate.isOrderedChain([leaf, root, intermediate]))
    #expect(try !X509Certificate.isOrderedChain([leaf, twin]), "same name, another key")
  }

  @Test func ruinedBytesAreRefusedOrReadButNeverCrash() throws {
    let authority = try TestAuthority()
    let pem = try authority.issue(names: ["DNS:a.example", "IP:192.0.2.7"])
    let certificate = try X509Certificate(pem: pem)
    let request = try CertificateRequest.make(names: ["a.example"], key: .generate(.ecdsaP256))
    var random = SeededGenerator(seed: 7)
    var refused = 0

    for _ in 0..<3_000 {
      let original = Bool.random(using: &random) ? certificate.der : request.der
      let der = ruin(original, using: &random)
      do throws(PKIError) {
        let read = try X509Certificate(der: der)
        _ = try read.verdict(intermediates: [read], trust: .certificates([read]), at: Date(), serverName: "a.example")
      } catch {
        refused += 1
      }
      do throws(PKIError) { _ = try CertificateRequest(der: der) } catch { refused += 1 }
      let text = String(decoding: ruin(Array(pem.utf8), using: &random), as: UTF8.self)
      do throws(PKIError) { _ = try X509Certificate.chain(pem: text) } catch { refused += 1 }
      do throws(PKIError) { _ = try SigningKey(pem: PKISecret(text)) } catch { refused += 1 }
    }

    #expect(refused > 6_000)
  }

  /// One to four bytes changed, cut out or doubled.
  private func ruin(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes.remove(at: at)
      case 1: bytes.insert(bytes[at], at: at)
      case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
      default: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    return bytes
  }
}

/// SplitMix64: the same run each time.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
