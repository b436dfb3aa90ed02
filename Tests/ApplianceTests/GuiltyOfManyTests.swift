import Appliance
import Fleet
import Foundation
import Testing

/// D1: batches of a hundred in which one or three certificates cannot be used: the others are served in the same run, and each failure says
/// what it saw.
@Suite(
  .enabled(
    if: Tool.areHere(.haproxy, .stunnel, .openssl, .socat, .dash), "needs haproxy, stunnel, openssl, socat, dash"))
struct GuiltyOfManyTests {
  private static let labels = (0..<100).map { "n\($0)" }

  /// D1: an `.issuer` and an `.ocsp` of another CA beside a PEM stop HAProxy's next start. Where they lie, HAProxy's check on a copy finds
  /// them before anything that is in use is touched.
  @Test(arguments: [HAProxyBench.Naming.directory, .crtList])
  func whatLiesBesideOneOrThreePEMsStopsTheseAlone(_ naming: HAProxyBench.Naming) async throws {
    let bench = try HAProxyBench(naming)
    let facts = try await bench.facts()
    let files = try await bench.batch(Self.labels)
    let work = bench.work(files, facts: facts)
    let strangers = try StrangeSides(bench.certificates)

    try strangers.put(beside: "n41", at: bench.node)
    let one = try await bench.step(work, work.stage(nonce: Nonce("a")))
    for label in ["n7", "n99"] { try strangers.put(beside: label, at: bench.node) }
    let three = try await bench.step(work, work.stage(nonce: Nonce("b")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("c")))

    #expect(one.done.count == 99)
    #expect(one.failures.map(\.spec) == ["p1/n41"])
    #expect(three.done.count == 97)
    #expect(three.failures.map(\.spec) == ["p1/n41", "p1/n7", "p1/n99"])
    for (spec, failure) in three.failures {
      let path = "\(bench.node.root)/certs/\(spec.rawValue.dropFirst(3)).pem.issuer"
      #expect(failure.kind == .stageRefused)
      #expect(failure.detail.contains("beside it lies \(path) of another CA"), "\(failure.detail)")
    }
    #expect(active.done.count == 97, "\(active.failures)")
    // A handshake with each would cost two hundred processes: memory tells of all, handshakes of some.
    let held = Set(try bench.cli("show ssl cert").split(separator: "\n").map { $0.split(separator: "/").last ?? "" })
    for (number, file) in files.enumerated() {
      let isGuilty = ["n41", "n7", "n99"].contains(file.label)
      #expect(held.contains("\(file.label).pem") != isGuilty, "\(file.label)")
      if isGuilty || number % 9 == 0 {
        #expect((try bench.served(file.names.first) == file.sha256) != isGuilty, "\(file.label)")
      }
    }
    try bench.restart()
    #expect(try bench.served("n42.test") == files[42].sha256)
  }

  /// D1: files that were torn between the steps, on a stunnel, which has no check of its own: one reload.
  @Test func tornFilesGoBackAloneBeforeStunnelReloads() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let files = try await makeBatch(Self.labels, on: bench.node, bench.certificates)
    let stranger = try bench.certificates.makePEM("stranger.test")
    let key = stranger[try #require(stranger.range(of: "-----BEGIN EC")).lowerBound...]

    for (number, guilty) in [["n41"], ["n7", "n42", "n99"]].enumerated() {
      let rollout = "r\(number)"
      let work = RolloutWork(node: bench.node.node, facts: facts, rollout: RolloutID(rollout), files: files)
      _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
      for file in files where guilty.contains(file.label) {
        try bench.node.write(
          file.chain + key, to: "\(bench.node.root)/certs/.certfleet/\(rollout)/0/new/\(file.label).pem")
      }
      let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

      #expect(active.done.count == 100 - guilty.count)
      #expect(Set(active.failures.map(\.spec.rawValue)) == Set(guilty.map { "p1/\($0)" }), "\(active.failures)")
      #expect(active.failures.allSatisfy { $0.failure.detail.contains("key values mismatch") }, "\(active.failures)")
      #expect(active.reloads.map(\.count) == [1])
    }
    for file in [files[40], files[98]] { #expect(try bench.served(file.names.first) == file.sha256) }
  }

  /// D1: what a staged file became is seen again before a reload: the check names it, and it goes back alone.
  @Test(arguments: [[Tool.dash], [.bash], [.busybox]])
  func aFileThatAppearsBetweenTheStepsStopsItsOwnAlone(_ shell: [Tool]) async throws {
    guard let path = shell[0].path else { return }
    let bench = try HAProxyBench(shell: shell[0] == .busybox ? [path, "sh"] : [path])
    bench.adapt { $0.socket = nil }
    let facts = try await bench.facts()
    let files = try await bench.batch(["a", "b", "c", "d"])
    let work = bench.work(files, facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    try StrangeSides(bench.certificates).put(beside: "b", at: bench.node)

    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.spec) == ["p1/b"], "\(active)")
    #expect(active.failures.first?.failure.detail.contains("b.pem.issuer") == true, "\(active)")
    #expect(active.reloads.map(\.count) == [1])
    for file in [files[0], files[2], files[3]] {
      try Run.until("\(file.label) is served") { try bench.served(file.names.first) == file.sha256 }
    }
    #expect(!bench.node.exists("\(bench.node.root)/certs/b.pem"))
  }

