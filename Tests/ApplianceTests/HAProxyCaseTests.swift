import Appliance
import Fleet
import Foundation
import Glibc
import Testing

/// Every JSON case of `Tests/Support/ApplianceCases/haproxy`: facts and what HAProxy says → what is done, answered, and left on the disk.
/// New behaviour of an appliance is a new case before it is code.
@Suite(.enabled(if: Tool.areHere(.openssl, .dash, .python3), "needs openssl, dash, python3"))
struct HAProxyCaseTests {
  /// One case, as it stands in its file.
  struct Case: CaseFile {
    var note: String
    var version: String
    var certificate: String
    var naming: String?
    var steps: [String]
    var expect: Expectation
    var name: String?

    struct Expectation: Decodable {
      /// `hot`, `reload`, or the kind of the failure.
      var outcome: String
      var detail: String?
      var reason: String?
      var alarm: String?
      /// `new`, `old` or `absent`; by the outcome where it is not said.
      var disk: String?
      var memory: String?
      /// Patterns that the commands match in this order, among others.
      var commands: [String]?
      /// Patterns that no command matches.
      var forbidden: [String]?
    }
  }

  @Test(arguments: try Case.all(in: "haproxy"))
  func aCaseEndsAsItsFileSays(_ one: Case) async throws {
    let bench = try ModelBench(one)
    let old = try bench.node.leaf(bench.first)
    let label = one.certificate == "new" ? "second" : "first"
    let target = "\(bench.node.root)/certs/\(label).pem"
    let file = try await makeBatch([label], on: bench.node, bench.certificates, expected: .leaves([old]))[0]
    let work = RolloutWork(node: bench.node.node, facts: bench.facts, rollout: "r1", files: [file])
    let stage = work.stage(nonce: Nonce("s"))
    let staged = try work.read(try await bench.node.run(stage), of: stage)
    #expect(staged.failures.isEmpty, "\(staged)")

    var answer = staged
    for step in one.steps {
      let script = step == "activate" ? work.activate(nonce: Nonce("a")) : work.rollBack(nonce: Nonce("b"))
      answer = try work.read(try await bench.node.run(script), of: script)
    }

    let log = try bench.log()
    let explanation: Comment = "\(answer)\n\(log.joined(separator: "\n"))"
    switch answer.certificates[file.spec] {
    case .done(let how)?: #expect(how.rawValue == one.expect.outcome, explanation)
    case .refused(let failure)?, .stuck(let failure)?:
      #expect(failure.kind.rawValue == one.expect.outcome, explanation)
      if let detail = one.expect.detail { #expect(failure.detail.contains(detail), explanation) }
    case nil: Issue.record("no answer")
    }
    if let reason = one.expect.reason { #expect(answer.reloads.first?.reason.contains(reason) == true, explanation) }
    #expect((staged.alarms.first ?? answer.alarms.first)?.kind.rawValue == one.expect.alarm, explanation)
    let isDone = ["hot", "reload"].contains(one.expect.outcome)
    switch one.expect.disk ?? (isDone ? "new" : "old") {
    case "new": #expect(try bench.node.leaf(target) == file.sha256)
    case "old": #expect(try bench.node.leaf(target) == old)
    default: #expect(!bench.node.exists(target))
    }
    if one.expect.memory == "old" { #expect(try bench.memoryHolds(bench.first, leaf: old)) }
    for pattern in one.expect.forbidden ?? [] {
      let regex = try Regex(pattern)
      #expect(!log.contains { $0.contains(regex) }, "\(pattern)\n\(log.joined(separator: "\n"))")
    }
    var rest = log[...]
    for pattern in one.expect.commands ?? [] {
      let regex = try Regex(pattern)
      guard let index = rest.firstIndex(where: { $0.contains(regex) }) else {
        Issue.record("\(pattern) was not said, or too early:\n\(log.joined(separator: "\n"))")
        break
      }
      rest = rest[(index + 1)...]
    }
    #expect(!log.contains { $0.contains("PRIVATE KEY") || $0.isEmpty })
  }
}

/// A node whose HAProxy is the model.
final class ModelBench {
  let node: TestNode
  let certificates: Certificates
  let facts: NodeFacts
  private let socketFile: Int32
  var first: String { "\(node.root)/certs/first.pem" }

  init(_ one: HAProxyCaseTests.Case) throws {
    node = try TestNode()
    certificates = try Certificates()
    let root = node.root
    let python = try #require(Tool.python3.path, "python3 is not installed")
    let model = applianceCases.appending(path: "model_haproxy.py").path()
    let source = applianceCases.appending(path: "haproxy/\(one.name ?? "").json")
    try FileManager.default.copyItem(at: source, to: URL(filePath: "\(root)/case.json"))
    for role in ["socat", "haproxy", "reload"] {
      let arguments = "\(python) -S -E '\(model)' '\(root)' \(role)"
      try Run.install("exec \(arguments) \"$@\"\n", at: "\(root)/bin/\(role)")
    }
    node.environment["PATH"] = "\(root)/bin:" + (node.environment["PATH"] ?? "")
    try node.write(try certificates.makePEM("first.test"), to: "\(root)/certs/first.pem")
    try node.write("\(root)/certs/first.pem\n", to: "\(root)/list")
    let serial = try Run.openssl("x509", "-in", "\(root)/certs/first.pem", "-noout", "-serial")
    try node.write(serial.replacing("serial=", with: ""), to: "\(root)/before")
    // `[ -S ]` wants a socket; the model is reached through the `socat` of its own.
    socketFile = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array("\(root)/run/stat".utf8)) }
    let descriptor = socketFile
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    node.node.terminations = [
      .haproxy(
        HAProxyTermination(
          certificates: "\(root)/certs", crtList: one.naming == "crtList" ? "\(root)/list" : nil,
          socket: "\(root)/run/stat", reload: "\(root)/bin/reload", binary: "\(root)/bin/haproxy"))
    ]
    facts = NodeFacts(
      haproxy: SoftwareVersion(in: one.version), socketClient: .socat, surveyedAt: Date(timeIntervalSince1970: 0))
  }

  deinit { close(socketFile) }

  /// Every command that the model got.
  func log() throws -> [String] {
    guard node.exists("\(node.root)/log") else { return [] }
    return try node.read("\(node.root)/log").split(separator: "\n").map(String.init)
  }

  /// Whether the model's memory holds this leaf under this name.
  func memoryHolds(_ name: String, leaf: String) throws -> Bool {
    struct State: Decodable { var memory: [String: String] }
    let data = try Data(contentsOf: URL(filePath: "\(node.root)/state.json"))
    let pem = try #require(try JSONDecoder().decode(State.self, from: data).memory[name])
    try node.write(pem, to: "\(node.root)/memory.pem")
    return try node.leaf("\(node.root)/memory.pem") == leaf
  }
}
