import Appliance
import Fleet
import Foundation
import Glibc
import SSH
import Testing

/// Every command of every step fails, lies or hangs; the disk is full or cannot be written; the connection is cut. Each walk ends, and each
/// node ends all-new or all-old.
@Suite(
  .serialized,
  .enabled(
    if: Tool.areHere(.haproxy, .stunnel, .openssl, .socat, .dash), "needs haproxy, stunnel, openssl, socat, dash"))
struct FaultMatrixTests {
  static let commands = ["openssl", "mv", "cp", "cat", "mkdir", "socat", "rm"]

  @Test(arguments: FaultBench.Step.allCases)
  func aHAProxyNodeEndsAllNewOrAllOldWhateverCommandFailsOrLies(_ step: FaultBench.Step) async throws {
    let (bench, faults) = try await FaultBench.haproxy()
    var called = 0
    for command in Self.commands {
      for fault in Self.faults(at: step) {
        if try await meets(command, fault, at: step, faults) { called += 1 }
      }
    }
    #expect(called >= 3)
    withExtendedLifetime(bench) {}
  }

  /// A command that breaks on its way leaves most behind where files move; elsewhere it is like one that never worked.
  private static func faults(at step: FaultBench.Step) -> [FaultBench.Fault] {
    switch step {
    case .activate, .rollBack: FaultBench.Fault.allCases
    case .stage, .verify, .verifyOld, .cleanUp: [.full, .lying]
    }
  }

  @Test(arguments: [FaultBench.Step.activate, .rollBack])
  func aStunnelNodeEndsAllNewOrAllOldWhateverCommandFailsOrLies(_ step: FaultBench.Step) async throws {
    let (bench, faults) = try await FaultBench.stunnel()
    var called = 0
    for command in ["mv", "cp", "cat"] {
      for fault in Self.faults(at: step) {
        if try await meets(command, fault, at: step, faults) { called += 1 }
      }
    }
    #expect(called >= 3)
    withExtendedLifetime(bench) {}
  }

  /// One field of the matrix: the walk, its end, and the node back where it was.
  private func meets(
    _ command: String, _ fault: FaultBench.Fault, at step: FaultBench.Step, _ faults: FaultBench
  ) async throws -> Bool {
    let story: Comment = "\(command) is \(fault) in \(step)"
    if command == "rm" { faults.mayLeaveOutput = true }
    let walk = try await faults.walk(
      at: step, turnsRound: step == .rollBack || step == .verifyOld, fault: { try faults.arm(command, fault) },
      mend: { try faults.disarm() })
    switch walk.state {
    case .done:
      if !walk.left.isEmpty { try await faults.tidy(walk) }
      try faults.requireNew(story)
      try await putBack(walk, faults)
    case .refused:
      #expect(walk.cause != nil, story)
      if !walk.left.isEmpty { try await faults.tidy(walk) }
    case .stranded:
      // Told as such: a person says it again, and it works.
      #expect(step == .rollBack || step == .verifyOld || walk.cause != nil, story)
      try await faults.heal(walk)
    case .doing, .degraded: Issue.record(story)
    }
    if let cause = walk.cause { #expect(cause.kind != .internalError, story) }
    if fault == .full, walk.wasCalled, walk.state == .refused, ["cp", "mv", "mkdir"].contains(command) {
      #expect(walk.cause?.kind == (step == .stage || step == .activate ? .diskFull : walk.cause?.kind), story)
    }
    try faults.requireOld(story)
    return walk.wasCalled
  }

  /// After a success the previous set goes back, so that the next field begins where this one did.
  private func putBack(_ walk: FaultBench.Walk, _ faults: FaultBench) async throws {
    let script = walk.work.rollBack(to: .ofLastRollout, nonce: Nonce("p"))
    let answer = try walk.work.read(try await faults.node.run(script), of: script)
    #expect(answer.failures.isEmpty)
    var walk = walk
    walk.isPutBack = true
    try await faults.tidy(walk)
  }

  @Test(arguments: [FaultBench.Step.stage, .activate, .rollBack], ["openssl", "mv", "socat"])
  func aCommandThatHangsHoldsNobodyForEver(_ step: FaultBench.Step, _ command: String) async throws {
    let (bench, faults) = try await FaultBench.haproxy()
    let node = faults.node
    let work = RolloutWork(node: node.node, facts: faults.facts, rollout: "h1", files: faults.files)
    func script(_ step: FaultBench.Step) -> RemoteScript {
      switch step {
      case .stage: work.stage(nonce: Nonce("h"))
      case .activate: work.activate(nonce: Nonce("h"))
      case .rollBack, .verify, .verifyOld, .cleanUp: work.rollBack(nonce: Nonce("h"))
      }
    }
    for before in [FaultBench.Step.stage, .activate].prefix(step == .stage ? 0 : step == .activate ? 1 : 2) {
      _ = try await bench.step(work, script(before))
    }
    let hung = "\(node.root)/hung"
    try faults.arm(command, script: "echo $$ >\(hung).new; mv \(hung).new \(hung); exec /bin/sleep 1000")
    if command == "mv" {
      try faults.arm(command, script: "echo $$ >\(hung); exec /bin/sleep 1000")
    }
    let stuck = script(step)
    var busy: Failure?
    _ = try node.perform(stuck.stdin) { _ in
      guard let text = FileManager.default.contents(atPath: hung).map({ String(decoding: $0, as: UTF8.self) }),
        let pid = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))
      else {
        usleep(10_000)  // between two looks
        return
      }
      if busy == nil { busy = Self.said(by: work, node, while: hung) }
      kill(pid, SIGKILL)
      // Every further call hangs as well: ended as soon as it shows.
      unlink(hung)
    }
    // What is not called cannot hang: openssl where the files are known by their check sums, socat where memory needs nothing said.
    if busy != nil { #expect(busy?.kind == .interrupted) }
    #expect(busy != nil || command == "socat" || command == "openssl" && step != .stage)

    try faults.disarm()
    let back = work.rollBack(nonce: Nonce("b"))
    #expect(try work.read(try await node.run(back), of: back).failures.isEmpty)
    let clean = work.cleanUp(succeeded: false, nonce: Nonce("c"))
    #expect(try work.readCleanUp(try await node.run(clean), of: clean).isEmpty)
    try faults.requireOld("\(command) hung in \(step)")
    withExtendedLifetime(bench) {}
  }

