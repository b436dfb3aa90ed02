import Appliance
import Fleet
import Foundation
import Glibc
import SSH
import Testing

struct ChallengeTests {
  private let thumbprint = String(repeating: "t", count: 43)

  @Test(.enabled(if: Tool.areHere(.haproxy, .socat, .dash), "needs haproxy, socat, dash"))
  func thePrintedRuleAnswersOnlyForItsHostsAndTokens() async throws {
    let bench = try HAProxyBench()
    let hosts = "\(bench.node.root)/hosts"
    try bench.node.write("a.test\n", to: hosts)
    let rule = try #require(ChallengeRule.haproxyLines(pair: "p1", thumbprint: thumbprint, hostsFile: hosts))
    let site = "  http-request return status 200\n"
    let http = "\(bench.node.root)/run/http"
    try bench.node.write(
      bench.node.read(bench.configuration) + "frontend h\n  bind unix@\(http)\n\(rule)\(site)", to: bench.configuration)
    try bench.restart()
    func get(_ host: String, _ token: String) throws -> String {
      let request = "GET /.well-known/acme-challenge/\(token) HTTP/1.0\r\nHost: \(host)\r\n\r\n"
      return try Run.program(
        try #require(Tool.socat.path), ["-t5", "-", "UNIX-CONNECT:\(http)"], stdin: Array(request.utf8)
      ).text
    }
    let token = String(repeating: "k", count: 43)

    for host in ["a.test", "A.TEST", "a.test:80"] {
      let answer = try get(host, token)
      #expect(answer.hasSuffix("\r\n\r\n\(token).\(thumbprint)"), "\(answer)")
      #expect(answer.lowercased().contains("x-certfleet-pair: p1"))
    }
    for (host, token) in [
      ("b.test", token), ("a.test", "short"), ("a.test", token + "%3Cscript"), ("a.test", "x/" + token),
    ] {
      #expect(!(try get(host, token)).contains(thumbprint), "\(host) \(token)")
    }

    let names = ["b.test", "*.w.test", "C.test"] + (0..<200).map { "n\($0).test" }
    let script = HostsFile.script(names, path: hosts, on: bench.node.node, nonce: Nonce("h"))
    let told = try HostsFile.read(try await bench.node.run(script), of: script)

    #expect(told == HostsFile.Answer(names: 202, added: 202, reason: nil), "\(told)")
    #expect(try get("b.test", token).contains(thumbprint))
    #expect(try get("n199.test", token).contains(thumbprint))
    #expect(!(try get("a.test", token)).contains(thumbprint))
    #expect(try bench.node.read(hosts).split(separator: "\n").count == 202)
    let none = HostsFile.script([String](), path: hosts, on: bench.node.node, nonce: Nonce("i"))
    _ = try HostsFile.read(try await bench.node.run(none), of: none)
    #expect(!(try get("b.test", token)).contains(thumbprint))
  }

  @Test func aRuleIsRefusedWhereAValueCouldBreakTheConfiguration() {
    #expect(ChallengeRule.haproxyLines(pair: "p1", thumbprint: "short") == nil)
    #expect(ChallengeRule.haproxyLines(pair: "p 1", thumbprint: thumbprint) == nil)
    #expect(ChallengeRule.haproxyLines(pair: "p1", thumbprint: thumbprint, hostsFile: "/a b") == nil)
    #expect(ChallengeRule.haproxyLines(pair: "p1", thumbprint: thumbprint, hostsFile: "/a%[x]") == nil)
  }

  @Test func anOldHAProxyIsSentToTheTunnel() throws {
    let node = try TestNode()
    let old = SoftwareVersion(2, 1, 9)
    guard case .failure(let lack) = ChallengeRule.lines(for: node.node, haproxy: old, pair: "p", thumbprint: thumbprint)
    else {
      Issue.record("2.1 has no http-request return with lf-string")
      return
    }
    #expect(lack.remedy.contains("tunnel"))
    node.node.challenge = .tunnel(port: 8888)
    let lines = try ChallengeRule.lines(for: node.node, haproxy: old, pair: "p", thumbprint: thumbprint).get()
    #expect(lines.contains("server letsencrypt 127.0.0.1:8888"))
  }

  private func read(_ text: String, isEnd: Bool = false) -> ChallengeAnswer.Reading {
    ChallengeAnswer.read(Array(text.utf8), isEnd: isEnd, pair: "p1") { $0 == "token_-1" ? "token_-1.thumb" : nil }
  }

