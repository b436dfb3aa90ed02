import Foundation
import PKI
import Testing

@Suite struct CertificateRequestTests {
  @Test(arguments: [KeyKind.ecdsaP256, .ecdsaP384, .rsa(bits: 2_048)])
  func aRequestIsVerifiedByOpenSSLAndNamesWhatWasAsked(kind: KeyKind) throws {
    let key = try SigningKey.generate(kind)
    let names = ["*.example.com", "example.com", "192.0.2.1", "2001:db8::1"]

    let request = try CertificateRequest.make(names: names, key: key)

    let text = try OpenSSLTool.run("req", "-noout", "-text", "-verify", input: request.pem)
    #expect(text.contains("DNS:*.example.com, DNS:example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1"))
    #expect(request.dnsNames == ["*.example.com", "example.com"])
    #expect(request.ipAddresses == ["192.0.2.1", "2001:db8::1"])
    #expect(request.commonNames == [])
    #expect(request.publicKeySHA256 == key.publicKeySHA256)
    #expect(request.signatureIsValid)
    #expect(try CertificateRequest(der: request.der) == request)
    #expect(try CertificateRequest(pem: request.pem) == request)
  }

  @Test func aRequestMadeByOpenSSLIsRead() throws {
    let pem = try OpenSSLTool.run(
      "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj",
      "/CN=a.example", "-addext", "subjectAltName=DNS:a.example,DNS:b.example")

    let request = try CertificateRequest(pem: pem)

    #expect(request.dnsNames == ["a.example", "b.example"])
    #expect(request.commonNames == ["a.example"])
    #expect(request.signatureIsValid)
  }

  @Test func aNameCannotSmuggleAnother() throws {
    let key = try SigningKey.generate(.ecdsaP256)

    let request = try CertificateRequest.make(names: ["a.example,DNS:evil.example"], key: key)

    #expect(request.dnsNames == ["a.example,DNS:evil.example"])
    for name in ["", "a b.example", "a\u{0}.example", "bücher.example", "a\n.example"] {
      #expect(throws: PKIError.unusableName(name)) { try CertificateRequest.make(names: [name], key: key) }
    }
    #expect(throws: PKIError.self) { try CertificateRequest.make(names: [], key: key) }
  }

  @Test func aRequestThatWasTamperedWithIsSeen() throws {
    let key = try SigningKey.generate(.ecdsaP256)
    var der = try CertificateRequest.make(names: ["a.example"], key: key).der
    let name = Array("a.example".utf8)
    let at = try #require((0..<der.count - name.count).first { Array(der[$0..<$0 + name.count]) == name })

    der[at] = UInt8(ascii: "b")

    let request = try CertificateRequest(der: der)
    #expect(request.dnsNames == ["b.example"])
    #expect(!request.signatureIsValid)
  }

  @Test func aHundredNamesFitInOneRequest() throws {
    let names = (0..<100).map { "name-\($0).example.com" }

    let request = try CertificateRequest.make(names: names, key: try .generate(.ecdsaP256))

    #expect(request.dnsNames == names)
  }

  @Test(arguments: [[], [0x30, 0x00], [0x30, 0x80, 0, 0]] as [[UInt8]])
  func whatIsNoRequestIsRefused(der: [UInt8]) {
    #expect { try CertificateRequest(der: der) } throws: { error in
      if case .malformed = error as? PKIError { true } else { false }
    }
  }
}