  /// What the next step hears while one hangs: it waits its time (here without sleeping) and says so.
  private static func said(by work: RolloutWork, _ node: TestNode, while hung: String) -> Failure? {
    let path = node.environment["PATH"]
    defer { node.environment["PATH"] = path }
    do {
      node.environment["PATH"] = try node.sleepless() + ":/usr/bin:/bin"
      let script = work.rollBack(nonce: Nonce("w"))
      _ = try work.read(try node.perform(script.stdin), of: script)
      return nil
    } catch let failure as Failure {
      return failure
    } catch {
      return nil
    }
  }

  @Test func noStepThatIsCutAnywhereChangesAnything() async throws {
    let (bench, faults) = try await FaultBench.haproxy()
    let node = faults.node
    let work = RolloutWork(node: node.node, facts: faults.facts, rollout: "c1", files: faults.files)
    let order = KeyOrder(attempt: "cut-1", names: try #require(NameSet(["cut.test"])), key: .ecdsaP256)
    let receive = KeyWork.recipient("c1", on: node.node, nonce: Nonce("n"))
    let recipient = try KeyWork.readRecipient(try await node.run(receive), of: receive)
    let keys = [(attempt: faults.files[0].attempt, publicKeySHA256: faults.files[0].publicKeySHA256)]
    let steps: [(String, RemoteScript)] = [
      ("key", KeyWork.make([order], on: node.node, nonce: Nonce("n"))), ("recipient", receive),
      ("seal", KeyWork.seal(keys, to: recipient, rollout: "c1", on: node.node, nonce: Nonce("n"))),
      ("stage", work.stage(nonce: Nonce("n"))), ("activate", work.activate(nonce: Nonce("n"))),
      ("verify", work.verify(nonce: Nonce("n"))), ("roll back", work.rollBack(nonce: Nonce("n"))),
      ("verify old", work.verifyOld(nonce: Nonce("n"))), ("clean up", work.cleanUp(succeeded: true, nonce: Nonce("n"))),
      ("previous", work.previous(nonce: Nonce("n"))),
    ]
    for (name, script) in steps {
      let before = try Snapshot(node.root)
      let whole = script.stdin.count - "} </dev/null\n".utf8.count
      for cut in stride(from: 0, to: whole, by: max(1, whole / 12)) {
        let result = try node.perform(Array(script.stdin[..<cut]))

        #expect(!String(decoding: result.stdout, as: UTF8.self).contains(" end "), "\(name) cut at \(cut)")
        #expect(try Snapshot(node.root) == before, "\(name) cut at \(cut)")
      }
    }
    withExtendedLifetime(bench) {}
  }

  @Test(
    .enabled(if: SmallDisk.isPossible, "needs root and leave to mount a tmpfs"),
    arguments: [FaultBench.Step.stage, .activate, .rollBack, .cleanUp], [SmallDisk.Fault.full, .readOnly])
  func aDiskThatIsFullOrCannotBeWrittenLeavesNothingHalfDone(
    _ step: FaultBench.Step, _ fault: SmallDisk.Fault
  ) async throws {
    let (bench, faults) = try await FaultBench.haproxy()
    let disk = try SmallDisk(at: "\(faults.node.root)/certs")
    defer { disk.remove() }

    let walk = try await faults.walk(
      at: step, turnsRound: step == .rollBack, fault: { try disk.meet(fault) }, mend: { try disk.mend() })

    switch (step, walk.state) {
    // The files were staged while there was room, and the previous set is kept on another disk: renaming needs none.
    case (.activate, .done) where fault == .full:
      try faults.requireNew("\(fault) in \(step)")
      return
    case (.stage, .refused), (.activate, .refused):
      #expect(walk.cause?.kind == (fault == .full ? .diskFull : .stageRefused), "\(String(describing: walk.cause))")
    case (.rollBack, .stranded): try await faults.heal(walk)
    case (.cleanUp, .done):
      #expect(fault == .full || !walk.left.isEmpty)
      try await faults.tidy(walk)
      try faults.requireNew("\(fault) in \(step)")
      return
    default: Issue.record("\(fault) in \(step) ended \(walk.state): \(String(describing: walk.cause))")
    }
    if !walk.left.isEmpty { try await faults.tidy(walk) }
    try faults.requireOld("\(fault) in \(step)")
    withExtendedLifetime(bench) {}
  }
}

/// A file system of its own, a quarter of a megabyte large, in place of a directory and with the same files.
struct SmallDisk {
  enum Fault: String, CaseIterable { case full, readOnly }

