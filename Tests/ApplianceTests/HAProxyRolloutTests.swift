import Appliance
import Fleet
import Foundation
import Testing

/// The whole way on a real HAProxy: what a handshake shows, what memory and disk hold, and how often it was reloaded.
@Suite(.enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"))
struct HAProxyRolloutTests {
  @Test(arguments: [HAProxyBench.Naming.directory, .crtList])
  func aNewAndAReplacedCertificateAreServedWithoutAReload(_ naming: HAProxyBench.Naming) async throws {
    let bench = try HAProxyBench(naming)
    let facts = try await bench.facts()
    #expect(facts.hotUpdate == .replaceAndAdd)
    #expect(facts.terminations.first?.configurationPasses == true)
    #expect(Survey.missing(facts, on: bench.node.node).isEmpty)
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    var files = try await bench.batch(["first", "second"])
    files[0].expected = .leaves([old])
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))
    let verify = work.verify(nonce: Nonce("c"))
    let evidence = try work.readEvidence(try await bench.node.run(verify), of: verify)

    #expect(staged.certificates.values.allSatisfy { $0 == .done(.staged) }, "\(staged)")
    #expect(active.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(active)")
    #expect(bench.reloads == 0)
    for (file, found) in zip(files, evidence) {
      #expect(try bench.served(file.names.first) == file.sha256)
      #expect(found.disk.fingerprint == file.sha256)
      #expect(found.memory?.standing == .same)
      #expect(found.memory?.serial == file.serial)
      #expect(try found.proof.get().level == .memory)
    }
    if naming == .crtList { #expect(try bench.node.read(bench.list).contains("/certs/second.pem\n")) }
    try bench.restart()
    for file in files { #expect(try bench.served(file.names.first) == file.sha256) }
  }

  @Test(arguments: [HAProxyBench.Naming.directory, .crtList])
  func rollingBackBringsTheOldSetBackAndTakesTheNewOneAway(_ naming: HAProxyBench.Naming) async throws {
    let bench = try HAProxyBench(naming)
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let listed = try bench.node.read(bench.list)
    let work = bench.work(try await bench.batch(["first", "second"], expected: .anything), facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    _ = try await bench.step(work, work.activate(nonce: Nonce("b")))

    let back = try await bench.step(work, work.rollBack(nonce: Nonce("c")))
    let verify = work.verifyOld(nonce: Nonce("d"))
    let evidence = try work.readEvidence(try await bench.node.run(verify), of: verify)

    #expect(back.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(back)")
    #expect(evidence.allSatisfy { $0.disk.standing == .same && $0.memory?.standing == .same }, "\(evidence)")
    #expect(try bench.served("first.test") == old)
    #expect(try bench.served("second.test") == old)
    #expect(!bench.node.exists("\(bench.node.root)/certs/second.pem"))
    #expect(try bench.node.read(bench.list) == listed)
    #expect(bench.reloads == 0)
  }

  @Test func afterCleaningUpAnOperatorCanStillRollBack() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    _ = try await bench.step(work, work.activate(nonce: Nonce("b")))

    let clean = work.cleanUp(succeeded: true, nonce: Nonce("c"))
    #expect(try work.readCleanUp(try await bench.node.run(clean), of: clean).isEmpty)
    #expect(!bench.node.exists("\(bench.node.root)/certs/.certfleet/r1"))
    #expect(!bench.node.exists("\(bench.node.root)/home/.certfleet/rollouts/r1"))
    let back = try await bench.step(work, work.rollBack(to: .ofLastRollout, nonce: Nonce("d")))

    #expect(back.certificates["p1/first"] == .done(.hot))
    #expect(try bench.served("first.test") == old)
  }

  @Test func everyStepMayBeRepeated() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let work = bench.work(try await bench.batch(["first", "second"], expected: .leaves([old])), facts: facts)

    for nonce in ["a", "b"] {
      let staged = try await bench.step(work, work.stage(nonce: Nonce(nonce)))
      #expect(staged.failures.isEmpty, "\(staged)")
    }
    for nonce in ["c", "d"] {
      let active = try await bench.step(work, work.activate(nonce: Nonce(nonce)))
      #expect(active.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(active)")
    }
    for nonce in ["e", "f"] {
      let back = try await bench.step(work, work.rollBack(nonce: Nonce(nonce)))
      #expect(back.failures.isEmpty, "\(back)")
    }
    #expect(try bench.served("first.test") == old)
  }

  @Test func aBrokenPEMAlreadyInTheDirectoryStopsNothingAndIsTold() async throws {
    let bench = try HAProxyBench()
    try bench.node.write("-----BEGIN CERTIFICATE-----\nbroken\n", to: "\(bench.node.root)/certs/broken.pem")
    let facts = try await bench.facts()
    #expect(facts.terminations.first?.configurationPasses == false)
    #expect(Survey.missing(facts, on: bench.node.node).contains { $0.what.contains("cannot restart") })
    let files = try await bench.batch(["first", "second"], expected: .anything)
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(staged.alarms.map(\.kind) == [.nodeCannotRestart])
    #expect(staged.alarms.first?.detail.contains("broken.pem") == true, "\(staged.alarms)")
    #expect(active.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(active)")
    #expect(active.alarms.map(\.kind) == [.nodeCannotRestart])
    for file in files { #expect(try bench.served(file.names.first) == file.sha256) }
    #expect(bench.reloads == 0)
  }

  @Test func aBrokenConfigurationAndNoSocketRefusesInsteadOfReloading() async throws {
    let bench = try HAProxyBench()
    try bench.node.write("junk", to: "\(bench.node.root)/certs/broken.pem")
    bench.adapt { $0.socket = nil }
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.configRefused], "\(active)")
    #expect(bench.reloads == 0)
    #expect(try bench.node.leaf("\(bench.node.root)/certs/first.pem") == old)
  }

  @Test func aForeignOpenTransactionIsLeftAloneAndAReloadServesTheBatch() async throws {
    let bench = try HAProxyBench()
    try bench.addCertificate("other")
    let facts = try await bench.facts()
    let other = "\(bench.node.root)/certs/other.pem"
    try bench.cli("set ssl cert \(other) <<\n\(bench.certificates.makePEM("other.test"))")
    #expect(try bench.cli("show ssl cert").contains("*\(other)"))
    let served = try bench.served("other.test")
    let files = try await bench.batch(["first"], expected: .anything)
    let work = bench.work(files, facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.certificates["p1/first"] == .done(.reload), "\(active)")
    #expect(active.reloads.first?.reason.contains("transaction about \(other) is open") == true, "\(active)")
    #expect(bench.reloads == 1)
    #expect(try bench.served("first.test") == files[0].sha256)
    #expect(try bench.served("other.test") == served)
  }

  @Test func aTransactionLeftByAKilledStepOfOursIsAbortedFirst() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let first = "\(bench.node.root)/certs/first.pem"
    try bench.cli("set ssl cert \(first) <<\n\(bench.certificates.makePEM("first.test"))")
    #expect(try bench.cli("show ssl cert").contains("*\(first)"))
    let files = try await bench.batch(["first"], expected: .anything)
    let work = bench.work(files, facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.certificates["p1/first"] == .done(.hot), "\(active)")
    #expect(try bench.served("first.test") == files[0].sha256)
    #expect(bench.reloads == 0)
  }

  @Test func withoutASocketOneReloadServesTheWholeBatch() async throws {
    let bench = try HAProxyBench()
    bench.adapt { $0.socket = nil }
    let facts = try await bench.facts()
    let files = try await bench.batch(["first", "second", "third"], expected: .anything)
    let work = bench.work(files, facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.certificates.values.allSatisfy { $0 == .done(.reload) }, "\(active)")
    #expect(bench.reloads == 1)
    for file in files {
      try Run.until("\(file.label) is served") { try bench.served(file.names.first) == file.sha256 }
    }
  }

  @Test func aRefusedReloadLeavesTheOldSetOnTheDiskAndInUse() async throws {
    let bench = try HAProxyBench()
    bench.adapt {
      $0.socket = nil
      $0.reload = "echo r >>\(bench.node.root)/reloads; echo nothing doing >&2; exit 5"
    }
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let work = bench.work(try await bench.batch(["first", "second"], expected: .anything), facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.reloadRefused, .reloadRefused], "\(active)")
    #expect(active.failures.first?.failure.detail.contains("nothing doing") == true)
    #expect(bench.reloads == 2)
    #expect(try bench.node.leaf("\(bench.node.root)/certs/first.pem") == old)
    #expect(!bench.node.exists("\(bench.node.root)/certs/second.pem"))
    #expect(try bench.served("first.test") == old)
  }

  @Test func aReloadThatSaysItWorkedButDidNotIsFoundOut() async throws {
    let bench = try HAProxyBench()
    bench.adapt { $0.reload = "true" }
    var facts = try await bench.facts()
    facts.haproxy = SoftwareVersion(2, 1)
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let work = bench.work(try await bench.batch(["second"], expected: .anything), facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    // a minute of patience is the script's; the clock of the shell is made to run
    bench.node.environment["PATH"] = try bench.node.hurriedClock() + ":" + (bench.node.environment["PATH"] ?? "")
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.reloadRefused], "\(active)")
    #expect(!bench.node.exists("\(bench.node.root)/certs/second.pem"))
    #expect(try bench.served("first.test") == old)
  }

  @Test func aFileChangedByHandIsNotOverwrittenUnlessTold() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let byHand = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    var files = try await bench.batch(["first", "second"], expected: .leaves([String(repeating: "ab", count: 32)]))
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(staged.failures.map(\.failure.kind) == [.changedByHand], "\(staged)")
    #expect(active.failures.map(\.failure.kind) == [.changedByHand])
    #expect(active.certificates["p1/second"] == .done(.hot))
    #expect(try bench.served("first.test") == byHand)
    files[0].expected = .anything
    let told = bench.work([files[0]], facts: facts)
    _ = try await bench.step(told, told.stage(nonce: Nonce("c")))
    _ = try await bench.step(told, told.activate(nonce: Nonce("d")))
    #expect(try bench.served("first.test") == files[0].sha256)
  }

  @Test func ownerAndModeOfAReplacedFileAreKept() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let first = "\(bench.node.root)/certs/first.pem"
    chmod(first, 0o640)
    if getuid() == 0 { chown(first, 1, 1) }
    let work = bench.work(try await bench.batch(["first", "second"], expected: .anything), facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    _ = try await bench.step(work, work.activate(nonce: Nonce("b")))

    let attributes = try FileManager.default.attributesOfItem(atPath: first)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
    if getuid() == 0 { #expect(attributes[.ownerAccountID] as? Int == 1) }
    let new = try FileManager.default.attributesOfItem(atPath: "\(bench.node.root)/certs/second.pem")
    #expect((new[.posixPermissions] as? Int ?? 0o777) & 0o007 == 0)
  }

  @Test func aLabelThatNothingLoadsIsRefusedWithTheRemedy() async throws {
    let bench = try HAProxyBench()
    bench.adapt { $0.certificates = "\(bench.node.root)/labels/%label%/%label%.pem" }
    try FileManager.default.createDirectory(
      atPath: "\(bench.node.root)/labels", withIntermediateDirectories: true)
    let facts = try await bench.facts()
    let work = bench.work(try await bench.batch(["second"]), facts: facts)

    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.stageRefused], "\(active)")
    #expect(active.failures.first?.failure.detail.contains("crt") == true)
    #expect(!bench.node.exists("\(bench.node.root)/labels/second/second.pem"))
  }

  @Test func aRoleThatChangedStopsTheActivationBeforeAnythingIsTouched() async throws {
    let bench = try HAProxyBench()
    bench.node.node.active = .statusFile("\(bench.node.root)/status")
    try bench.node.write("passive\n", to: "\(bench.node.root)/status")
    let facts = try await bench.facts()
    let old = try bench.served("first.test")
    let vips = [VIP(id: "v1", address: "192.0.2.1")]
    let files = try await bench.batch(["first"], expected: .anything)
    let work = bench.work(files, facts: facts, roles: RolloutWork.ExpectedRoles(vips: vips, active: ["v1"]))
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))

    await #expect(throws: Failure.self) { try await bench.step(work, work.activate(nonce: Nonce("b"))) }
    #expect(try bench.served("first.test") == old)
    try bench.node.write("active\n", to: "\(bench.node.root)/status")
    let active = try await bench.step(work, work.activate(nonce: Nonce("c")))

    #expect(active.certificates["p1/first"] == .done(.hot))
  }

  @Test func aReloadThatHangsIsEndedAndTheOldSetIsBack() async throws {
    let bench = try HAProxyBench()
    bench.adapt {
      $0.socket = nil
      $0.reload = "exec /bin/sleep 100000"
    }
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    bench.node.environment["PATH"] = try bench.node.sleepless() + ":" + (bench.node.environment["PATH"] ?? "")

    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect(active.failures.map(\.failure.kind) == [.reloadRefused], "\(active)")
    #expect(try bench.node.leaf("\(bench.node.root)/certs/first.pem") == old)
  }

  @Test func aStepWaitsForOneThatStillRunsAndTakesOverFromADeadOne() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: facts)
    let lock = "\(bench.node.root)/home/.certfleet/lock"
    try FileManager.default.createDirectory(atPath: lock, withIntermediateDirectories: true)
    try bench.node.write("\(getpid())\n", to: "\(lock)/pid")
    let path = bench.node.environment["PATH"] ?? ""
    bench.node.environment["PATH"] = try bench.node.sleepless() + ":" + path

    let failure = await #expect(throws: Failure.self) {
      try await bench.step(work, work.stage(nonce: Nonce("a")))
    }
    #expect(failure?.detail.contains("still works here") == true)
    #expect(bench.node.exists(lock))
    // No process has this number: Linux stops at 2^22.
    try bench.node.write("4194305\n", to: "\(lock)/pid")
    bench.node.environment["PATH"] = path
    let staged = try await bench.step(work, work.stage(nonce: Nonce("b")))

    #expect(staged.failures.isEmpty, "\(staged)")
    #expect(!bench.node.exists(lock))

    // E6: a number that another process has now, and a lock whose owner died before it wrote its number, hold nobody up.
    bench.node.environment["PATH"] = try bench.node.sleepless() + ":" + path
    for (owner, nonce) in [("\(getpid()) 1\n", "c"), ("", "d")] {
      try FileManager.default.createDirectory(atPath: lock, withIntermediateDirectories: true)
      if !owner.isEmpty { try bench.node.write(owner, to: "\(lock)/pid") }
      let again = try await bench.step(work, work.stage(nonce: Nonce(nonce)))

      #expect(again.failures.isEmpty, "\(again)")
      #expect(!bench.node.exists(lock))
    }
  }
}
