import Appliance
import Fleet
import Foundation
import Testing

/// What a rollout would refuse is seen before an order is spent, by the rollout's own conditions: on a real HAProxy.
@Suite(.enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"))
struct ForesightTests {
  private func wanted(_ label: String, expected: BatchFile.Expected = .leaves([])) throws -> BatchFile {
    let names = try #require(NameSet(["\(label).test"]))
    let spec = CertificateSpec(
      id: SpecID("p1/\(label)"), pair: "p1", vip: "v1", customer: nil, label: label, names: names, key: .ecdsaP256,
      profile: nil, registeredDomains: [], source: nil)
    return BatchFile(wanted: spec, expected: expected)
  }

  private func foresight(_ bench: HAProxyBench, _ files: [BatchFile]) async throws -> Foresight {
    let work = bench.work(files, facts: try await bench.facts())
    let script = work.foresee(nonce: Nonce("f"))
    return try work.readForesight(try await bench.node.run(script), of: script)
  }

  // B4: found before an order, and nothing is changed by looking.
  @Test(arguments: [HAProxyBench.Naming.directory, .crtList], [["dash"], ["busybox", "sh"]])
  func aFileThatIsNotOursIsSeen(_ naming: HAProxyBench.Naming, _ shell: [String]) async throws {
    let tool = try #require(shell[0] == "dash" ? Tool.dash.path : Tool.busybox.path)
    let bench = try HAProxyBench(naming, shell: [tool] + shell.dropFirst())
    let certs = "\(bench.node.root)/certs"
    try bench.node.write(try bench.certificates.makePEM("taken.test"), to: "\(certs)/taken.pem")
    let own = try bench.node.leaf("\(certs)/first.pem")

    let seen = try await foresight(
      bench, [wanted("taken"), wanted("second"), wanted("first", expected: .leaves([own]))])
    let retried = try await foresight(bench, [wanted("taken", expected: .anything)])

    #expect(seen.refusals.mapValues(\.kind) == ["p1/taken": .changedByHand])
    #expect(seen.refusals["p1/taken"]?.detail.contains("which certfleet did not put there") == true)
    #expect(retried.refusals.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: certs).sorted() == ["first.pem", "taken.pem"])
    // A look takes no lock and leaves no mark; what it learnt of files is kept.
    let left = try FileManager.default.contentsOfDirectory(atPath: "\(bench.node.root)/home/.certfleet")
    #expect(Set(left).isSubset(of: ["sans", "seen"]), "\(left)")
  }

  // C4: a link has words of its own, and `retry` promises nothing.
  @Test func aLinkIsALinkBeforeAndInTheRollout() async throws {
    let bench = try HAProxyBench()
    let certs = "\(bench.node.root)/certs"
    try FileManager.default.createSymbolicLink(
      atPath: "\(certs)/second.pem", withDestinationPath: "\(certs)/first.pem")

    let seen = try await foresight(bench, [try wanted("second", expected: .anything)])
    let work = bench.work(try await bench.batch(["second"], expected: .anything), facts: try await bench.facts())
    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))

    let failure = try #require(seen.refusals["p1/second"])
    #expect(failure.kind == .linkInPlace)
    #expect(failure.kind.retry == .whenHealed)
    #expect(failure.kind.advice.contains("`retry` does not either"))
    #expect(staged.failures.map(\.failure) == [failure])
  }

  // B3: what visitors without a server name get is not changed by a new file that sorts first.
  @Test func aFileThatWouldBecomeTheDefaultCertificateIsSeen() async throws {
    let bench = try HAProxyBench()
    let first = try bench.node.leaf("\(bench.node.root)/certs/first.pem")

    let seen = try await foresight(bench, [try wanted("aaa"), wanted("zzz"), wanted("bbb", expected: .anything)])

    #expect(seen.refusals.isEmpty)
    #expect(seen.displaced.keys.map(\.rawValue) == ["p1/aaa"])
    #expect(seen.displaced["p1/aaa"]?.leaf == first)
    #expect(seen.displaced["p1/aaa"]?.failure.kind == .wouldBeDefault)
    #expect(seen.displaced["p1/aaa"]?.failure.detail.contains("aaa.pem would sort before") == true)
  }

  @Test(arguments: ["ssl crt %/first.pem crt %", "ssl crt % strict-sni", "ssl crt-list %.list crt %"])
  func whereTheDefaultIsNamedNothingIsDisplaced(_ words: String) async throws {
    let bench = try HAProxyBench()
    let certs = "\(bench.node.root)/certs"
    try bench.node.write("\(certs)/first.pem\n", to: "\(certs).list")
    let text = try bench.node.read(bench.configuration)
    try bench.node.write(
      text.replacing("ssl crt \(certs)", with: words.replacing("%", with: certs)), to: bench.configuration)

    #expect(try await foresight(bench, [wanted("aaa")]).displaced.isEmpty)
  }

  // G15: a socket of level operator tells of no list, which does not mean that nothing loads the directory.
  @Test func anOperatorsSocketIsNoReasonToRefuse() async throws {
    let bench = try HAProxyBench(level: "operator")
    let facts = try await bench.facts()
    #expect(facts.terminations.first?.control == .notAdmin)

    let seen = try await foresight(bench, [try wanted("second")])
    let work = bench.work(try await bench.batch(["second"]), facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(seen.refusals.isEmpty)
    #expect(active.certificates["p1/second"] == .done(.reload), "\(active)")
    #expect(active.reloads.first?.reason.contains("may not change certificates") == true, "\(active.reloads)")
  }

  @Test func aPlaceThatNothingLoadsOrThatIsNotThereIsSaidInTheRolloutsWords() async throws {
    let bench = try HAProxyBench()
    for directory in ["elsewhere", "nowhere"] {
      let path = "\(bench.node.root)/\(directory)"
      if directory == "elsewhere" {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      }
      bench.adapt { $0.certificates = path }

      let failure = try #require(try await foresight(bench, [wanted("second")]).refusals["p1/second"])

      let work = bench.work(try await bench.batch(["second"]), facts: try await bench.facts())
      let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
      let active = try await bench.step(work, work.activate(nonce: Nonce("b")))
      #expect(failure.kind == .stageRefused)
      #expect((staged.failures + active.failures).map(\.failure).contains(failure), "\(failure) \(staged) \(active)")
    }
  }

  @Test func aListThatIsNotThereIsSeen() async throws {
    let bench = try HAProxyBench(.crtList)
    bench.adapt { $0.crtList = "\(bench.node.root)/no-list" }

    let failure = try #require(try await foresight(bench, [wanted("second")]).refusals["p1/second"])

    #expect(failure.detail.contains("no crt-list at"))
  }

  // B10: an old file with the same names, and the options of its line, are told before.
  @Test func anOldFileWithTheSameNamesAndItsOptionsAreSeen() async throws {
    let bench = try HAProxyBench(.crtList)
    let old = "\(bench.node.root)/certs/old.pem"
    try bench.node.write(try bench.certificates.makePEM("shop.test"), to: old)
    try bench.node.write("\(bench.node.root)/certs/first.pem\n\(old) [alpn h2] shop.test\n", to: bench.list)
    try bench.restart()

    let seen = try await foresight(bench, [wanted("shop"), wanted("second")])

    #expect(seen.refusals.isEmpty)
    #expect(seen.beside == ["p1/shop": ["\(old) [alpn h2]"]])
  }
}
