import Fleet
import Testing

/// Single ways through the machine, each of which a fleet has seen.
@Suite struct RolloutStoryTests {
  @Test func aGoodRolloutTakesThePassiveFirstAndThenTheVIP() throws {
    let walk = try RolloutWalk.scripted([])

    #expect(
      walk.steps == [
        .check, .stage(.first), .stage(.second), .activate(.first), .verify(.first), .activate(.second),
        .verify(.second), .verifyVIP, .cleanUp(.first), .cleanUp(.second),
      ])
    #expect(walk.rollout.state == .done)
    #expect(walk.rollout.cause == nil)
  }

  @Test func aPairOfOneNodeGoesStraightToItsVIP() throws {
    let walk = try RolloutWalk.scripted(hasSecond: false, [])

    #expect(
      walk.steps == [.check, .stage(.first), .activate(.first), .verify(.first), .verifyVIP, .cleanUp(.first)])
    #expect(walk.rollout.state == .done)
  }

  @Test(arguments: [Rollout.Step.stage(.second), .activate(.second), .verify(.second)])
  func aSecondThatDiesOwesTheSetAndTheVIPIsStillProved(at step: Rollout.Step) throws {
    let walk = try RolloutWalk.scripted([(step, RolloutWalk.lost())])

    #expect(walk.rollout.state == .degraded(.second))
    #expect(walk.succeeded(.verifyVIP))
    #expect(walk.steps.last == .cleanUp(.first))
    #expect(!walk.steps.contains(.rollBack(.first)))
  }

  @Test func aSecondThatDiesBeforeItsFilesWereInIsNoReasonToPutTheFirstBackButAVIPThatShowsTheOldSetIs() throws {
    let walk = try RolloutWalk.scripted([
      (.stage(.second), RolloutWalk.lost()), (.verifyVIP, RolloutWalk.failed("shows serial 01")),
    ])

    #expect(walk.rollout.state == .refused)
    #expect(Array(walk.steps.suffix(3)) == [.rollBack(.first), .verifyOld(.first), .cleanUp(.first)])
  }

  @Test(arguments: [Rollout.Step.activate(.second), .verify(.second)])
  func aSecondThatDiedWithTheNewSetIsStrandedOnceTheFirstIsPutBack(at step: Rollout.Step) throws {
    let walk = try RolloutWalk.scripted([(step, RolloutWalk.lost()), (.verifyVIP, RolloutWalk.failed())])

    #expect(walk.rollout.state == .stranded(.second))
    #expect(walk.succeeded(.verifyOld(.first)))
  }

  @Test func aFirstThatDiesBeforeItIsActiveLeavesTheSecondAsItWas() throws {
    let walk = try RolloutWalk.scripted([(.stage(.first), RolloutWalk.lost())])

    #expect(walk.steps == [.check, .stage(.first)])
    #expect(walk.rollout.state == .refused)
  }

  @Test(arguments: [Rollout.Step.activate(.first), .verify(.first)])
  func aFirstThatDiesWhileActiveIsStrandedAndTheSecondIsOnlyTidied(at step: Rollout.Step) throws {
    let walk = try RolloutWalk.scripted([(step, RolloutWalk.lost())])

    #expect(walk.rollout.state == .stranded(.first))
    #expect(walk.steps.last == .cleanUp(.second))
    #expect(!walk.steps.contains(.activate(.second)))
  }

  @Test func aVIPThatServesSomethingElsePutsBothBackTheSecondFirst() throws {
    let walk = try RolloutWalk.scripted([(.verifyVIP, RolloutWalk.failed())])

    #expect(
      Array(walk.steps.suffix(6)) == [
        .rollBack(.second), .verifyOld(.second), .rollBack(.first), .verifyOld(.first), .cleanUp(.first),
        .cleanUp(.second),
      ])
    #expect(walk.rollout.state == .refused)
  }

  @Test func aSecondThatCannotBePutBackDoesNotKeepTheFirstFromIt() throws {
    let walk = try RolloutWalk.scripted([
      (.verify(.second), RolloutWalk.failed()), (.rollBack(.second), RolloutWalk.failed()),
    ])

    #expect(walk.rollout.state == .stranded(.second))
    #expect(walk.succeeded(.verifyOld(.first)))
    // What lies there is what a person will need to look at.
    #expect(!walk.steps.contains(.cleanUp(.second)))
  }

  @Test func leftOversThatCannotBeRemovedDoNotSpoilASuccess() throws {
    let walk = try RolloutWalk.scripted([
      (.cleanUp(.first), RolloutWalk.failed()), (.cleanUp(.second), RolloutWalk.lost()),
    ])

    #expect(walk.rollout.state == .done)
    #expect(walk.rollout.cause == nil)
  }

  @Test func aCheckThatFailsTouchesNothing() throws {
    let walk = try RolloutWalk.scripted([(.check, RolloutWalk.failed())])

    #expect(walk.steps == [.check])
    #expect(walk.rollout.state == .refused)
  }
}
