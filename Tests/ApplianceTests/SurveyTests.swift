import Appliance
import Fleet
import Foundation
import SSH
import Testing

/// What a survey's answer comes to, and what `enroll` says is missing.
struct SurveyTests {
  private let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func node(_ terminations: [Termination]) -> Node {
    Node(
      id: "n1", address: "192.0.2.1", ssh: SSHSettings(user: "root"), active: .always, challenge: .usualThumbprint,
      terminations: terminations)
  }

  private func read(_ records: [String], _ node: Node) throws(Failure) -> NodeFacts {
    let lines = ["begin"] + records + ["end \(records.count + 1)"]
    let script = Survey.script(for: node, nonce: Nonce("s"))
    let result = CommandResult(status: 0, stdout: Array(lines.map { "@cf s \($0)\n" }.joined().utf8))
    return try Survey.read(result, of: script, for: node, sentAt: now, receivedAt: now.addingTimeInterval(2))
  }

  private let haproxy = Termination.haproxy(HAProxyTermination(certificates: "/etc/haproxy/certs"))

  @Test func aHealthyNodeLacksNothing() throws {
    let node = node([haproxy])
    let facts = try read(
      [
        "system Linux 6.1", "release Debian 12", "shell dash", "login root", "openssl OpenSSL 3.0.9 30 May 2023",
        "client socat", "clock 1800000001", "work yes", "free 900000", "haproxy HAProxy version 2.6.12-1+deb12u4 2023",
        "term 0 yes pass works 2.6.12 ",
      ], node)

    #expect(facts.haproxy == SoftwareVersion(in: "2.6.12-1+deb12u4"))
    #expect(facts.clockSkew == 0)
    #expect(facts.hotUpdate == .replaceAndAdd)
    #expect(Survey.missing(facts, on: node).isEmpty)
    let back = try JSONDecoder().decode(NodeFacts.self, from: JSONEncoder().encode(facts))
    #expect(back == facts)
  }

  @Test(arguments: [
    ("1.8.30", HotUpdate.none), ("2.0.0", .none), ("2.1.0", .replace), ("2.2.0", .replaceAndAdd),
    ("3.4", .replaceAndAdd),
  ])
  func whatCanBeDoneHotDependsOnTheVersion(_ version: String, _ hot: HotUpdate) {
    var facts = NodeFacts(socketClient: .perl, surveyedAt: now)
    facts.haproxy = SoftwareVersion(in: "HA-Proxy version \(version)")
    #expect(facts.hotUpdate == hot)
    facts.socketClient = .none
    #expect(facts.hotUpdate == .none)
  }

  @Test func whatIsFatalComesFirstAndEverythingHasARemedy() throws {
    let node = node([haproxy])
    let facts = try read(
      [
        "system Linux 2.6.32", "login certfleet", "openssl OpenSSL 0.9.8e", "client none", "clock 1799990000",
        "work no",
        "free 100", "haproxy HA-Proxy version 1.8.30 2021/04/12", "term 0 no fail silent - unable to load x.pem",
      ], node)

    let lacks = Survey.missing(facts, on: node)

    #expect(lacks.allSatisfy { !$0.remedy.isEmpty })
    #expect(lacks.first?.isFatal == true)
    #expect(lacks.map(\.isFatal) == lacks.map(\.isFatal).sorted { $0 && !$1 })
    for word in ["1.0.1", "cannot be written", "KiB free", "clock", "cannot restart", "nothing can talk", "setfacl"] {
      #expect(lacks.contains { ($0.what + $0.remedy).contains(word) }, "\(word): \(lacks)")
    }
  }

  @Test func aRefusedSudoIsALoginProblem() {
    let node = node([haproxy])
    let script = Survey.script(for: node, nonce: Nonce("s"))
    let result = CommandResult(status: 1, stdout: [], stderr: Array("sudo: a password is required\n".utf8))

    let failure = #expect(throws: Failure.self) {
      try Survey.read(result, of: script, for: node, sentAt: now, receivedAt: now)
    }
    #expect(failure?.kind == .loginRefused)
  }

  @Test func anAnswerForFewerTerminationsIsNotBelieved() {
    #expect(throws: Failure.self) { try read(["client socat"], node([haproxy])) }
  }

  @Test(arguments: ["plain", "it's", "a b;c$(id)`id`\"\n\\", "ünï", "-rf", ""])
  func everyTextIsOneWordOfAShell(_ text: String) throws {
    let dash = try #require(Tool.dash.path)
    let finished = try Run.program(dash, ["-s"], stdin: Array("printf %s \(ShellWord(text).quoted)".utf8))
    #expect(finished.text == text)
  }

  @Test func aHAProxyWordCannotEndACommand() {
    for text in ["", "a b", "a;b", "a\nb", "a\\b", "<<", "a\"b", "a'b", "ä", "a\u{0}b"] {
      #expect(HAProxyWord(text) == nil)
    }
    #expect(HAProxyWord("/etc/haproxy/certs/a.pem")?.text == "/etc/haproxy/certs/a.pem")
  }

  @Test func differentTextsAreDifferentFileNamesWithoutSlashes() {
    let texts = ["a/b", "a=2Fb", "..", ".", "-x", "", "a b", "a_b", "A", "ä"]
    let stems = texts.map { FileStem($0).text }
    #expect(Set(stems).count == texts.count)
    for stem in stems { #expect(!stem.contains("/") && !stem.hasPrefix(".") && !stem.hasPrefix("-") && !stem.isEmpty) }
  }
}
