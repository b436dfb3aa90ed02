import Appliance
import Fleet
import Foundation
import Testing

/// What one script tells of disk, list and memory: B1, B2, B12. It changes nothing and leaves nothing behind.
@Suite(
  .enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash, .busybox), "needs haproxy, openssl, socat, busybox"))
struct HAProxyLookTests {
  private static let shells = [["dash"], ["busybox", "sh"]]

  private func look(_ work: RolloutWork, on bench: HAProxyBench) async throws -> [NodeSighting] {
    let script = work.look(nonce: Nonce("look"))
    return try work.readLook(try await bench.node.run(script), of: script).map(\.sighting)
  }

  /// A bench on which `first` and `second` were rolled out.
  private func deployed(_ naming: HAProxyBench.Naming, _ shell: [String]) async throws -> (HAProxyBench, RolloutWork) {
    let path = try #require((Tool(rawValue: shell[0]) ?? .dash).path)
    let bench = try HAProxyBench(naming, shell: [path] + shell.dropFirst())
    let facts = try await bench.facts()
    let work = bench.work(try await bench.batch(["first", "second"], expected: .anything), facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    _ = try await bench.step(work, work.activate(nonce: Nonce("b")))
    let clean = work.cleanUp(succeeded: true, nonce: Nonce("c"))
    _ = try await bench.node.run(clean)
    return (bench, bench.work(work.files, facts: facts, rollout: "look"))
  }

  @Test(arguments: shells)
  func whatIsRightIsToldByDiskListAndMemory(_ shell: [String]) async throws {
    let (bench, work) = try await deployed(.crtList, shell)

    let seen = try await look(work, on: bench)

    for (file, sighting) in zip(work.files, seen) {
      let expected = SeenLeaf(sha256: file.sha256, serial: file.serial)
      guard case .leaf(let disk) = sighting.disk, case .leaf(let memory) = sighting.memory else {
        Issue.record("\(sighting)")
        continue
      }
      #expect(disk.isSame(as: expected))
      #expect(memory.isSame(as: expected))
      #expect(sighting.listing == .named)
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: "\(bench.node.root)/home/.certfleet")
    #expect(!left.contains { $0.hasPrefix("look") }, "\(left)")
    #expect(!work.look(nonce: Nonce("look")).isChange, "a look leaves no mark and waits for nobody")
  }

  @Test(arguments: shells)
  func aFileThatIsGoneALineThatIsGoneAndAStrangersFileAreTold(_ shell: [String]) async throws {
    let (bench, work) = try await deployed(.crtList, shell)
    let root = bench.node.root
    try bench.node.write("\(root)/certs/first.pem\n", to: bench.list)
    try FileManager.default.removeItem(atPath: "\(root)/certs/first.pem")
    try bench.node.write(try bench.certificates.makePEM("stranger.test"), to: "\(root)/certs/second.pem")
    let stranger = try bench.node.leaf("\(root)/certs/second.pem")

    let seen = try await look(work, on: bench)

    #expect(seen[0].disk == .nothing)
    #expect(seen[0].listing == .named)
    guard case .leaf(let disk) = seen[1].disk, case .leaf = seen[0].memory else {
      Issue.record("\(seen)")
      return
    }
    #expect(disk.sha256 == stranger)
    #expect(disk.issuer == "test authority")
    #expect(disk.notAfter.map { $0 > Date() } == true)
    #expect(seen[1].listing == .missing)
  }

  @Test func whatMemoryDoesNotHoldIsTold() async throws {
    let (bench, work) = try await deployed(.directory, ["dash"])
    try bench.cli("del ssl crt-list \(bench.node.root)/certs \(bench.node.root)/certs/second.pem")

    let unused = try await look(work, on: bench)
    try bench.cli("del ssl cert \(bench.node.root)/certs/second.pem")
    let gone = try await look(work, on: bench)

    if case .unused = unused[1].memory {} else { Issue.record("\(unused[1])") }
    #expect(gone[1].memory == .nothing)
    #expect(gone[1].listing == .notAsked)
  }
}

/// The same of stunnel, which tells nothing of its memory.
@Suite(.enabled(if: Tool.areHere(.stunnel, .openssl, .dash), "needs stunnel, openssl, dash"))
struct StunnelLookTests {
  @Test func filesAndSectionsAreTold() async throws {
    let bench = try StunnelBench()
    let facts = try await bench.facts()
    let files = try await makeBatch(["first", "second"], on: bench.node, bench.certificates, expected: .anything)
    let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "r1", files: files)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    _ = try await bench.step(work, work.activate(nonce: Nonce("b")))
    func look() async throws -> [NodeSighting] {
      let work = RolloutWork(node: bench.node.node, facts: facts, rollout: "look", files: files)
      let script = work.look(nonce: Nonce("look"))
      return try work.readLook(try await bench.node.run(script), of: script).map(\.sighting)
    }

    let right = try await look()
    for section in try FileManager.default.contentsOfDirectory(atPath: bench.include) {
      try FileManager.default.removeItem(atPath: "\(bench.include)/\(section)")
    }
    let wrong = try await look()

    #expect(right.allSatisfy { $0.listing == .named && $0.memory == .notAsked })
    // The first stands in the operator's own section, the second stood in ours.
    #expect(wrong.map(\.listing) == [.named, .missing])
  }
}
