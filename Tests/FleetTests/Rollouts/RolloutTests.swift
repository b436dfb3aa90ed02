import Fleet
import Testing

/// The machine's promises, each kept by thousands of walks in which anything fails or disappears at any step.
@Suite struct RolloutTests {
  /// Every walk that the rules are held against.
  static let walks: [RolloutWalk] = {
    do {
      return try (0..<6_000).map { try RolloutWalk.random(seed: $0) }
    } catch {
      Issue.record("a walk took an illegal step: \(error)")
      return []
    }
  }()

  private func each(
    _ rule: (RolloutWalk) -> Bool, _ words: Comment, at place: Testing.SourceLocation = #_sourceLocation
  ) {
    #expect(Self.walks.count == 6_000)
    let broken = Self.walks.first { !rule($0) }
    #expect(broken == nil, words, sourceLocation: place)
    if let broken {
      let story = broken.visits.map { "\($0.step) \($0.outcome)" }.joined(separator: "\n")
      Issue.record("\(story)\n=> \(broken.rollout.state)", sourceLocation: place)
    }
  }

  @Test func everyWalkEndsWithinTwentyFourSteps() {
    each({ if case .doing = $0.rollout.state { false } else { true } }, "a walk did not end")
  }

  @Test func aNodeIsActivatedOnlyAfterItWasStagedThere() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.visits.enumerated().allSatisfy { index, visit in
          guard case .activate(let turn) = visit.step else { return true }
          return walk.visits[..<index].contains { $0.step == .stage(turn) && $0.succeeded }
        }
      }, "activated without its files")
  }

  @Test func nothingIsActivatedBeforeEveryNodeThatTakesPartIsStaged() {
    each(
      { (walk: RolloutWalk) -> Bool in
        guard walk.hasSecond, let activated = walk.position(.activate(.first)) else { return true }
        return walk.position(.stage(.second)).map { $0 < activated } == true
      }, "the first was activated while the second was not even asked")
  }

  @Test func theSecondIsActivatedOnlyAfterTheFirstWasVerified() {
    each(
      { (walk: RolloutWalk) -> Bool in
        guard let second = walk.position(.activate(.second)) else { return true }
        return walk.visits[..<second].contains { $0.step == .verify(.first) && $0.succeeded }
      }, "both nodes had the new set unproved")
  }

  @Test func aNodeIsVerifiedOnlyAfterItWasActivated() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.turns.allSatisfy { turn in
          guard let verified = walk.position(.verify(turn)) else { return true }
          return walk.visits[..<verified].contains { $0.step == .activate(turn) && $0.succeeded }
        }
      }, "verified what was not active")
  }

  @Test func theVIPIsVerifiedOnlyAfterEveryNodeThatTakesPart() {
    each(
      { (walk: RolloutWalk) -> Bool in
        guard let vip = walk.position(.verifyVIP) else { return true }
        let before = walk.visits[..<vip]
        return walk.turns.allSatisfy { turn in
          let isLost = before.contains { visit in
            switch visit.step {
            case .stage(turn), .activate(turn), .verify(turn): visit.lost
            default: false
            }
          }
          return isLost || before.contains { $0.step == .verify(turn) && $0.succeeded }
        }
      }, "the VIP was asked although a node was not proved")
  }

  @Test func theSecondNodeIsNeverTouchedWhereThereIsNone() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.hasSecond
          || !walk.steps.contains { (step: Rollout.Step) -> Bool in
            switch step {
            case .stage(.second), .activate(.second), .verify(.second), .rollBack(.second), .verifyOld(.second),
              .cleanUp(.second):
              true
            default: false
            }
          }
      }, "a pair of one node has no second")
  }

  @Test func rollingBackOneNodeNeverDependsOnTheOther() {
    each(
      { (walk: RolloutWalk) -> Bool in
        guard walk.rollout.state != .done else { return true }
        if case .degraded = walk.rollout.state { return true }
        return walk.turns.allSatisfy { turn in
          let wasTouched = walk.steps.contains(.activate(turn))
          let wasLost = walk.visits.contains { ($0.step == .activate(turn) || $0.step == .verify(turn)) && $0.lost }
          return !wasTouched || wasLost || walk.steps.contains(.rollBack(turn))
        }
      }, "a node that answers kept the new set of a failed rollout")
  }

  @Test func whatWasPutBackIsVerified() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.visits.enumerated().allSatisfy { index, visit in
          guard case .rollBack(let turn) = visit.step, visit.succeeded else { return true }
          return index + 1 < walk.visits.count && walk.visits[index + 1].step == .verifyOld(turn)
        }
      }, "put back and not looked at")
  }

  @Test func nothingIsRolledBackWithoutAFailureBefore() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.visits.enumerated().allSatisfy { index, visit in
          guard case .rollBack = visit.step else { return true }
          return walk.visits[..<index].contains { !$0.succeeded }
        }
      }, "rolled back for nothing")
  }

  @Test func nothingGoesForwardOnceItTurnedBack() {
    each(
      { (walk: RolloutWalk) -> Bool in
        guard let back = walk.steps.firstIndex(where: { if case .rollBack = $0 { true } else { false } }) else {
          return true
        }
        return walk.steps[back...].allSatisfy { step in
          switch step {
          case .rollBack, .verifyOld, .cleanUp: true
          case .check, .stage, .activate, .verify, .verifyVIP: false
          }
        }
      }, "went forward after turning back")
  }

  @Test func whatWasStagedIsCleanedUpOnEveryNodeThatAnswers() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.turns.allSatisfy { turn in
          guard walk.steps.contains(.stage(turn)), !walk.isOutOfReach(turn) else { return true }
          return walk.steps.contains(.cleanUp(turn))
        }
      }, "left its files behind")
  }

  @Test func aLostNodeIsLeftAlone() {
    each(
      { (walk: RolloutWalk) -> Bool in
        walk.visits.enumerated().allSatisfy { index, visit in
          let turn: Rollout.Turn
          switch visit.step {
          case .stage(let one), .activate(let one), .verify(let one): turn = one
          case .check, .verifyVIP, .rollBack, .verifyOld, .cleanUp: return true
          }
          guard visit.lost else { return true }
          return walk.steps[(index + 1)...].allSatisfy { step in
            switch step {
            case .check, .verifyVIP: true
            case .stage(let other), .activate(let other), .verify(let other), .rollBack(let other),
              .verifyOld(let other), .cleanUp(let other):
              other != turn
            }
          }
        }
      }, "worked on a node that does not answer")
  }

  @Test func everyStepIsAskedAtMostOnce() {
    each(
      { (walk: RolloutWalk) -> Bool in walk.steps.indices.allSatisfy { !walk.steps[..<$0].contains(walk.steps[$0]) } },
      "a step was repeated")
  }

  @Test func theEndTellsWhatHappened() {
    each(
      { (walk: RolloutWalk) -> Bool in
        switch walk.rollout.state {
        case .doing: return false
        case .done:
          return walk.succeeded(.verifyVIP) && walk.turns.allSatisfy { walk.succeeded(.verify($0)) }
            && walk.turns.allSatisfy { walk.rollout.serves($0) }
        case .refused: return walk.turns.allSatisfy { !walk.mayServeNew($0) && !walk.rollout.serves($0) }
        case .degraded(let turn):
          return turn == .second && walk.succeeded(.verify(.first)) && walk.succeeded(.verifyVIP)
            && walk.isOutOfReach(.second) && walk.rollout.serves(.first) && !walk.rollout.serves(.second)
        case .stranded(let turn): return walk.mayServeNew(turn) && walk.isOutOfReach(turn)
        }
      }, "the end does not match the way")
  }

  @Test func theCauseIsTheFirstFailure() {
    each(
      { (walk: RolloutWalk) -> Bool in
        let turning = walk.visits.first { visit in
          if case .cleanUp = visit.step { return false }
          return !visit.succeeded
        }
        switch turning?.outcome {
        case .failed(let failure), .nodeLost(let failure): return walk.rollout.cause == failure
        case .succeeded, nil: return walk.rollout.cause == nil
        }
      }, "another cause is told")
  }

  @Test func everyEndIsReachedByTheWalks() {
    var ends: Set<String> = []
    for walk in Self.walks { ends.insert("\(walk.rollout.state)".replacing("Fleet.Rollout.Turn.", with: "")) }

    #expect(ends == ["done", "refused", "degraded(second)", "stranded(first)", "stranded(second)"])
  }

  @Test func anotherStepThanTheOneAskedForThrowsAndChangesNothing() throws {
    let steps: [Rollout.Step] =
      [.check, .verifyVIP]
      + Rollout.Turn.allCases.flatMap { turn -> [Rollout.Step] in
        [.stage(turn), .activate(turn), .verify(turn), .rollBack(turn), .verifyOld(turn), .cleanUp(turn)]
      }
    for seed in 0..<400 as Range<UInt64> {
      let walk = try RolloutWalk.random(seed: seed)
      var rollout = Rollout(id: RolloutID("r1"), hasSecond: walk.hasSecond)
      for visit in walk.visits {
        for step in steps where rollout.state != .doing(step) {
          let before = rollout
          #expect(throws: IllegalTransition.self) { try rollout.apply(step, visit.outcome) }
          #expect(rollout == before)
        }
        try rollout.apply(visit.step, visit.outcome)
      }
      let end = rollout
      for step in steps { #expect(throws: IllegalTransition.self) { try rollout.apply(step, .succeeded) } }
      #expect(rollout == end)
    }
  }
}
