import Foundation
import Net
import Testing

@Suite(.enabled(if: Peer.isUsable, "needs python3 and openssl"), .timeLimit(.minutes(2)))
struct CertificateProbeTests {
  let authority: TestAuthority
  let peer: Peer
  let loop = CurlLoop()
  let probe: CertificateProbe
  let client: HTTPClient

  init() async throws {
    authority = try await .shared()
    let (first, second) = (authority.first, authority.second)
    peer = try await Peer.start(
      "http_peer.py", ["--tls", first.chain, first.key, "zwei.example=\(second.chain),\(second.key)"])
    probe = CertificateProbe(loop: loop)
    client = HTTPClient(loop: loop)
  }

  struct Counts: Decodable {
    var connections: Int
    var resumed: Int
    var handshakes: Int
    var names: [String?]
  }

  private func counts() async throws -> Counts {
    let response = try await client.send(
      HTTPRequest(url: peer.url("/counts", scheme: "https"), trust: .bundle(authority.rootPath)))
    return try JSONDecoder().decode(Counts.self, from: Data(response.body))
  }

  private func look(_ name: String, at port: UInt16? = nil, deadline: Duration = .seconds(10)) async throws(NetError)
    -> ServedCertificate
  {
    try await probe.chain(servedAt: "127.0.0.1", port: port ?? peer.port, serverName: name, deadline: deadline)
  }

  private func normalized(_ chain: [String]) -> [String] {
    chain.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
  }

  @Test func theNameChoosesTheLeafAndTheChainIsAsServed() async throws {
    let one = try await look("eins.example")
    let two = try await look("zwei.example")

    #expect(normalized(one.chainPEM) == (try TestAuthority.blocks(authority.first.chain)))
    #expect(normalized(two.chainPEM) == (try TestAuthority.blocks(authority.second.chain)))
    #expect(one.remoteAddress == "127.0.0.1")
    #expect(try await counts().names.prefix(2) == ["eins.example", "zwei.example"])
  }

  @Test func everyLookIsAHandshakeOfItsOwn() async throws {
    for _ in 0..<10 { _ = try await look("zwei.example") }

    let counts = try await counts()

    #expect(counts.handshakes == 11)
    #expect(counts.resumed == 0)
  }

  @Test func aLookDoesNotUseTheConnectionOfARequest() async throws {
    _ = try await counts()

    _ = try await probe.chain(servedAt: "127.0.0.1", port: peer.port, serverName: "127.0.0.1", deadline: .seconds(5))

    let counts = try await counts()
    #expect(counts.connections == 2)
    #expect(counts.resumed == 0)
  }

  @Test func hundredsOfLooksAtOnce() async throws {
    let leaf = try TestAuthority.blocks(authority.second.chain)[0]

    let served = try await withThrowingTaskGroup { group in
      for _ in 0..<300 {
        group.addTask { [probe, port = peer.port] in
          try await probe.chain(
            servedAt: "127.0.0.1", port: port, serverName: "zwei.example", deadline: .seconds(60)
          ).chainPEM.first ?? ""
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }

    #expect(served.count == 300)
    #expect(Set(normalized(served)) == [leaf])
    #expect(try await counts().resumed == 0)
  }

  @Test(arguments: ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"])
  func anOldProtocolIsStillSeen(version: String) async throws {
    let old = try await Peer.start("openssl_peer.py", [authority.first.chain, authority.first.key, version])

    let served = try await look("eins.example", at: old.port)

    #expect(normalized(served.chainPEM) == Array(try TestAuthority.blocks(authority.first.chain).prefix(1)))
  }

  @Test func aPortThatSpeaksNoTLSIsNamed() async throws {
    let plain = try await Peer.start("http_peer.py")

    await #expect { try await look("eins.example", at: plain.port, deadline: .seconds(2)) } throws: { error in
      switch (error as? NetError)?.kind {
      case .tls, .timedOut, .connectionLost: true
      default: false
      }
    }
  }

  @Test func aPortWhereNobodyListensRefuses() async throws {
    peer.end()

    await #expect { try await look("eins.example") } throws: { ($0 as? NetError)?.kind == .connectionRefused }
  }

  @Test func aServerThatNeverAnswersMeetsTheDeadline() async throws {
    let silent = try await Peer.start("openssl_peer.py", ["--silent"])

    let start = ContinuousClock.now
    await #expect { try await look("eins.example", at: silent.port, deadline: .milliseconds(300)) } throws: {
      ($0 as? NetError)?.kind == .timedOut
    }

    #expect(ContinuousClock.now - start < Peer.soon)
  }

  @Test(arguments: ["eins.example/x", "a b", "a\r\nb", "", "user@eins.example", "*.example"])
  func aNameThatIsNoHostIsRefused(name: String) async throws {
    await #expect { try await look(name) } throws: { ($0 as? NetError)?.kind == .badURL }
  }

  @Test func aRequestTrustsOnlyWhomItIsToldTo() async throws {
    let url = peer.url("/counts", scheme: "https")

    let trusted = try await client.send(HTTPRequest(url: url, trust: .bundle(authority.rootPath)))
    let unverified = try await client.send(HTTPRequest(url: url, trust: .unverified))

    #expect(trusted.status == 200)
    #expect(unverified.status == 200)
    await #expect { try await client.send(HTTPRequest(url: url)) } throws: { isTLS($0) }
    await #expect { try await client.send(HTTPRequest(url: url, trust: .bundle("/nonexistent.pem"))) } throws: {
      isTLS($0)
    }
  }

  @Test func aCertificateForAnotherNameIsNotTrusted() async throws {
    let request = HTTPRequest(
      url: "https://drei.example/counts", connectTo: ("127.0.0.1", peer.port), trust: .bundle(authority.rootPath))

    await #expect { try await client.send(request) } throws: { isTLS($0) }
  }

  @Test func aConnectionMadeWithoutTrustIsNotUsedWithTrust() async throws {
    let url = peer.url("/counts", scheme: "https")
    _ = try await client.send(HTTPRequest(url: url, trust: .unverified))

    await #expect { try await client.send(HTTPRequest(url: url)) } throws: { isTLS($0) }
  }

  private func isTLS(_ error: any Error) -> Bool {
    if case .tls = (error as? NetError)?.kind { true } else { false }
  }
}
