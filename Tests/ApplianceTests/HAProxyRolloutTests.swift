import Appliance
import Fleet
import Foundation
import Testing

@Suite(
  .enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"), .serialized)
struct HAProxyRolloutTests {
  @Test func aNewAndAReplacedCertificateAreServedWithoutAReload() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    #expect(facts.hotUpdate == .replaceAndAdd)
    #expect(facts.terminations.first?.configurationPasses == true)
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    var files = try await bench.batch(["first", "second"])
    files[0].expected = .leaves([old])
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))
    let verify = work.verify(nonce: Nonce("c"))
    let evidence = try work.readEvidence(try await bench.node.run(verify), of: verify)

    #expect(staged.certificates.values.allSatisfy { $0 == .done(.staged) })
    #expect(active.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(active)")
    #expect(bench.reloads == 0)
    for (file, found) in zip(files, evidence) {
      #expect(try bench.served(file.names.first) == file.sha256)
      #expect(found.disk.fingerprint == file.sha256)
      #expect(found.memory?.standing == .same)
      #expect(found.memory?.serial == file.serial)
    }
  }
}