  /// D1, D2: what belongs to the certificate that makes way goes aside with it and comes back with it.
  @Test func whatBelongsToTheOldCertificateGoesAsideAndComesBack() async throws {
    let bench = try HAProxyBench()
    let sides = try StrangeSides(bench.certificates)
    let first = "\(bench.node.root)/certs/first.pem"
    // The old one is of the other CA, with that CA's issuer and response, and its key lies apart.
    try sides.replace(first, at: bench.node)
    try bench.restart()
    let old = try bench.served("first.test")
    #expect(try bench.staples("first.test"))
    let facts = try await bench.facts()
    let files = try await bench.batch(["first", "second"], expected: .leaves([try bench.node.leaf(first)]))
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))
    #expect(staged.failures.isEmpty, "\(staged)")
    #expect(active.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(active)")
    #expect(!bench.node.exists("\(first).issuer"))
    #expect(!bench.node.exists("\(first).ocsp"))
    let clean = work.cleanUp(succeeded: true, nonce: Nonce("c"))
    #expect(try work.readCleanUp(try await bench.node.run(clean), of: clean).isEmpty)
    try bench.restart()
    #expect(try bench.served("first.test") == files[0].sha256)

    let back = try await bench.step(work, work.rollBack(to: .ofLastRollout, nonce: Nonce("d")))

    #expect(back.certificates["p1/first"] == .done(.hot), "\(back)")
    #expect(try bench.served("first.test") == old, "memory has the old one again, with its key apart")
    #expect(try bench.staples("first.test"))
    try bench.restart()
    #expect(try bench.served("first.test") == old, "so has the disk")
    #expect(try bench.staples("first.test"))
    #expect(bench.reloads == 0)
  }
}

/// What another CA's tool leaves beside a PEM.
private struct StrangeSides {
  private let root: String
  private let issuer: String
  private let response: String
  private let chain: String
  private let key: String

  init(_ certificates: Certificates) throws {
    root = certificates.root
    let other = "\(root)/other"
    try Run.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(other).key")
    try Run.openssl(
      "req", "-x509", "-new", "-key", "\(other).key", "-subj", "/CN=other authority", "-days", "30", "-out",
      "\(other).pem")
    try Run.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(other)-leaf.key")
    try Run.openssl(
      "req", "-new", "-key", "\(other)-leaf.key", "-subj", "/CN=first.test", "-addext", "subjectAltName=DNS:first.test",
      "-out", "\(other).csr")
    try Run.openssl(
      "x509", "-req", "-in", "\(other).csr", "-CA", "\(other).pem", "-CAkey", "\(other).key", "-set_serial", "77",
      "-copy_extensions", "copy", "-days", "10", "-out", "\(other)-leaf.pem")
    try Data("V\t300101000000Z\t\t4D\tunknown\t/CN=first.test\n".utf8).write(to: URL(filePath: "\(other).index"))
    response = "\(other).ocsp"
    try Run.openssl(
      "ocsp", "-index", "\(other).index", "-CA", "\(other).pem", "-rsigner", "\(other).pem", "-rkey", "\(other).key",
      "-issuer", "\(other).pem", "-cert", "\(other)-leaf.pem", "-respout", response, "-ndays", "5")
    issuer = "\(other).pem"
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
    chain = try text("\(other)-leaf.pem") + text(issuer)
    key = try text("\(other)-leaf.key")
  }

  func put(beside label: String, at node: TestNode) throws {
    for (from, kind) in [(issuer, "issuer"), (response, "ocsp")] {
      let to = "\(node.root)/certs/\(label).pem.\(kind)"
      if node.exists(to) { try FileManager.default.removeItem(atPath: to) }
      try FileManager.default.copyItem(atPath: from, toPath: to)
    }
  }

  /// The other CA's certificate in place of a PEM, its key apart, with issuer and response.
  func replace(_ path: String, at node: TestNode) throws {
    try node.write(chain, to: path)
    try node.write(key, to: path + ".key")
    try put(beside: "first", at: node)
  }
}

extension HAProxyBench {
  /// Whether a handshake shows a response of the CA.
  fileprivate func staples(_ name: String) throws -> Bool {
    let openssl = try #require(Tool.openssl.path)
    return try Run.program(
      openssl, ["s_client", "-unix", front, "-servername", name, "-status"], stdin: Array("Q\n".utf8)
    ).text.contains("OCSP Response Status: successful")
  }
}
