import Appliance
import Fleet
import Foundation
import Testing

/// Keys of certificates that are no longer wanted go; that of a certificate in use never does.
@Suite(.enabled(if: Tool.areHere(.openssl, .dash), "needs openssl and dash"))
struct UnwantedKeyTests {
  /// A node on which `labels` have keys, and those in `installed` a certificate.
  private struct Bench {
    let node: TestNode
    let certificates: Certificates
    let attempts: [AttemptID]
    var keys: String { "\(node.root)/home/.certfleet/keys" }

    init(_ labels: [String], installed: [String]) async throws {
      node = try TestNode()
      certificates = try Certificates()
      node.node.terminations = [.haproxy(HAProxyTermination(certificates: "\(node.root)/certs", socket: nil))]
      let files = try await makeBatch(labels, on: node, certificates)
      attempts = files.map(\.attempt)
      for file in files where installed.contains(file.label) {
        let key = try node.read("\(node.root)/home/.certfleet/keys/\(file.attempt).key")
        try node.write(file.chain + key, to: "\(node.root)/certs/\(file.label).pem")
      }
    }

    func remove(_ attempts: [AttemptID]) async throws -> (gone: [AttemptID], kept: [AttemptID: String]) {
      let script = KeyWork.removeUnwanted(attempts, on: node.node, nonce: Nonce("u"))
      return try KeyWork.readRemoved(try await node.run(script), of: script, attempts: attempts)
    }

    var left: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: keys).sorted() } }
  }

  @Test func onlyThoseOfNoCertificateInUseGo() async throws {
    let bench = try await Bench(["used", "free", "stranger"], installed: ["used"])

    let answer = try await bench.remove(["used-1", "free-1", "never"])

    #expect(Set(answer.gone) == ["free-1", "never"])
    #expect(answer.kept == ["used-1": "\(bench.node.root)/certs/used.pem"])
    #expect(try bench.left == ["stranger-1.key", "used-1.key"])
    #expect(!bench.node.exists("\(bench.node.root)/home/.certfleet/unwanted"))
  }

  @Test func theKeyGoesOnceItsCertificateIsTakenAway() async throws {
    let bench = try await Bench(["used"], installed: ["used"])
    #expect(try await bench.remove(bench.attempts).gone.isEmpty)

    try FileManager.default.removeItem(atPath: "\(bench.node.root)/certs/used.pem")

    #expect(try await bench.remove(bench.attempts).gone == bench.attempts)
    #expect(try bench.left.isEmpty)
  }

  @Test func aCertificateThatHasRunOutIsNotInUse() async throws {
    let bench = try await Bench(["old"], installed: [])
    let key = "\(bench.keys)/old-1.key"
    let request = try Run.openssl("req", "-new", "-key", key, "-subj", "/CN=old.test")
    let old = try bench.certificates.signExpired(request)
    try bench.node.write(old + bench.node.read(key), to: "\(bench.node.root)/certs/old.pem")

    #expect(try await bench.remove(bench.attempts).gone == bench.attempts)
  }

  @Test func aKeyThatIsUsedInTheMiddleOfADeeperFileIsFoundToo() async throws {
    let bench = try await Bench(["used"], installed: [])
    let key = try bench.node.read("\(bench.keys)/used-1.key").replacing("\n", with: "\r\n")
    let folder = "\(bench.node.root)/certs/shop"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try bench.node.write(
      "# by hand\n" + key + bench.certificates.makePEM("other.test"), to: "\(folder)/cert with a space.pem")

    let answer = try await bench.remove(bench.attempts)

    #expect(answer.gone.isEmpty)
    #expect(answer.kept["used-1"]?.hasSuffix("cert with a space.pem") == true)
  }

  @Test(arguments: ["awk", "find"])
  func whereTheCertificatesCannotBeReadNoKeyGoes(_ tool: String) async throws {
    let bench = try await Bench(["free"], installed: [])
    let bin = "\(bench.node.root)/bin"
    try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
    try bench.node.write("#!/bin/sh\nexit 1\n", to: "\(bin)/\(tool)")
    chmod("\(bin)/\(tool)", 0o755)
    bench.node.environment["PATH"] = bin + ":" + (bench.node.environment["PATH"] ?? "")

    let answer = try await bench.remove(bench.attempts)

    #expect(answer.gone.isEmpty)
    #expect(answer.kept["free-1"]?.contains("cannot read") == true)
    #expect(try bench.left == ["free-1.key"])
  }

  // C3: a journal that was restored, or another controller, left keys that nobody's records name.
  @Test func theSurveyTellsOfKeysThatHaveLainThereForTwoMonths() async throws {
    let bench = try await Bench(["used", "old", "young"], installed: ["used"])
    let longAgo = Date(timeIntervalSinceNow: -61 * 86_400)
    for name in ["used-1.key", "old-1.key"] {
      try FileManager.default.setAttributes([.modificationDate: longAgo], ofItemAtPath: "\(bench.keys)/\(name)")
    }

    let script = Survey.script(for: bench.node.node, nonce: Nonce("s"))
    let facts = try Survey.read(
      try await bench.node.run(script), of: script, for: bench.node.node, sentAt: Date(), receivedAt: Date())

    #expect(Set(facts.oldKeys ?? []) == ["used-1", "old-1"])
    #expect(try await bench.remove(facts.oldKeys ?? []).gone == ["old-1"])
    #expect(try bench.left == ["used-1.key", "young-1.key"])
  }
}
