import Appliance
import Fleet
import Foundation
import Testing

/// One node with a batch of a replaced and a new certificate, walked through by the real rollout machine while one step meets a fault.
final class FaultBench {
  let node: TestNode
  let facts: NodeFacts
  /// `first` replaces a certificate, `second` is new.
  let files: [BatchFile]
  let old: String
  private let served: (String) throws -> String
  private let path: String
  private var count = 0
  /// An rm that failed leaves what a checker printed: no secret, and swept after a day.
  var mayLeaveOutput = false

  /// A step of the machine on the one node.
  enum Step: String, CaseIterable { case stage, activate, verify, rollBack, verifyOld, cleanUp }

  /// How a command misbehaves.
  enum Fault: String, CaseIterable {
    /// It says that the disk is full and fails.
    case full
    /// It fails from its second call on.
    case failingLater
    /// It says nothing, does nothing, and ends well.
    case lying
  }

  /// What became of a walk.
  struct Walk {
    var state: Rollout.State
    var cause: Failure?
    /// Whether the command was called at all.
    var wasCalled: Bool
    var left: [String]
    /// An operator's rollback came after it.
    var isPutBack = false
    let work: RolloutWork
  }

  init(
    _ node: TestNode, facts: NodeFacts, files: [BatchFile], old: String, served: @escaping (String) throws -> String
  ) {
    self.node = node
    self.facts = facts
    self.files = files
    self.old = old
    self.served = served
    path = node.environment["PATH"] ?? ""
  }

  static func haproxy() async throws -> (HAProxyBench, FaultBench) {
    let bench = try HAProxyBench()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let files = try await bench.batch(["first", "second"], expected: .leaves([old]))
    let facts = try await bench.facts()
    return (bench, FaultBench(bench.node, facts: facts, files: files, old: old) { try bench.served($0) })
  }

  static func stunnel() async throws -> (StunnelBench, FaultBench) {
    let bench = try StunnelBench()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let files = try await makeBatch(
      ["first", "second"], on: bench.node, bench.certificates, expected: .leaves([old]))
    let facts = try await bench.facts()
    return (bench, FaultBench(bench.node, facts: facts, files: files, old: old) { try bench.served($0) })
  }

  // MARK: Faults

  private var shims: String { "\(node.root)/shims" }
  private var calls: Int {
    FileManager.default.contents(atPath: "\(shims)/calls").map { $0.filter { $0 == UInt8(ascii: "x") }.count } ?? 0
  }

