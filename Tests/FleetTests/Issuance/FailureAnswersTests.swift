import Fleet
import Foundation
import Testing

@Suite struct FailureAnswersTests {
  @Test(arguments: Failure.Kind.allCases)
  func everyKindHasATitleAndAdviceFitToPrint(kind: Failure.Kind) {
    for text in [kind.title, kind.advice] {
      #expect(!text.isEmpty)
      #expect(Printable.terminal(text) == text)
      #expect(!text.hasSuffix(" "))
    }
    #expect(kind.title.count <= 40)
    #expect(!kind.title.hasSuffix("."))
    #expect(kind.advice.hasSuffix(".") || kind.advice.contains(": "))
  }

  @Test func noTwoKindsShareATitle() {
    let titles = Failure.Kind.allCases.map(\.title)

    #expect(Set(titles).count == titles.count)
  }

  @Test(arguments: Failure.Kind.allCases.filter { $0.loudness == .customer })
  func whatTheCustomerMustMendIsTriedAgainByItself(kind: Failure.Kind) {
    #expect(kind.retry == .backOff)
  }

  @Test(arguments: Failure.Kind.allCases.filter { $0.loudness == .quiet })
  func whatPassesByItselfNeverCountsAgainstACertificate(kind: Failure.Kind) {
    #expect(kind.retry == .whenHealed || kind.retry == .whenAllowed)
  }

  @Test(arguments: Failure.Kind.allCases.filter { $0.retry == .byHand })
  func whatOnlyAPersonCanEndIsSaidToAPerson(kind: Failure.Kind) {
    #expect(kind.loudness == .operatorNeeded)
  }

  @Test func loudnessIsOrderedFromQuietToTheOperator() {
    #expect(Loudness.quiet < .customer)
    #expect(Loudness.customer < .operatorNeeded)
    #expect(!(Loudness.customer < .customer))
  }

  @Test func theBackOffIsOneTenAHundredMinutesThenDaily() {
    #expect((-1...6).map(BackOff.seconds) == [0, 0, 60, 600, 6_000, 86_400, 86_400, 86_400])
  }

  @Test func theBackOffAloneNeverReachesFiveFailuresInAnHour() {
    var at = 0.0
    var times: [Double] = []
    for failures in 1...20 {
      times.append(at)
      at += BackOff.seconds(afterFailures: failures)
    }

    for time in times { #expect(times.count { (time...(time + 3_600)).contains($0) } < 5) }
  }

  @Test func aFailureReadsBackAsItWasWritten() throws {
    let failure = Failure(
      .rateLimited, "too many", name: "a.example", node: NodeID("lb0-a"), retryAfter: SmallFleet.noon)

    let data = try JSONEncoder().encode(failure)

    #expect(try JSONDecoder().decode(Failure.self, from: data) == failure)
  }
}