  private let path: String
  private static let mountTool = "/bin/mount"

  /// Whether this process may mount: root in a container often may not.
  static let isPossible: Bool = {
    guard geteuid() == 0 else { return false }
    let place = "/tmp/cf-mount-\(UUID().uuidString.prefix(8))"
    do {
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let isMounted = try Run.program(mountTool, ["-t", "tmpfs", "-o", "size=64k", "none", place]).status == 0
      if isMounted { umount2(place, Int32(MNT_DETACH)) }
      try FileManager.default.removeItem(atPath: place)
      return isMounted
    } catch {
      return false
    }
  }()

  init(at path: String) throws {
    self.path = path
    let files = try FileManager.default.contentsOfDirectory(atPath: path).map { name in
      (name, try Data(contentsOf: URL(filePath: "\(path)/\(name)")))
    }
    let mounted = try Run.program(Self.mountTool, ["-t", "tmpfs", "-o", "size=256k,mode=700", "none", path])
    try #require(mounted.status == 0, "\(String(decoding: mounted.stderr, as: UTF8.self))")
    for (name, data) in files { try data.write(to: URL(filePath: "\(path)/\(name)")) }
  }

  func meet(_ fault: Fault) throws {
    switch fault {
    case .full:
      // To the last byte: as large as it gets, then byte by byte.
      let descriptor = open("\(path)/.filler", O_WRONLY | O_CREAT, 0o600)
      try #require(descriptor >= 0)
      defer { close(descriptor) }
      let block = [UInt8](repeating: 0, count: 4_096)
      while write(descriptor, block, block.count) == block.count {}
    case .readOnly:
      try #require(try Run.program(Self.mountTool, ["-o", "remount,ro", path]).status == 0)
    }
  }

  func mend() throws {
    _ = try Run.program(Self.mountTool, ["-o", "remount,rw", path])
    unlink("\(path)/.filler")
  }

  func remove() { umount2(path, Int32(MNT_DETACH)) }
}
