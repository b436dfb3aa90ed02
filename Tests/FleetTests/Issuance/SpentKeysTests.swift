import Fleet
import Foundation
import Testing

/// Which keys may go from the nodes.
@Suite struct SpentKeysTests {
  private let spec = SpecID("lb0/n0")

  private func begun(_ attempt: String) throws -> Event {
    .attemptStarted(
      of: of(attempt), names: try #require(NameSet(["n0.example"])), authority: AuthorityID("ca"), revision: 1)
  }

  private func of(_ attempt: String) -> AttemptReference {
    AttemptReference(spec: spec, attempt: AttemptID(attempt))
  }

  private func issued(_ attempt: String) -> Event {
    .issued(of: of(attempt), certificate: SmallFleet.certificate(AttemptID(attempt)))
  }

  private func failed(_ attempt: String) -> Event {
    .attemptFailed(of: of(attempt), failure: Failure(.port80Closed, "refused"))
  }

  private func spent(_ events: [Event]) -> [AttemptID] {
    let records = events.enumerated().map {
      Record(sequence: Int64($0.offset + 1), at: Date(timeIntervalSince1970: 0), sweep: nil, event: $0.element)
    }
    return SpentKeys.attempts(in: records, of: spec)
  }

  @Test func aTryThatFailedLeavesASpentKeyAndOneThatGoesOnDoesNot() throws {
    #expect(spent([try begun("a"), failed("a"), try begun("b")]) == [AttemptID("a")])
    #expect(spent([try begun("a")]).isEmpty)
  }

  @Test func theNewestCertificateAndTheOneBeforeItKeepTheirKeys() throws {
    let two = [try begun("a"), issued("a"), try begun("b"), issued("b")]

    #expect(spent(two).isEmpty)
    #expect(spent(two + [try begun("c")]).isEmpty)
    #expect(spent(two + [try begun("c"), issued("c")]) == [AttemptID("a")])
  }

  @Test func aTryThatWasReplacedWithoutAWordIsSpent() throws {
    #expect(spent([try begun("a"), try begun("b"), issued("b")]) == [AttemptID("a")])
  }

  @Test func whatWasRecordedOfOtherCertificatesDoesNotCount() throws {
    let other = AttemptReference(spec: SpecID("lb0/n1"), attempt: AttemptID("x"))

    #expect(spent([try begun("a"), .attemptFailed(of: other, failure: Failure(.port80Closed, "no"))]).isEmpty)
  }
}
