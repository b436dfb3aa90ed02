import Net
import Testing

/// G16: whose word a no is. Real name servers on loopback, each zone with its own.
@Suite(.enabled(if: Peer.isUsable, "needs python3"), .timeLimit(.minutes(2)))
struct ZoneServersTests {
  let peer: Peer
  let zones: ZoneServers

  init() async throws {
    peer = try await Peer.start("zone_peer.py")
    zones = ZoneServers(
      panel: ResolverPanel(servers: ["127.0.0.1:\(peer.port)"], timeout: .milliseconds(500), tries: 2),
      port: peer.port, timeout: .milliseconds(300))
  }

  private func statements(_ name: String, _ types: [RecordType] = [.a, .aaaa]) async throws -> [ZoneServers.Statement] {
    guard case .told(let statements) = await zones.ask(name, types) else {
      Issue.record("\(name) is unclear")
      return []
    }
    return statements
  }

  @Test func everyServerOfTheZoneDeniesWithAuthority() async throws {
    let told = try await statements("gone.good.test")

    #expect(told.map(\.server) == ["ns1.good.test", "ns2.good.test"])
    #expect(told.allSatisfy { $0.replies.count == 2 && $0.replies.allSatisfy(\.isOwnDenial) })
  }

  @Test func aNameWithoutRecordsIsDeniedAsWell() async throws {
    #expect(try await statements("empty.good.test").allSatisfy { $0.replies.allSatisfy(\.isOwnDenial) })
  }

  @Test(arguments: ["alias.good.test", "far.good.test"])
  func behindAliasesTheLastZoneIsAsked(name: String) async throws {
    let told = try await statements(name)

    #expect(told.map(\.server) == ["ns.other.test"])
    #expect(told.first?.name == "gone.other.test")
    #expect(told.allSatisfy { $0.replies.allSatisfy(\.isOwnDenial) })
  }

  @Test func aServerThatHasTheNameIsHeard() async throws {
    let told = try await statements("gone.split.test")

    #expect(told.count == 2)
    #expect(told.contains { $0.replies.contains { !$0.isOwnDenial } })
  }

  @Test func recordsComeWithTheirAuthority() async throws {
    let replies = try await statements("caa.good.test", [.caa]).flatMap(\.replies)

    #expect(!replies.isEmpty)
    #expect(
      replies.allSatisfy { reply in
        reply.isAuthoritative && reply.answer == .records([.caa(critical: false, tag: "issue", value: "ca.example")])
      })
  }

  @Test(arguments: ["gone.lame.test", "gone.silent.test", "gone.refused.test", "gone.homeless.test", "loop.good.test"])
  func aLameSilentUnwillingOrLostServerLeavesItUnclear(name: String) async {
    if case .told(let statements) = await zones.ask(name, [.a, .aaaa]) {
      Issue.record("\(name): \(statements)")
    }
  }

  @Test func aChosenResolverThatHoldsTheZoneSpeaksForIt() async throws {
    let panel = ResolverPanel(servers: ["127.0.0.9:\(peer.port)"], timeout: .milliseconds(500), tries: 2)

    // No server listens at the other port: the resolver's own word is all there is.
    guard case .told(let told) = await ZoneServers(panel: panel, port: 1).ask("gone.good.test", [.a, .aaaa]) else {
      Issue.record("unclear")
      return
    }

    #expect(told.map(\.server) == ["127.0.0.9:\(peer.port)"])
    #expect(told.allSatisfy { $0.replies.allSatisfy(\.isOwnDenial) })
  }

  @Test func aResolversOwnNoHasNoAuthority() async {
    let reply = await Resolver(servers: ["127.0.0.1:\(peer.port)"]).ask("gone.good.test", .a)

    #expect(reply.answer == .noSuchName)
    #expect(!reply.isOwnDenial)
  }
}
