import Foundation
import Testing

@testable import Fleet

@Suite struct RequestPacerTests {
  @Test func newNoncesNeverComeFasterThanTheCeilingAllows() {
    var pacer = RequestPacer(ceilings: LimitTable.letsEncrypt.ceilings)

    let sent = (0..<200).map { _ in pacer.slot(for: .newNonce, at: noon).timeIntervalSince(noon) }

    for first in sent.indices {
      for last in first..<sent.count {
        let allowed = 10 + (sent[last] - sent[first]) * 20 + 1e-6
        #expect(Double(last - first + 1) <= allowed)
      }
    }
    // The ceiling less a fifth: 16 a second after 8 at once.
    #expect(abs((sent.last ?? 0) - 192.0 / 16) < 0.01)
  }

  @Test func otherEndpointsDoNotWaitForNewNonce() {
    var pacer = RequestPacer(ceilings: LimitTable.letsEncrypt.ceilings)
    for _ in 0..<50 { _ = pacer.slot(for: .newNonce, at: noon) }

    #expect(pacer.slot(for: .other, at: noon) == noon)
  }

  @Test func aBusyAnswerStopsEverythingUntilItSaysAndThenHalvesThePace() {
    var pacer = RequestPacer(ceilings: LimitTable.letsEncryptStaging.ceilings)

    pacer.busy(retryAfter: after(60), at: noon)
    pacer.busy(retryAfter: after(60), at: after(1))
    let sent = (0..<17).map { _ in pacer.slot(for: .other, at: after(1)).timeIntervalSince(noon) }

    #expect(sent.first == 60)
    // 16 at once, then 16 a second by the ceiling, half of that now.
    #expect(abs((sent.last ?? 0) - 60.125) < 0.01)
    #expect(pacer.pausedUntil(at: after(1)) == after(60))
    #expect(pacer.pausedUntil(at: after(61)) == nil)
  }

  @Test func repeatedBusyAnswersWaitLongerAndQuietMinutesForgiveThem() {
    var pacer = RequestPacer(ceilings: [:])
    var now = noon
    var waits: [Double] = []
    for _ in 0..<9 {
      pacer.busy(retryAfter: nil, at: now)
      let next = pacer.slot(for: .newOrder, at: now)
      waits.append(next.timeIntervalSince(now).rounded())
      now = next
    }

    #expect(waits == [5, 10, 20, 40, 80, 160, 300, 300, 300])

    now = now.addingTimeInterval(600)
    pacer.busy(retryAfter: nil, at: now)
    #expect(pacer.slot(for: .newOrder, at: now).timeIntervalSince(now).rounded() == 5)
  }

  @Test func anEndpointThatIsClosedHoldsNoOther() {
    var pacer = RequestPacer(ceilings: [:])

    pacer.limited(.newOrder, retryAfter: after(90), at: noon)
    pacer.limited(.revokeCert, retryAfter: nil, at: noon)

    #expect(pacer.slot(for: .newOrder, at: noon) == after(90))
    #expect(pacer.slot(for: .revokeCert, at: noon) == after(60))
    #expect(pacer.slot(for: .other, at: noon) == noon)
    #expect(pacer.pausedUntil(at: noon) == after(90))
    #expect(pacer.closed(.newOrder, at: after(91)) == nil)
  }

  @Test func noAnswerParksUsForMoreThanAnHour() {
    var pacer = RequestPacer(ceilings: [:])

    pacer.limited(.newOrder, retryAfter: after(1e9), at: noon)
    pacer.busy(retryAfter: after(1e9), at: noon)

    #expect(pacer.slot(for: .newOrder, at: noon) == after(3_600))
  }

  @Test func anUnknownEndpointTableLimitsNothing() {
    var pacer = RequestPacer(ceilings: [:])

    #expect((0..<1_000).allSatisfy { _ in pacer.slot(for: .newOrder, at: noon) == noon })
  }
}