  /// Puts a false command before the true one.
  func arm(_ command: String, _ fault: Fault) throws {
    try disarm()
    try FileManager.default.createDirectory(atPath: shims, withIntermediateDirectories: true)
    let real = try #require(
      ["/usr/bin/", "/bin/"].map { $0 + command }.first { FileManager.default.isExecutableFile(atPath: $0) })
    let script =
      switch fault {
      case .full: "echo '\(command): No space left on device' >&2; exit 1"
      case .failingLater:
        "[ -s \(shims)/again ] && { echo '\(command): it broke' >&2; exit 1; }; echo >\(shims)/again; exec \(real) \"$@\""
      case .lying: "exit 0"
      }
    try arm(command, script: script)
  }

  /// The same with any script.
  func arm(_ command: String, script: String) throws {
    try Run.install("printf x >>\(shims)/calls\n\(script)\n", at: "\(shims)/\(command)")
    node.environment["PATH"] = "\(shims):\(path)"
  }

  /// All commands are true again.
  func disarm() throws {
    node.environment["PATH"] = path
    if node.exists(shims) { try FileManager.default.removeItem(atPath: shims) }
  }

  // MARK: The walk

  /// Walks one rollout to its end; `fault` is called before the step that meets it, `mend` after it.
  ///
  /// - Parameter turnsRound: The VIP shows something else, so that all goes back.
  func walk(
    at faulty: Step, turnsRound: Bool = false, fault: () throws -> Void, mend: () throws -> Void
  ) async throws -> Walk {
    count += 1
    let work = RolloutWork(
      node: node.node, facts: facts, rollout: RolloutID("r\(count)"), files: files)
    var rollout = Rollout(id: work.rollout, hasSecond: false)
    var walk = Walk(state: rollout.state, cause: nil, wasCalled: false, left: [], work: work)
    while case .doing(let step) = rollout.state {
      let mine = Self.step(step)
      if mine == faulty { try fault() }
      let outcome: Rollout.Outcome
      switch step {
      case .check: outcome = .succeeded
      case .verifyVIP:
        outcome = turnsRound ? .failed(Failure(.servesOldCertificate, "the VIP shows another")) : .succeeded
      case .stage, .activate, .rollBack, .verify, .verifyOld, .cleanUp:
        outcome = await perform(step, work, isDone: rollout.serves(.first), &walk)
      }
      if mine == faulty {
        walk.wasCalled = walk.wasCalled || calls > 0
        try mend()
      }
      try rollout.apply(step, outcome)
    }
    walk.state = rollout.state
    walk.cause = rollout.cause
    return walk
  }

  private static func step(_ step: Rollout.Step) -> Step? {
    switch step {
    case .check, .verifyVIP: nil
    case .stage: .stage
    case .activate: .activate
    case .verify: .verify
    case .rollBack: .rollBack
    case .verifyOld: .verifyOld
    case .cleanUp: .cleanUp
    }
  }

  private func perform(
    _ step: Rollout.Step, _ work: RolloutWork, isDone: Bool, _ walk: inout Walk
  ) async -> Rollout.Outcome {
    do throws(Failure) {
      switch step {
      case .check, .verifyVIP: return .succeeded
      case .stage: return try await answer(work, work.stage(nonce: Nonce("n")))
      case .activate: return try await answer(work, work.activate(nonce: Nonce("n")))
      case .rollBack: return try await answer(work, work.rollBack(nonce: Nonce("n")))
      case .verify: return try await evidence(work, work.verify(nonce: Nonce("n")))
      case .verifyOld: return try await evidence(work, work.verifyOld(nonce: Nonce("n")))
      case .cleanUp:
        let script = work.cleanUp(succeeded: isDone, nonce: Nonce("n"))
        walk.left = try work.readCleanUp(try await node.run(script), of: script)
        return .succeeded
      }
    } catch {
      if case .cleanUp = step { walk.left = [error.detail] }
      return .failed(error)
    }
  }

  private func answer(_ work: RolloutWork, _ script: RemoteScript) async throws(Failure) -> Rollout.Outcome {
    let answer = try work.read(try await node.run(script), of: script)
    return answer.failures.first.map { .failed($0.failure) } ?? .succeeded
  }

  private func evidence(_ work: RolloutWork, _ script: RemoteScript) async throws(Failure) -> Rollout.Outcome {
    for piece in try work.readEvidence(try await node.run(script), of: script) {
      if case .failure(let failure) = piece.proof { return .failed(failure) }
    }
    return .succeeded
  }

  // MARK: What must hold

  /// Puts everything back without any fault, as an operator's next try would.
  func heal(_ walk: Walk) async throws {
    let back = try await answer(walk.work, walk.work.rollBack(nonce: Nonce("h")))
    #expect(back == .succeeded)
    try await tidy(walk)
  }

  /// Tidies without any fault.
  func tidy(_ walk: Walk) async throws {
    let script = walk.work.cleanUp(succeeded: walk.state == .done && !walk.isPutBack, nonce: Nonce("t"))
    #expect(try walk.work.readCleanUp(try await node.run(script), of: script).isEmpty)
  }

  /// The node serves the whole old set from its disk, and nothing of the rollout is left.
  func requireOld(_ story: Comment) throws {
    #expect(try node.leaf("\(node.root)/certs/first.pem") == old, story)
    #expect(!node.exists("\(node.root)/certs/second.pem"), story)
    #expect(try served("first.test") == old, story)
    #expect(try served("second.test") != files[1].sha256, story)
    try requireTidy(story)
  }

  /// The node serves the whole new set from its disk.
  func requireNew(_ story: Comment) throws {
    for file in files {
      #expect(try node.leaf("\(node.root)/certs/\(file.label).pem") == file.sha256, story)
      #expect(try served("\(file.label).test") == file.sha256, story)
    }
    try requireTidy(story)
  }

  private func requireTidy(_ story: Comment) throws {
    let names = try #require(FileManager.default.enumerator(atPath: node.root)).compactMap { $0 as? String }
    let strays = names.filter { name in
      let last = name.split(separator: "/").last ?? ""
      return last.contains(".tmp") || last.hasPrefix(".put.") || (last.hasPrefix("out.") && !mayLeaveOutput)
        || name.contains("/rollouts/")
        || name.hasSuffix("/lock")
        || (name.contains("certs/.certfleet/") && !name.contains("/previous"))
    }
    #expect(strays.isEmpty, story)
  }
}
