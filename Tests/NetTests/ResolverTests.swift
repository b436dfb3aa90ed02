import Foundation
import Net
import Testing

@Suite(.enabled(if: Peer.isUsable, "needs python3"), .timeLimit(.minutes(2)))
struct ResolverTests {
  let peer: Peer
  let resolver: Resolver

  init() async throws {
    peer = try await Peer.start("dns_peer.py")
    resolver = Resolver(servers: ["127.0.0.1:\(peer.port)"], timeout: .milliseconds(500), tries: 2)
  }

  @Test(arguments: [
    (RecordType.a, [DNSRecord.address("192.0.2.1"), .address("192.0.2.2")]),
    (.aaaa, [.address("2001:db8::1")]),
    (.cname, [.alias("ziel.test")]),
    (.ns, [.nameServer("ns1.test"), .nameServer("ns2.test")]),
    (.mx, [.mailExchanger(preference: 10, host: "mx1.test"), .mailExchanger(preference: 20, host: "mx2.test")]),
    (.txt, [.text("v=spf1 -all"), .text("grüße")]),
    (
      .caa,
      [
        .caa(critical: false, tag: "issue", value: "letsencrypt.org; validationmethods=http-01"),
        .caa(critical: true, tag: "issuewild", value: ";"),
        .caa(critical: false, tag: "iodef", value: "mailto:a@b.example"),
      ]
    ),
  ])
  func everyTypeIsRead(type: RecordType, records: [DNSRecord]) async {
    #expect(await resolver.lookup("kunde.test", type) == .records(records))
  }

  @Test(arguments: [
    ("nxdomain.test", DNSAnswer.noSuchName), ("servfail.test", .serverFailure), ("refused.test", .refused),
    ("notimp.test", .serverFailure), ("formerr.test", .serverFailure), ("nodata.test", .noData),
    ("silent.test", .timedOut), ("broken.test", .malformed), ("loop.test", .malformed),
    // An answer to a question that nobody asked is not believed.
    ("forged.test", .timedOut),
  ])
  func whatAServerMeansIsToldApart(name: String, answer: DNSAnswer) async {
    for type in [RecordType.a, .caa] where !(type == .caa && name == "forged.test") {
      #expect(await resolver.lookup(name, type) == answer)
    }
  }

  @Test func anAliasIsFollowedToTheAddress() async {
    #expect(await resolver.lookup("alias.test", .a) == .records([.address("192.0.2.10")]))
  }

  @Test func anAliasThatLeadsNowhereHasNoData() async {
    #expect(await resolver.lookup("nowhere.test", .a) == .noData)
    #expect(await resolver.lookup("nowhere.test", .caa) != .malformed)
  }

  @Test func fortyAddressesAreFortyRecords() async {
    guard case .records(let records) = await resolver.lookup("many.test", .a) else {
      Issue.record("no records")
      return
    }
    #expect(records.count == 40)
  }

  @Test func aTruncatedAnswerComesByTCP() async {
    guard case .records(let records) = await resolver.lookup("long.test", .txt) else {
      Issue.record("no records")
      return
    }
    #expect(records.count == 6)
    #expect(records.contains(.text(String(repeating: "f", count: 1020))))
    #expect(await counts().contains("tcp=1"))
  }

  @Test func aServerWithoutEDNSIsAskedWithoutIt() async {
    #expect(await resolver.lookup("noedns.test", .aaaa) == .records([.address("2001:db8::1")]))
  }

  @Test func aLostAnswerIsAskedForAgain() async {
    #expect(await resolver.lookup("second.test", .aaaa) == .records([.address("2001:db8::1")]))
  }

  @Test func aServerThatIsNotThereIsSaidSo() async {
    peer.end()

    #expect(await resolver.lookup("kunde.test", .a) == .noServer)
  }

  @Test func theNextServerIsAskedWhenOneIsGone() async throws {
    let gone = try await Peer.start("dns_peer.py")
    gone.end()
    let both = Resolver(
      servers: ["127.0.0.1:\(gone.port)", "127.0.0.1:\(peer.port)"], timeout: .milliseconds(500), tries: 2)

    #expect(await both.lookup("kunde.test", .aaaa) == .records([.address("2001:db8::1")]))
  }

  @Test(arguments: [["nonsense"], ["127.0.0.1:x"], ["ns.example:53"]])
  func aServerThatIsNoAddressIsNoServer(servers: [String]) async {
    #expect(await Resolver(servers: servers).lookup("kunde.test", .a) == .noServer)
  }

  @Test(arguments: [
    String(repeating: "a", count: 64) + ".test", "a..test", String(repeating: "abcdefg.", count: 40) + "test",
    "a\0.test",
  ])
  func aNameThatIsNoneIsMalformed(name: String) async {
    #expect(await resolver.lookup(name, .a) == .malformed)
  }

  @Test func thousandsAreAskedAtOnce() async {
    let start = ContinuousClock.now

    let answers = await withTaskGroup(of: DNSAnswer.self) { group in
      for number in 0..<5000 {
        group.addTask { [resolver] in await resolver.lookup("n\(number).test", .aaaa) }
      }
      return await group.reduce(into: [DNSAnswer]()) { $0.append($1) }
    }

    #expect(answers.count == 5000)
    #expect(answers.allSatisfy { $0 == .records([.address("2001:db8::1")]) })
    // The aim is 1 s: five times that leaves room for a busy machine.
    #expect(ContinuousClock.now - start < Peer.soon)
  }

  @Test func thousandsOfQuestionsToASilentServerAreAllAnswered() async {
    let hurried = Resolver(servers: ["127.0.0.1:\(peer.port)"], timeout: .milliseconds(50), tries: 1)

    let answers = await withTaskGroup(of: DNSAnswer.self) { group in
      for _ in 0..<2000 { group.addTask { await hurried.lookup("silent.test", .a) } }
      return await group.reduce(into: [DNSAnswer]()) { $0.append($1) }
    }

    #expect(answers == Array(repeating: .timedOut, count: 2000))
  }

  @Test func aCancelledTaskGetsItsAnswerAtOnce() async {
    let patient = Resolver(servers: ["127.0.0.1:\(peer.port)"], timeout: .seconds(30), tries: 1)
    let task = Task { await patient.lookup("silent.test", .a) }

    let start = ContinuousClock.now
    task.cancel()

    #expect(await task.value == .timedOut)
    #expect(ContinuousClock.now - start < Peer.soon)
  }

  private func counts() async -> String {
    guard case .records(let records) = await resolver.lookup("counts.test", .txt), case .text(let text) = records.first
    else { return "" }
    return text
  }
}
