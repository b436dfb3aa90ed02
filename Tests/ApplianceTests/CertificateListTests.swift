import Appliance
import Fleet
import Foundation
import Testing

/// What stands in the crt-list file counts after the next reload, whatever memory says.
@Suite(.enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"))
struct CertificateListTests {
  private static let shells = [[Tool.dash], [.bash], [.busybox]]

  private func bench(_ shell: [Tool] = [.dash]) throws -> HAProxyBench {
    let path = try #require(shell[0].path)
    return try HAProxyBench(.crtList, shell: shell[0] == .busybox ? [path, "sh"] : [path])
  }

  // B1: the PEM lies there and memory knows it, but its line is missing: a rollout puts the line back, also of the same certificate.
  @Test(arguments: shells)
  func aMissingLineIsPutBackThoughFileAndMemoryAreRight(_ shell: [Tool]) async throws {
    guard shell[0].path != nil else { return }
    let bench = try bench(shell)
    let facts = try await bench.facts()
    let files = try await bench.batch(["second"])
    let before = try bench.node.read(bench.list)
    let first = bench.work(files, facts: facts)
    _ = try await bench.step(first, first.stage(nonce: Nonce("a")))
    _ = try await bench.step(first, first.activate(nonce: Nonce("b")))
    try bench.node.write(before, to: bench.list)

    let verify = first.verify(nonce: Nonce("c"))
    let found = try first.readEvidence(try await bench.node.run(verify), of: verify)
    let again = bench.work(files, facts: facts, rollout: "r2")
    _ = try await bench.step(again, again.stage(nonce: Nonce("d")))
    let active = try await bench.step(again, again.activate(nonce: Nonce("e")))
    let healed = try again.readEvidence(try await bench.node.run(verify), of: verify)

    #expect(found[0].memory?.standing == .same)
    #expect(throws: Failure.self) { try found[0].proof.get() }
    #expect(found[0].unlisted == bench.list)
    #expect(active.failures.isEmpty, "\(active)")
    #expect(try healed[0].proof.get().level == .memory)
    try bench.restart()
    #expect(try bench.served("second.test") == files[0].sha256)
  }

  // B1: a PEM that lay there without a line, of which memory knows nothing.
  @Test func aFileThatWasThereWithoutALineGetsOne() async throws {
    let bench = try bench()
    let second = "\(bench.node.root)/certs/second.pem"
    try bench.node.write(try bench.certificates.makePEM("second.test"), to: second)
    let facts = try await bench.facts()
    let listed = try bench.node.read(bench.list)
    let files = try await bench.batch(["second"], expected: .leaves([try bench.node.leaf(second)]))
    let work = bench.work(files, facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))
    #expect(active.failures.isEmpty, "\(active)")
    #expect(try bench.node.read(bench.list) == listed + second + "\n")
    try bench.restart()
    #expect(try bench.served("second.test") == files[0].sha256)

    let back = try await bench.step(work, work.rollBack(nonce: Nonce("c")))
    #expect(back.failures.isEmpty, "\(back)")
    #expect(try bench.node.read(bench.list) == listed, "as it was before this rollout")
  }

  // B10: another file has the names, by filters and options. Behind it ours would not be served: refused, or with leave its place taken, options kept.
  @Test(arguments: shells)
  func aLineWithOptionsForTheNamesIsNotOutrunByABareOne(_ shell: [Tool]) async throws {
    guard shell[0].path != nil else { return }
    let bench = try bench(shell)
    let theirs = "\(bench.node.root)/theirs.pem"
    try bench.node.write(try bench.certificates.makePEM("second.test"), to: theirs)
    let line = "\(theirs) [alpn h2 ssl-min-ver TLSv1.2] second.test"
    let list = "\(bench.node.root)/certs/first.pem\n# ours\n\(line)\n"
    try bench.node.write(list, to: bench.list)
    try bench.restart()
    let facts = try await bench.facts()
    var files = try await bench.batch(["second"])
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    files[0].expected = .anything
    let told = bench.work(files, facts: facts, rollout: "r2")
    _ = try await bench.step(told, told.stage(nonce: Nonce("b")))
    let active = try await bench.step(told, told.activate(nonce: Nonce("c")))
    let taken = try bench.node.read(bench.list)

    #expect(staged.failures.map(\.failure.kind) == [.changedByHand], "\(staged)")
    #expect(
      staged.failures.first?.failure.detail.contains("line 3 of \(bench.list) has these names already: \(line)") == true
    )
    #expect(active.certificates["p1/second"] == .done(.reload), "\(active)")
    #expect(
      taken == "\(bench.node.root)/certs/first.pem\n# ours\n"
        + "\(bench.node.root)/certs/second.pem [alpn h2 ssl-min-ver TLSv1.2] second.test\n")
    try Run.until("ours is served") { try bench.served("second.test") == files[0].sha256 }
    let back = try await bench.step(told, told.rollBack(nonce: Nonce("d")))
    #expect(back.failures.isEmpty, "\(back)")
    #expect(try bench.node.read(bench.list) == list)
  }

  // B10: a line whose file has further names is never taken over: they would lose their certificate.
  @Test func aLineThatServesOtherNamesTooIsLeftAlone() async throws {
    let bench = try bench()
    let theirs = "\(bench.node.root)/theirs.pem"
    try bench.node.write(try bench.certificates.makePEM("second.test"), to: theirs)
    let list = "\(bench.node.root)/certs/first.pem\n\(theirs) second.test third.test\n"
    try bench.node.write(list, to: bench.list)
    try bench.restart()
    let facts = try await bench.facts()
    let work = bench.work(try await bench.batch(["second"], expected: .anything), facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))

    #expect(staged.failures.first?.failure.detail.contains("It also has third.test") == true, "\(staged)")
    #expect(try bench.node.read(bench.list) == list)
  }
}
