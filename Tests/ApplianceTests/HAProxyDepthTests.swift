import Appliance
import Fleet
import Foundation
import Testing

/// The master socket, equal names in one directory, and a reload chosen by load time, on a real HAProxy.
@Suite(.enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"))
struct HAProxyDepthTests {
  @Test func theMasterSocketReloadsAndTellsWhatCameOfIt() async throws {
    let bench = try HAProxyBench(hasMaster: true)
    bench.adapt {
      $0.socket = nil
      $0.master = bench.master
    }
    let facts = try await bench.facts()
    let files = try await bench.batch(["first", "second"], expected: .anything)
    let work = bench.work(files, facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.certificates.values.allSatisfy { $0 == .done(.reload) }, "\(active)")
    #expect(active.reloads.map(\.count) == [1])
    for file in files {
      try Run.until("\(file.label) is served") { try bench.served(file.names.first) == file.sha256 }
    }
    #expect(bench.reloads == 0)
  }

  @Test func twoFilesWithOneNameAreNoticed() async throws {
    let bench = try HAProxyBench()
    try bench.node.write(try bench.certificates.makePEM("first.test"), to: "\(bench.node.root)/certs/old.pem")
    try bench.addCertificate("other")

    let facts = try await bench.facts()

    let certs = "\(bench.node.root)/certs"
    #expect(
      facts.terminations.first?.notices == [
        "first.test is in \(certs)/first.pem and in \(certs)/old.pem; only the first is served"
      ])
    #expect(
      Survey.missing(facts, on: bench.node.node).contains { $0.what.hasPrefix("first.test is in") && !$0.isFatal })
    #expect((facts.terminations.first?.loadMilliseconds ?? -1) >= 0)
  }

  @Test(arguments: [
    (100, 200, false), (1_000, 200, false), (1_100, 200, true), (1_100, 5_000, false), (5_000, 14_000, true),
  ])
  func aReloadIsChosenWhereItIsOverMuchSooner(_ certificates: Int, _ load: Int, _ isChosen: Bool) {
    let facts = NodeFacts(
      haproxy: SoftwareVersion(2, 6, 12), socketClient: .socat,
      terminations: [TerminationFacts(directoryIsWritable: true, control: .works, loadMilliseconds: load)],
      surveyedAt: Date(timeIntervalSince1970: 0))

    #expect((facts.reasonToReload(certificates, at: 0) != nil) == isChosen)
  }

  @Test func aChosenReloadServesTheBatchWithItsReason() async throws {
    let bench = try HAProxyBench()
    var facts = try await bench.facts()
    // Two certificates never take half a minute; a load time that cannot be makes the choice all the same.
    facts.terminations[0].loadMilliseconds = -1_000_000
    let files = try await bench.batch(["first", "second"], expected: .anything)
    let work = bench.work(files, facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.certificates.values.allSatisfy { $0 == .done(.reload) }, "\(active)")
    #expect(active.reloads.first?.reason.contains("hot updates would take about") == true, "\(active)")
    #expect(bench.reloads == 1)
    for file in files { #expect(try bench.served(file.names.first) == file.sha256) }
  }
}
