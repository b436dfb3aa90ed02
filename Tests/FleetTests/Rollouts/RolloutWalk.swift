import Fleet

/// One walk through the machine: every step that it asked for, with what the step came to.
struct RolloutWalk {
  struct Visit: Equatable {
    var step: Rollout.Step
    var outcome: Rollout.Outcome
    var succeeded: Bool { outcome == .succeeded }
    var lost: Bool { if case .nodeLost = outcome { true } else { false } }
  }

  /// More than any way through the machine needs.
  static let longest = 24

  let hasSecond: Bool
  private(set) var rollout: Rollout
  private(set) var visits: [Visit] = []

  init(hasSecond: Bool) {
    self.hasSecond = hasSecond
    rollout = Rollout(id: RolloutID("r1"), hasSecond: hasSecond)
  }

  static func failed(_ words: String = "refused") -> Rollout.Outcome { .failed(Failure(.configRefused, words)) }
  static func lost(_ words: String = "gone") -> Rollout.Outcome { .nodeLost(Failure(.nodeUnreachable, words)) }

  /// A walk in which each step fails or loses its node with a chance that the seed draws too.
  static func random(seed: UInt64) throws -> RolloutWalk {
    var random = SeededGenerator(seed: seed)
    var walk = RolloutWalk(hasSecond: UInt8.random(in: 0..<4, using: &random) > 0)
    let chance = Int.random(in: 1...60, using: &random)
    try walk.go { _ in
      guard Int.random(in: 0..<100, using: &random) < chance else { return .succeeded }
      return Bool.random(using: &random) ? failed() : lost()
    }
    return walk
  }

  /// A walk in which everything goes well but the steps that are told here.
  static func scripted(
    hasSecond: Bool = true, _ faults: [(Rollout.Step, Rollout.Outcome)]
  ) throws -> RolloutWalk {
    var walk = RolloutWalk(hasSecond: hasSecond)
    try walk.go { step in faults.first { $0.0 == step }?.1 ?? .succeeded }
    return walk
  }

  private mutating func go(_ outcome: (Rollout.Step) -> Rollout.Outcome) throws {
    while case .doing(let step) = rollout.state, visits.count < Self.longest {
      let result = outcome(step)
      try rollout.apply(step, result)
      visits.append(Visit(step: step, outcome: result))
    }
  }

  var turns: [Rollout.Turn] { hasSecond ? [.first, .second] : [.first] }
  var steps: [Rollout.Step] { visits.map(\.step) }

  func position(_ step: Rollout.Step) -> Int? { steps.firstIndex(of: step) }
  func succeeded(_ step: Rollout.Step) -> Bool { visits.contains { $0.step == step && $0.succeeded } }

  /// The node stopped answering while the new set was going in, or before its old set was proved to be back.
  func isOutOfReach(_ turn: Rollout.Turn) -> Bool {
    visits.contains { visit in
      switch visit.step {
      case .stage(turn), .activate(turn), .verify(turn): visit.lost
      case .rollBack(turn), .verifyOld(turn): !visit.succeeded
      default: false
      }
    }
  }

  /// Whether the new set may be in this node's memory at the end, for all that was seen.
  func mayServeNew(_ turn: Rollout.Turn) -> Bool {
    var may = false
    for visit in visits {
      switch visit.step {
      case .activate(turn): may = true
      case .verifyOld(turn): may = !visit.succeeded
      default: break
      }
    }
    return may
  }
}
