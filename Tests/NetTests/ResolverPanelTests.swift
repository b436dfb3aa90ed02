import Foundation
import Net
import Testing

@Suite(.enabled(if: Peer.isUsable, "needs python3"), .timeLimit(.minutes(2)))
struct ResolverPanelTests {
  @Test func eachResolverIsAskedByItselfAndNamed() async throws {
    let here = try await Peer.start("dns_peer.py")
    let gone = try await Peer.start("dns_peer.py")
    gone.end()
    let servers = ["127.0.0.1:\(gone.port)", "127.0.0.1:\(here.port)"]
    let panel = ResolverPanel(servers: servers, timeout: .milliseconds(500), tries: 2)

    let opinions = await panel.lookup("kunde.test", .aaaa)

    #expect(opinions.map(\.resolver) == servers)
    #expect(opinions.map(\.answer) == [.noServer, .records([.address("2001:db8::1")])])
  }

  @Test func aServfailIsAskedForOnceMore() async throws {
    let peer = try await Peer.start("dns_peer.py")
    let panel = ResolverPanel(servers: ["127.0.0.1:\(peer.port)"], timeout: .milliseconds(500), tries: 2)

    #expect(await panel.lookup("hiccup.test", .aaaa).map(\.answer) == [.records([.address("2001:db8::1")])])
    #expect(await panel.lookup("servfail.test", .a).map(\.answer) == [.serverFailure])
  }

  @Test func aResolverThatNeverAnswersIsNotAskedTenThousandTimes() async throws {
    let peer = try await Peer.start("dns_peer.py")
    let server = "127.0.0.1:\(peer.port)"
    let panel = ResolverPanel(servers: [server], timeout: .milliseconds(20), tries: 1)

    for _ in 0..<200 { #expect(await panel.lookup("silent.test", .a).map(\.answer) == [.timedOut]) }

    let asked = await Resolver(servers: [server]).lookup("counts.test", .txt)
    guard case .records(let records) = asked, case .text(let text) = records.first,
      let range = text.firstRange(of: /udp=(\d+)/), let count = Int(text[range].dropFirst(4))
    else {
      Issue.record("\(asked)")
      return
    }
    #expect(count < 40)
  }

  @Test func recordsOfAnAliasAreThoseOfItsTarget() async throws {
    let peer = try await Peer.start("dns_peer.py")
    let panel = ResolverPanel(servers: ["127.0.0.1:\(peer.port)"], timeout: .milliseconds(500), tries: 2)

    let answer = await panel.lookup("caaalias.test", .caa).first?.answer

    #expect(answer == .records([.caa(critical: true, tag: "issue", value: "ca.example")]))
  }
}
