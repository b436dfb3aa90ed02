import ACME
import Fleet
import Foundation
import Net
import Testing

@testable import Controller

@Suite struct ProblemFailuresTests {
  private let now = Date(timeIntervalSince1970: 1_800_000_000)

  @Test func aLimitWithRetryAfterWaitsForItsBucketAndIsNobodysFault() {
    let detail =
      #"too many certificates (50) already issued for "acme.example" in the last 168h0m0s, "#
      + "retry after 2027-01-15 08:00:00 UTC"

    let failure = Failure(problem(.rateLimited, detail), status: 429, retryAt: now + 60, at: now)

    #expect(failure.kind == .rateLimited)
    #expect(failure.retryAfter == now + 60)
    #expect(failure.kind.retry == .whenAllowed)
  }

  @Test func aPauseWaitsForAPersonAndKeepsItsLink() {
    let detail =
      "Your account is temporarily prevented from requesting certificates for a.example and possibly others. "
      + "Please visit: https://unpause.example/jwt"

    let failure = Failure(problem(.rateLimited, detail), status: 429, at: now)

    #expect(failure.kind == .paused)
    #expect(failure.kind.retry == .byHand)
    #expect(failure.detail.contains("https://unpause.example/jwt"))
  }

  // H5: the CA's own trouble is the CA's wherever it stands, in a challenge too.
  @Test func theCAsOwnTroubleInAChallengeIsNotTheCustomers() {
    let failure = Failure(challenge: problem(.serverInternal, "our validators are broken"), name: "a.example")

    #expect(failure.kind == .authorityBusy)
    #expect(failure.kind.loudness == .quiet)
  }

  // E10: where answers are cut, libcurl sends a request again over a new connection, and the CA refuses its nonce: no verdict on an order.
  @Test func aNonceThatIsRefusedAgainAndAgainEndsNoOrder() {
    let error = ACMEError(.problem(problem(.badNonce, "invalid anti-replay nonce"), status: 400), url: "https://ca")

    #expect(Failure(error, at: now).kind == .authorityBusy)
    guard case .left = Issuer.Stage.afterFinalize.interruption(error, at: now) else {
      Issue.record("the order is given up")
      return
    }
  }

  // E12: the URL that a person has to visit is said.
  @Test func anActionThatTheCAWantsOfAPersonNamesItsURL() {
    let asked = Problem(type: .userActionRequired, detail: "new terms", instance: "https://ca.example/terms")

    #expect(Failure(asked, status: 403, at: now).detail.contains("https://ca.example/terms"))
  }

  @Test func a503SlowsEverythingWhateverItsBodySays() {
    let failure = Failure(problem(.rateLimited, "Service busy; retry later."), status: 503, retryAt: now + 5, at: now)

    #expect(failure.kind == .authorityBusy)
    #expect(failure.retryAfter == now + 5)
  }

  @Test func a429WithoutAProblemDocumentIsALimitAndNoBrokenLine() {
    let page = ACMEError.Kind.http(status: 429, excerpt: "<html>slow down</html>")

    let told = Failure(ACMEError(page, url: "https://ca.example/new-order", retryAfter: .seconds(90)), at: now)
    let mute = Failure(ACMEError(page, url: "https://ca.example/new-order"), at: now)

    #expect(told.kind == .rateLimited)
    #expect(told.retryAfter == now + 90)
    #expect(mute.retryAfter == now + 60)
  }

  @Test func subproblemsNameTheirNames() {
    let sub = Problem(type: .caa, detail: "CAA forbids", identifier: Identifier(name: "b.example"))
    let whole = Problem(type: .rejectedIdentifier, detail: "some names", subproblems: [sub])

    let failure = Failure(whole, status: 400, at: now)

    #expect(failure.kind == .nameRefused)
    #expect(failure.name == "b.example")
    #expect(failure.detail.contains("b.example: CAA forbids"))
  }

  @Test(arguments: [
    (ProblemType.caa, Failure.Kind.caaForbids), (.dns, .dnsBroken), (.connection, .port80Closed),
    (.unauthorized, .wrongAnswer), (.incorrectResponse, .wrongAnswer), (.rejectedIdentifier, .nameRefused),
    (.tls, .challengeFailed),
  ])
  func aFailedChallengeSaysWhatTheCASaw(type: ProblemType, kind: Failure.Kind) {
    #expect(Failure(challenge: problem(type, "words"), name: "a.example").kind == kind)
  }

  @Test func onlyARequestThatMayHaveArrivedCanHaveMadeAnOrder() {
    #expect(!NetError(.connectionRefused, "").mayHaveArrived)
    #expect(!NetError(.nameNotFound, "").mayHaveArrived)
    #expect(NetError(.timedOut, "").mayHaveArrived)
    #expect(NetError(.connectionLost, "").mayHaveArrived)
  }

  private func problem(_ type: ProblemType, _ detail: String) -> Problem { Problem(type: type, detail: detail) }
}
