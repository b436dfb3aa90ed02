import ACME
import Testing

@Suite struct PollScheduleTests {
  @Test func theFirstLookIsSoonAndTheWaitsGrowByHalfUpToFiveSeconds() {
    var schedule = PollSchedule(total: .seconds(600))
    var elapsed = Duration.zero
    var waits: [Duration] = []

    for _ in 0..<20 {
      guard case .wait(let wait) = schedule.next(retryAfter: nil, elapsed: elapsed) else { break }
      waits.append(wait)
      elapsed += wait
    }

    #expect(waits.prefix(4) == [.milliseconds(10), .milliseconds(15), .microseconds(22_500), .microseconds(33_750)])
    #expect(waits.suffix(4) == Array(repeating: .seconds(5), count: 4)[...])
    for (wait, next) in zip(waits, waits.dropFirst()) { #expect(next >= wait) }
  }

  @Test func aMinuteOfWaitingCostsFewRequests() {
    var schedule = PollSchedule(total: .seconds(60))
    var elapsed = Duration.zero
    var polls = 0

    while case .wait(let wait) = schedule.next(retryAfter: nil, elapsed: elapsed) {
      elapsed += wait
      polls += 1
    }

    #expect(polls <= 27)
    #expect(elapsed >= .seconds(60))
    #expect(elapsed < .seconds(60.1))
  }

  @Test func theCAsOwnWaitIsObeyedWhetherLongerOrShorter() {
    var schedule = PollSchedule(first: .seconds(2), total: .seconds(60))

    #expect(schedule.next(retryAfter: .seconds(7), elapsed: .zero) == .wait(.seconds(7)))
    #expect(schedule.next(retryAfter: .seconds(1), elapsed: .zero) == .wait(.seconds(1)))
    #expect(schedule.next(retryAfter: nil, elapsed: .zero) == .wait(.seconds(2)))
  }

  // E11: a Retry-After of zero, or a date in the past, has a floor that grows to a second.
  @Test func aWaitOfNothingHasAFloor() {
    var schedule = PollSchedule(total: .seconds(60))
    var polls = 0
    var elapsed = Duration.zero

    while case .wait(let pause) = schedule.next(retryAfter: .zero, elapsed: elapsed) {
      polls += 1
      elapsed += pause
    }

    #expect(polls <= 72)
  }

  @Test func aWaitBeyondTheDeadlineParksTheOrderInsteadOfHoldingIt() {
    var schedule = PollSchedule(total: .seconds(60))

    #expect(schedule.next(retryAfter: .seconds(86_400), elapsed: .seconds(1)) == .later(.seconds(86_400)))
  }

  @Test func atTheEndOfTheTimeOneLastLookIsTakenAndThenNone() {
    var schedule = PollSchedule(first: .seconds(5), total: .seconds(60))

    #expect(schedule.next(retryAfter: nil, elapsed: .seconds(58)) == .wait(.seconds(2)))
    #expect(schedule.next(retryAfter: nil, elapsed: .seconds(60)) == .giveUp)
    #expect(schedule.next(retryAfter: .seconds(1), elapsed: .seconds(61)) == .giveUp)
  }

  @Test func aSlowCAIsAskedLaterAndAFastOneSoonAgain() {
    var history = PollHistory()
    #expect(history.firstPoll == .milliseconds(10))

    for _ in 0..<20 { history.observe(.seconds(4)) }
    #expect(history.firstPoll == .seconds(3))

    // The CA answers at the first look from now on.
    var orders = 0
    while history.firstPoll > .milliseconds(20), orders < 400 {
      history.observe(history.firstPoll)
      orders += 1
    }
    #expect(orders < 200)
  }

  @Test func oneStragglerHardlyMovesTheFirstLook() {
    var history = PollHistory()
    for _ in 0..<20 { history.observe(.milliseconds(20)) }

    history.observe(.seconds(2))

    #expect(history.firstPoll < .milliseconds(250))
    #expect(PollHistory().firstPoll == PollSchedule.shortest)
  }
}
