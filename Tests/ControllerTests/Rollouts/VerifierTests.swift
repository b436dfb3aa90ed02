import Fleet
import Foundation
import Net
import PKI
import Testing

@testable import Controller

/// What is served decides: the leaf, its whole chain, or nobody there.
@Suite struct VerifierTests {
  private let folder: ScratchFolder
  private let spec: CertificateSpec
  private let loop = CurlLoop()
  private var verifier: Verifier { Verifier(probe: CertificateProbe(loop: loop), clock: SystemClock()) }

  init() throws {
    folder = try ScratchFolder()
    let names = try #require(NameSet(["one.example"]))
    spec = CertificateSpec(
      id: SpecID("p/one"), pair: PairID("p"), vip: VIPID("v"), customer: nil, label: "one", names: names,
      key: .ecdsaP256, profile: nil, registeredDomains: ["one.example"], source: nil)
    try folder.openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10", "-subj",
      "/CN=root of a test", "-keyout", "root.key", "-out", "root.pem")
    for name in ["new", "old"] {
      try folder.openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=one.example",
        "-keyout", "\(name).key", "-out", "\(name).csr")
      try folder.openssl(
        "x509", "-req", "-in", "\(name).csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "5",
        "-out", "\(name).pem")
    }
  }

  private func pem(_ name: String) throws -> String {
    try String(contentsOfFile: folder.path + "/\(name).pem", encoding: .utf8)
  }

  /// The certificate as issued: the new leaf with its root behind it.
  private func issued() throws -> CertificateState {
    let chain = [try pem("new"), try pem("root")]
    let leaf = try X509Certificate(pem: chain[0])
    return CertificateState(
      spec: spec,
      issued: IssuedCertificate(
        attempt: AttemptID("a"), sha256: leaf.sha256Hex, serial: leaf.serialHex, notBefore: leaf.notBefore,
        notAfter: leaf.notAfter, issuer: "root", chain: chain, publicKeySHA256: hex(leaf.publicKeySHA256)))
  }

  private func server(_ name: String, withChain: Bool = true) throws -> TLSServer {
    try TLSServer(
      certificate: folder.path + "/\(name).pem", key: folder.path + "/\(name).key",
      chain: withChain ? folder.path + "/root.pem" : nil)
  }

  @Test func theIssuedLeafWithItsWholeChainIsTheSame() async throws {
    let server = try server("new")

    let sights = await verifier.look(at: "127.0.0.1", port: server.port, for: [try issued()], patience: 0)

    #expect(sights[spec.id] == .same)
  }

  @Test func anotherLeafIsToldByItsSerial() async throws {
    let server = try server("old")
    let serial = try X509Certificate(pem: try pem("old")).serialHex

    let sights = await verifier.look(at: "127.0.0.1", port: server.port, for: [try issued()], patience: 0)

    guard case .other(let words) = sights[spec.id] else {
      Issue.record("\(String(describing: sights))")
      return
    }
    #expect(words.contains(serial))
  }

  @Test func theRightLeafWithoutItsChainIsNotEnough() async throws {
    let server = try server("new", withChain: false)

    let sights = await verifier.look(at: "127.0.0.1", port: server.port, for: [try issued()], patience: 0)

    #expect(
      sights[spec.id] == .other("127.0.0.1:\(server.port) shows the new leaf with 1 of 2 certificates of its chain"))
  }

  @Test func aLeafAloneMayBeLookedForWhereItsChainIsNotKnown() async throws {
    let server = try server("old", withChain: false)
    let wanted = Verifier.Wanted(spec, leaf: try X509Certificate(pem: try pem("old")).sha256Hex)

    let sights = await verifier.look(at: "127.0.0.1", port: server.port, for: [wanted], patience: 0)
    let leaves = await verifier.leaves(at: "127.0.0.1", port: server.port, for: [wanted])

    #expect(sights[spec.id] == .same)
    #expect(try leaves[spec.id]?.get().sha256Hex == wanted.sha256)
  }

  @Test func nobodyThereIsSilence() async throws {
    // Port 1 of the loopback: nobody listens there.
    let sights = await verifier.look(at: "127.0.0.1", port: 1, for: [try issued()], patience: 0)

    guard case .silent = sights[spec.id] else {
      Issue.record("\(String(describing: sights))")
      return
    }
  }

  @Test func aWildcardIsLookedAtByANameBelowIt() throws {
    var wild = spec
    wild.names = try #require(NameSet(["*.one.example"]))

    #expect(Verifier.Wanted(wild, leaf: "").serverName == "certfleet.one.example")
  }

  // B10: an old certificate of the other kind of key for the same name stays in use beside ours, and is named.
  @Test func aCompanionOfTheOtherKindOfKeyIsNamed() async throws {
    try folder.openssl(
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj", "/CN=left over", "-addext",
      "subjectAltName=DNS:one.example", "-keyout", "rsa.key", "-out", "rsa.pem")
    let (alone, both) = (
      try server("new"),
      try TLSServer(
        certificate: folder.path + "/new.pem", key: folder.path + "/new.key", companion: folder.path + "/rsa")
    )
    let certificate = try issued()

    let none = await verifier.companions(of: [certificate], at: "127.0.0.1", port: alone.port)
    let found = await verifier.companions(of: [certificate], at: "127.0.0.1", port: both.port)

    #expect(none.isEmpty)
    #expect(found[spec.id]?.contains("RSA keys alone are still shown serial") == true, "\(found)")
    #expect(found[spec.id]?.contains("left over") == true)
    withExtendedLifetime((alone, both)) {}
  }

  // B11: “still serves the old certificate” of a VIP that did not answer.
  @Test func aSilentVIPIsNotSaidToServeTheOldCertificate() throws {
    let vip = VIP(id: VIPID("v"), address: "192.0.2.1")

    #expect(VIPProof.failure(.silent("timed out"), try issued(), vip).kind == .notSeen)
    #expect(VIPProof.failure(.other("serial 01"), try issued(), vip).kind == .servesOldCertificate)
  }

  // E1: a look that we end ourselves is no verdict: not "silent", not "another certificate".
  @Test func aLookThatWeEndedIsNoVerdict() async throws {
    let server = try server("old")
    let certificate = try issued()
    let verifier = verifier
    let looking = Task {  // a task to be cancelled is what is tested
      while !Task.isCancelled { await Task.yield() }
      return await verifier.look(at: "127.0.0.1", port: server.port, for: [certificate], patience: 5)
    }
    looking.cancel()

    let sights = await looking.value

    #expect(sights == [spec.id: .cut])
    let vip = VIP(id: VIPID("v"), address: "127.0.0.1")
    #expect(VIPProof.failure(.cut, certificate, vip).kind == .interrupted)
    let place = ProbeAddress(address: "127.0.0.1", port: 443)
    #expect(WireLook.unseen(NetError(.cancelled, "cancelled"), at: place) == .notAsked)
  }
}