  @Test func aKnownTokenIsAnsweredWithThePairsName() throws {
    guard case .answer(let answer) = read("GET /.well-known/acme-challenge/token_-1 HTTP/1.1\r\nHost: a\r\n\r\n") else {
      Issue.record("no answer")
      return
    }
    let text = String(decoding: answer.response, as: UTF8.self)
    #expect(answer.token == "token_-1")
    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(text.hasSuffix("\r\n\r\ntoken_-1.thumb"))
    #expect(text.contains("X-Certfleet-Pair: p1\r\n"))
    #expect(text.contains("Content-Length: 14\r\n"))
  }

  @Test(arguments: [
    ("POST /.well-known/acme-challenge/token_-1 HTTP/1.1\r\n\r\n", "400"),
    ("GET /.well-known/acme-challenge/other HTTP/1.1\r\n\r\n", "404"),
    ("GET /.well-known/acme-challenge/token_-1?x HTTP/1.1\r\n\r\n", "404"),
    ("GET /.well-known/acme-challenge/../token_-1 HTTP/1.1\r\n\r\n", "404"),
    ("GET /.well-known/acme-challenge/ HTTP/1.1\r\n\r\n", "404"),
    ("GET / HTTP/1.1\n\n", "404"),
    ("GET /.well-known/acme-challenge/token_-1\r\n\r\n", "400"),
    ("GET  /.well-known/acme-challenge/token_-1 HTTP/1.1\r\n\r\n", "400"),
    ("\u{16}\u{3}\u{1}\r\n\r\n", "400"),
    (String(repeating: "a", count: 9_000), "431"),
  ])
  func everythingElseIsRefused(_ request: String, _ status: String) {
    guard case .answer(let answer) = read(request) else {
      Issue.record("no answer")
      return
    }
    #expect(answer.token == nil)
    #expect(String(decoding: answer.response, as: UTF8.self).hasPrefix("HTTP/1.1 \(status) "))
  }

  @Test func aHalfRequestWaitsForTheRestUntilTheEnd() {
    #expect(read("GET /.well-known/acme-challenge/token_-1 HTTP/1.1\r\n") == .more)
    guard case .answer(let answer) = read("GET /", isEnd: true) else {
      Issue.record("no answer at the end of the stream")
      return
    }
    #expect(answer.token == nil)
  }

  @Test func whereATunnelIsBoundIsReadFromEveryTool() throws {
    let node = try TestNode()
    let script = TunnelCheck.script(port: 8888, on: node.node, nonce: Nonce("t"))
    func binding(_ source: String, _ listeners: [String]) throws -> TunnelCheck.Binding {
      let lines = ["begin", "source \(source)"] + listeners.map { "listen \($0)" }
      let text = (lines + ["end \(lines.count)"]).map { "@cf t \($0)\n" }.joined()
      return try TunnelCheck.read(CommandResult(status: 0, stdout: Array(text.utf8)), of: script)
    }

    #expect(try binding("proc", ["0100007F", "00000000000000000000000001000000"]) == .loopback)
    #expect(try binding("proc", ["00000000"]) == .exposed(["0.0.0.0"]))
    #expect(try binding("proc", ["00000000000000000000000000000000"]) == .exposed(["::"]))
    #expect(try binding("proc", ["0000000000000000FFFF00000100007F"]) == .loopback)
    #expect(try binding("ss", ["127.0.0.1:8888", "[::1]:8888"]) == .loopback)
    #expect(try binding("ss", ["127.0.0.1:8888", "*:8888"]) == .exposed(["*"]))
    #expect(try binding("netstat", ["127.0.0.1.8888"]) == .loopback)
    #expect(try binding("ss", []) == .absent)
    #expect(throws: Failure.self) { try binding("none", []) }
  }

  @Test(.enabled(if: Tool.areHere(.dash), "needs dash"))
  func aRealListenerIsFoundWhereItIsBound() async throws {
    let node = try TestNode()
    let listener = try Listener(address: "127.0.0.9")
    let found = TunnelCheck.script(port: listener.port, on: node.node, nonce: Nonce("t"))
    #expect(try TunnelCheck.read(try await node.run(found), of: found) == .loopback)
    let script = TunnelCheck.script(port: 1, on: node.node, nonce: Nonce("t"))
    #expect(try TunnelCheck.read(try await node.run(script), of: script) == .absent)
  }
}

/// A socket that listens for as long as it lives.
final class Listener {
  let port: UInt16
  private let descriptor: Int32

  init(address text: String) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr(text)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let listens = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    try #require(listens)
  }

  deinit { close(descriptor) }
}
