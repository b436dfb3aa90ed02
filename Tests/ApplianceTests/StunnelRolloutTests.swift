import Appliance
import Fleet
import Foundation
import Testing

@Suite(.enabled(if: Tool.areHere(.stunnel, .openssl, .dash), "needs stunnel, openssl, dash"))
struct StunnelRolloutTests {
  @Test func newAndReplacedCertificatesCostOneReload() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    #expect(facts.stunnel != nil)
    #expect(Survey.missing(facts, on: bench.node.node).isEmpty, "\(Survey.missing(facts, on: bench.node.node))")
    let files = try await makeBatch(
      ["first", "second", "third"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(staged.failures.isEmpty, "\(staged)")
    #expect(active.certificates.values.allSatisfy { $0 == .done(.reload) }, "\(active)")
    #expect(active.reloads.first?.count == 1)
    #expect(try bench.reloads() == 1)
    for file in files { #expect(try bench.served(file.names.first) == file.sha256) }
    let verify = work.verify(nonce: Nonce("c"))
    let evidence = try work.readEvidence(try await bench.node.run(verify), of: verify)
    #expect(evidence.allSatisfy { $0.disk.standing == .same && $0.memory == nil })
    #expect(try evidence[0].proof.get().level == .disk)
  }

  // D1: a PEM that is torn between the steps goes back before stunnel is asked to reload, with its own words; the other is served.
  @Test func aTornFileGoesBackBeforeTheReloadAndTheOtherIsServed() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let files = try await makeBatch(["first", "second"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    // Somebody tears the staged file between the two steps: its leaf is right, its key is another's.
    let staged = "\(bench.node.root)/certs/.certfleet/r1/0/new/second.pem"
    let stranger = try bench.certificates.makePEM("stranger.test")
    let key = try #require(stranger.range(of: "-----BEGIN EC"))
    try bench.node.write(files[1].chain + stranger[key.lowerBound...], to: staged)

    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.spec) == ["p1/second"], "\(active)")
    #expect(active.failures.map(\.failure.kind) == [.stageRefused], "\(active)")
    #expect(active.failures.first?.failure.detail.contains("key values mismatch") == true, "\(active)")
    #expect(active.reloads.first?.count == 1)
    #expect(try bench.served("first.test") == files[0].sha256)
    #expect(!bench.node.exists("\(bench.node.root)/certs/second.pem"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.include).isEmpty)
  }

  @Test func aBrokenSectionOfTheOperatorIsToldAndTheOldSetServes() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let old = try bench.served("first.test")
    try bench.node.write("[broken]\nsni = tls:broken.test\ncert = /nowhere.pem\n", to: "\(bench.include)/a.conf")
    let files = try await makeBatch(["first"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.configRefused], "\(active)")
    #expect(active.alarms.map(\.kind) == [.nodeCannotRestart])
    #expect(try bench.served("first.test") == old)
    #expect(try bench.node.leaf("\(bench.node.root)/certs/first.pem") == old)
  }

  @Test func rollingBackTakesNewSectionsAwayAndServesTheOldLeaf() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let old = try bench.served("first.test")
    let files = try await makeBatch(["first", "second"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    _ = try await bench.step(work, work.activate(nonce: Nonce("b")))
    #expect(try bench.served("second.test") == files[1].sha256)

    let back = try await bench.step(work, work.rollBack(nonce: Nonce("c")))
    let verify = work.verifyOld(nonce: Nonce("d"))
    let evidence = try work.readEvidence(try await bench.node.run(verify), of: verify)

    #expect(back.certificates.values.allSatisfy { $0 == .done(.reload) }, "\(back)")
    #expect(evidence.allSatisfy { $0.disk.standing == .same })
    #expect(try bench.served("first.test") == old)
    #expect(try bench.served("second.test") == old)
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.include).isEmpty)
  }

  @Test func exactNamesStandBeforeWildcardsWhateverTheirLabels() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let orders = [
      KeyOrder(attempt: "w-1", names: try #require(NameSet(["*.x.test"])), key: .ecdsaP256),
      KeyOrder(attempt: "z-1", names: try #require(NameSet(["a.x.test"])), key: .ecdsaP256),
      KeyOrder(attempt: "d-1", names: try #require(NameSet(["*.deep.x.test", "x.test"])), key: .ecdsaP256),
    ]
    let script = KeyWork.make(orders, on: bench.node.node, nonce: Nonce("keys"))
    let requests = try KeyWork.readRequests(try await bench.node.run(script), of: script, orders: orders)
    let files = try zip(["a-wild", "z-exact", "b-deep"], orders).map { label, order in
      try bench.certificates.file(
        label, names: order.names, attempt: order.attempt, request: try #require(try requests[order.attempt]?.get()))
    }
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.isEmpty, "\(active)")
    #expect(try bench.served("b.x.test") == files[0].sha256)
    #expect(try bench.served("a.x.test") == files[1].sha256)
    #expect(try bench.served("y.deep.x.test") == files[2].sha256)
    #expect(try bench.served("x.test") == files[2].sha256)
  }

  @Test func withoutALogOnlyTheWireCanTell() async throws {
    let bench = try StunnelBench(hasLog: false)
    let facts = try await bench.facts()
    let files = try await makeBatch(["first"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.certificates["p1/first"] == .done(.unconfirmed), "\(active)")
    try Run.until("the new leaf is served") { try bench.served("first.test") == files[0].sha256 }
  }

  @Test func aStalePidFileNeverMakesUsSignalSomebodyElse() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let real = try bench.node.read(bench.pidFile)
    let files = try await makeBatch(["first"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let other = "\(bench.node.root)/other.pid"
    try bench.node.write("\(getpid())\n", to: other)
    bench.adapt { $0.pidFile = other }
    let wrong = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)

    let active = try await bench.step(wrong, wrong.activate(nonce: Nonce("b")))

    #expect(active.failures.first?.failure.detail.contains("is not stunnel") == true, "\(active)")
    try bench.node.write(real, to: bench.pidFile)
  }

  @Test func aNewNameWithoutAPlaceForItsSectionIsRefusedWithTheRemedy() async throws {
    let bench = try StunnelBench()
    bench.adapt { $0.include = nil }
    let facts = try await bench.facts()
    let files = try await makeBatch(["second"], on: bench.node, bench.certificates)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.stageRefused], "\(active)")
    #expect(active.failures.first?.failure.detail.contains("include") == true)
    #expect(try bench.reloads() == 0)
  }
}
