import Appliance
import Fleet
import Foundation
import Glibc
import Testing

/// What a batch costs a node: programs started for each certificate. Old appliances have one slow core, and it also serves.
@Suite(.enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"))
struct NodeCostTests {
  /// Programs that one more certificate may cost, by step: openssl reads one file a process, and HAProxy takes one certificate a connection.
  private static let limits: [(step: String, programs: [String: Int])] = [
    ("keys", ["openssl": 1]),
    ("stage", ["openssl": 3]),
    ("activate", ["awk": 1, "socat": 2]),
    ("verify", [:]),
    ("cleanUp", [:]),
  ]

  @Test func oneMoreCertificateCostsAFewPrograms() async throws {
    let few = try await cost(of: 3)
    let many = try await cost(of: 13)

    for (step, programs) in Self.limits {
      for (program, count) in many[step] ?? [:] {
        let more = count - (few[step]?[program] ?? 0)
        #expect(more <= 10 * (programs[program] ?? 0), "\(step): \(more) more \(program) for 10 certificates")
      }
    }
  }

  /// How often each step starts each program for a batch of so many replaced certificates.
  private func cost(of count: Int) async throws -> [String: [String: Int]] {
    let bench = try HAProxyBench()
    let labels = (0..<count).map { "c\($0)" }
    let pem = try bench.certificates.makePEM("c0.test")
    for label in labels { try bench.node.write(pem, to: "\(bench.node.root)/certs/\(label).pem") }
    try bench.restart()
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/c0.pem")
    let counter = try Counter(bench.node)
    var costs: [String: [String: Int]] = [:]
    let files = try await bench.batch(labels, expected: .leaves([old]))
    costs["keys"] = try counter.take()
    let work = bench.work(files, facts: facts)
    for (name, script) in [("stage", work.stage(nonce: Nonce("a"))), ("activate", work.activate(nonce: Nonce("b")))] {
      let answer = try await bench.step(work, script)
      #expect(answer.failures.isEmpty, "\(answer)")
      costs[name] = try counter.take()
    }
    let verify = work.verify(nonce: Nonce("c"))
    for piece in try work.readEvidence(try await bench.node.run(verify), of: verify) { _ = try piece.proof.get() }
    costs["verify"] = try counter.take()
    let clean = work.cleanUp(succeeded: true, nonce: Nonce("d"))
    #expect(try work.readCleanUp(try await bench.node.run(clean), of: clean).isEmpty)
    costs["cleanUp"] = try counter.take()
    return costs
  }

  /// Stands before every program that our scripts use and writes down its name.
  private struct Counter {
    let log: String
    let node: TestNode

    init(_ node: TestNode) throws {
      self.node = node
      log = "\(node.root)/programs"
      let bin = "\(node.root)/counted"
      let programs = [
        "awk", "cat", "chgrp", "chmod", "chown", "cksum", "cmp", "cp", "cut", "find", "grep", "head", "ln", "mkdir",
        "mv",
        "openssl", "rm", "sed", "socat", "sort", "stat", "tail", "touch", "tr", "wc", "xargs",
      ]
      for program in programs {
        let real = ["/usr/bin/", "/bin/"].map { $0 + program }.first {
          FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let real else { continue }
        try Run.install("echo \(program) >>\(log)\nexec \(real) \"$@\"\n", at: "\(bin)/\(program)")
      }
      node.environment["PATH"] = "\(bin):" + (node.environment["PATH"] ?? "")
    }

    /// What was started since the last time.
    func take() throws -> [String: Int] {
      guard node.exists(log) else { return [:] }
      let names = try node.read(log).split(separator: "\n")
      try FileManager.default.removeItem(atPath: log)
      return names.reduce(into: [:]) { $0[String($1), default: 0] += 1 }
    }
  }
}
