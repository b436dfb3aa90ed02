import Fleet
import Testing

/// "X only after Y" for the steps that turn back and tidy, on the same walks as `RolloutTests`.
@Suite struct RolloutSequenceTests {
  private func each(
    _ rule: (RolloutWalk) -> Bool, _ words: Comment, at place: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(RolloutTests.walks.count >= 2_000)
    let broken = RolloutTests.walks.first { !rule($0) }
    #expect(broken == nil, words, sourceLocation: place)
    if let broken {
      let story = broken.visits.map { "\($0.step) \($0.outcome)" }.joined(separator: "\n")
      Issue.record("\(story)\n=> \(broken.rollout.state)", sourceLocation: place)
    }
  }

  /// Each visit of a step, with what was done before it.
  private func before(
    _ walk: RolloutWalk, _ rule: (Rollout.Step, ArraySlice<RolloutWalk.Visit>) -> Bool
  ) -> Bool {
    walk.visits.indices.allSatisfy { rule(walk.visits[$0].step, walk.visits[..<$0]) }
  }

  @Test func everythingElseComesOnlyAfterACheckThatSucceeded() {
    each(
      { (walk: RolloutWalk) -> Bool in
        before(walk) { step, done in step == .check || done.first == .init(step: .check, outcome: .succeeded) }
      }, "worked on a node without the check")
  }

  @Test func aNodeIsPutBackOnlyAfterTheNewSetWasOnItsWayThere() {
    each(
      { (walk: RolloutWalk) -> Bool in
        before(walk) { step, done in
          guard case .rollBack(let turn) = step else { return true }
          return done.contains { $0.step == .activate(turn) && !$0.lost }
        }
      }, "put back what was never activated")
  }

  @Test func theOldSetIsLookedForOnlyAfterItWentBack() {
    each(
      { (walk: RolloutWalk) -> Bool in
        before(walk) { step, done in
          guard case .verifyOld(let turn) = step else { return true }
          return done.last == .init(step: .rollBack(turn), outcome: .succeeded)
        }
      }, "looked for the old set without putting it back")
  }

  @Test func theSecondGoesBackBeforeTheFirst() {
    each(
      { (walk: RolloutWalk) -> Bool in
        before(walk) { step, done in
          guard step == .rollBack(.second) else { return true }
          return !done.contains { $0.step == .rollBack(.first) }
        }
      }, "the first went back while the second held the new set")
  }

  @Test func aNodeIsTidiedOnlyAfterItWasStagedAndEveryNodeThatMustGoBackWas() {
    each(
      { (walk: RolloutWalk) -> Bool in
        before(walk) { step, done in
          guard case .cleanUp(let turn) = step else { return true }
          let later = walk.visits[done.endIndex...]
          return done.contains { $0.step == .stage(turn) && !$0.lost }
            && later.allSatisfy { if case .cleanUp = $0.step { true } else { false } }
        }
      }, "threw away the previous set before all was over")
  }

  @Test func aNodeIsTidiedAsPutBackOnlyAfterItsOldSetWasSeen() {
    each(
      { (walk: RolloutWalk) -> Bool in
        before(walk) { step, done in
          guard case .cleanUp(let turn) = step, done.contains(where: { $0.step == .rollBack(turn) }) else {
            return true
          }
          return done.contains { $0.step == .verifyOld(turn) && $0.succeeded }
        }
      }, "threw away the previous set of a node that was not proved to use it")
  }

  @Test func aPairIsDegradedOnlyAfterItsSecondWasLostAndItsVIPSeen() {
    each(
      { (walk: RolloutWalk) -> Bool in
        guard walk.rollout.state == .degraded(.second) else { return true }
        let lost = walk.visits.firstIndex { visit in
          switch visit.step {
          case .stage(.second), .activate(.second), .verify(.second): visit.lost
          default: false
          }
        }
        guard let lost, let vip = walk.position(.verifyVIP) else { return false }
        return lost < vip
      }, "owes without having lost a node")
  }

  /// Whatever one node's way back comes to, the other's is the same to the letter.
  @Test func whatOneNodesWayBackComesToChangesNothingOnTheOther() throws {
    var compared = 0
    for walk in RolloutTests.walks
    where walk.steps.contains(.rollBack(.second)) && walk.steps.contains(.rollBack(.first)) {
      let others = try [RolloutWalk.failed("stuck"), RolloutWalk.lost(), .succeeded].map { outcome in
        try walk.again { step, old in
          switch step {
          case .rollBack(.second): outcome
          case .verifyOld(.second): outcome == .succeeded ? .succeeded : old
          default: old
          }
        }
      }
      compared += 1
      for other in others {
        #expect(other.visits(of: .first) == walk.visits(of: .first))
      }
    }
    #expect(compared > 100)
  }

  /// Left-overs never change an end.
  @Test func howTidyingGoesChangesNoEnd() throws {
    for walk in RolloutTests.walks {
      let other = try walk.again { step, old in
        if case .cleanUp = step { return old == .succeeded ? RolloutWalk.failed("full") : .succeeded }
        return old
      }
      #expect(other.rollout.state == walk.rollout.state)
      #expect(other.rollout.cause == walk.rollout.cause)
    }
  }
}

extension RolloutWalk {
  /// The same walk with other outcomes: `outcome` gets each step with what it came to before. What was not asked before succeeds.
  func again(_ outcome: (Rollout.Step, Rollout.Outcome) -> Rollout.Outcome) throws -> RolloutWalk {
    var rollout = Rollout(id: RolloutID("r1"), hasSecond: hasSecond)
    var faults: [(Rollout.Step, Rollout.Outcome)] = []
    while case .doing(let step) = rollout.state {
      let old = visits.first { $0.step == step }?.outcome ?? .succeeded
      let new = outcome(step, old)
      faults.append((step, new))
      try rollout.apply(step, new)
    }
    return try .scripted(hasSecond: hasSecond, faults)
  }

  /// What was done on one node.
  func visits(of turn: Rollout.Turn) -> [Visit] {
    visits.filter { visit in
      switch visit.step {
      case .check, .verifyVIP: false
      case .stage(let one), .activate(let one), .verify(let one), .rollBack(let one), .verifyOld(let one),
        .cleanUp(let one):
        one == turn
      }
    }
  }
}
