import ACME
import Fleet
import Foundation
import Journal
import Net
import PKI
import Testing

@testable import Controller

/// The way of one order with a CA that loses answers, sends the wrong thing, or says no.
@Suite struct IssuerTests {
  @Test func anOrderThatIsReadyIsFinalizedOnceAndItsCertificateRecorded() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])

    try await stage.run(ca)

    let certificate = try stage.certificateState()
    #expect(certificate.issued?.chain.count == 1)
    #expect(certificate.keyNode == NodeID("n1"))
    #expect(await ca.calls == ["newOrder", "finalize", "certificate"])
    #expect(try stage.kinds().suffix(4) == ["orderRequested", "orderCreated", "finalizeRequested", "issued"])
  }

  @Test func anAnswerToNewOrderThatIsLostIsNamedAndNotAskedForAgain() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [])
    await ca.fail("newOrder", .transport(NetError(.connectionLost, "gone")))

    try await stage.run(ca)

    #expect(try stage.certificateState().lastFailure?.kind == .orderLost)
    #expect(await ca.calls == ["newOrder"])
  }

  @Test func anAnswerToFinalizeThatIsLostIsFoundAtTheOrder() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    await ca.fail("finalize", .transport(NetError(.timedOut, "late")))

    try await stage.run(ca)

    #expect(try stage.certificateState().issued != nil)
    #expect(await ca.calls == ["newOrder", "finalize", "order", "certificate"])
  }

  @Test func aCertificateForAnotherKeyIsNeverTaken() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(
      stage.order(.ready), chain: [try stage.certificate(key: try SigningKey.generate(.ecdsaP256))])

    try await stage.run(ca)

    let failure = try #require(try stage.certificateState().lastFailure)
    #expect(failure.kind == .badCertificate)
    #expect(failure.detail.contains("another key"))
    #expect(try stage.certificateState().issued == nil)
  }

  @Test func aCertificateForOtherNamesIsNeverTaken() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate(names: ["other.example"])])

    try await stage.run(ca)

    let failure = try #require(try stage.certificateState().lastFailure)
    #expect(failure.kind == .badCertificate)
    #expect(failure.detail.contains("other.example"))
  }

  @Test func aChainThatEndsNowhereIsNeverTaken() async throws {
    let stage = try await IssuingStage()
    let stranger = try await IssuingStage()
    let ca = ScriptedCA(
      stage.order(.ready), chain: [try stranger.certificate(names: stage.names.names, key: stage.key)])

    try await stage.run(ca)

    #expect(try stage.certificateState().lastFailure?.kind == .badCertificate)
  }

  @Test func aLimitIsNoFailureOfTheNameAndTellsWhenToComeBack() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [])
    await ca.fail(
      "newOrder", .problem(Problem(type: .rateLimited, detail: "too many new orders"), status: 429),
      retryAfter: .seconds(600))

    try await stage.run(ca)

    let certificate = try stage.certificateState()
    #expect(certificate.lastFailure?.kind == .rateLimited)
    #expect(certificate.failures == 0)
    #expect(certificate.lastFailure?.retryAfter != nil)
  }

  @Test func anOrderThatDiesAtFinalizeIsGivenUpWithTheCAsWords() async throws {
    let stage = try await IssuingStage()
    var dead = stage.order(.invalid)
    dead.error = Problem(type: .badCSR, detail: "the CSR is odd")
    let ca = ScriptedCA(stage.order(.ready), chain: [], afterFinalize: dead)

    try await stage.run(ca)

    #expect(try stage.certificateState().lastFailure?.detail.contains("the CSR is odd") == true)
    #expect(await ca.calls.contains("certificate") == false)
  }

  @Test func aConnectionThatBreaksWhileDownloadingIsTriedAgain() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    await ca.fail("certificate", .transport(NetError(.connectionLost, "gone")), times: 1)

    try await stage.run(ca)

    #expect(try stage.certificateState().issued != nil)
    #expect(await ca.calls.filter { $0 == "certificate" }.count == 2)
  }

  @Test func anOrderWhoseAnswerWasNeverRecordedIsNamedAsLostWithoutAskingTheCA() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [])
    try await stage.note(.orderRequested(of: stage.of))

    try await stage.run(ca)

    #expect(try stage.certificateState().lastFailure?.kind == .orderLost)
    #expect(await ca.calls.isEmpty)
  }

  // D3: the CA counts a failure for each name that failed, so each is in the failure that is recorded.
  @Test func eachNameThatFailedIsNamed() async throws {
    let stage = try await IssuingStage()
    let url = "https://ca.example/authorization/"
    let ca = ScriptedCA(stage.order(.invalid, authorizations: ["1", "2", "3"].map { url + $0 }), chain: [])
    for (number, name) in [("1", "one.example"), ("2", "two.example"), ("3", "three.example")] {
      let hasFailed = name != "two.example"
      let problem = Problem(type: .unauthorized, detail: "404 at \(name)")
      let challenge = Challenge(
        type: .http01, url: url + number + "/http", status: hasFailed ? .invalid : .valid, token: "token",
        error: hasFailed ? problem : nil)
      await ca.hold(
        Authorization(
          url: url + number, status: hasFailed ? .invalid : .valid, identifier: Identifier(name: name),
          challenges: [challenge]))
    }

    try await stage.run(ca)

    let failure = try #require(try stage.certificateState().lastFailure)
    #expect(failure.name == "one.example")
    #expect(failure.alsoFailed == ["three.example"])
    #expect(failure.detail.contains("404 at one.example") && failure.detail.contains("404 at three.example"))
  }

  // E10: what the CA may have spent is fetched, never ordered again: the attempt stays open at its order.
  @Test(arguments: [
    ACMEError.Kind.malformed("half a certificate"), .transport(NetError(.timedOut, "late")),
    .http(status: 502, excerpt: "proxy"), .problem(Problem(type: .serverInternal, detail: "oops"), status: 500),
  ])
  func anUnclearAnswerAfterFinalizeLeavesTheOrderToBeAskedAgain(_ kind: ACMEError.Kind) async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    await ca.fail("certificate", kind, times: 4)

    try await stage.run(ca, clock: QuickClock())

    let left = try stage.certificateState()
    #expect(left.lastFailure == nil)
    guard case .finalizing = left.attempt?.state else {
      Issue.record("the attempt is \(String(describing: left.attempt?.state))")
      return
    }
    await ca.fail("certificate", kind, times: 0)

    try await stage.run(ca, clock: QuickClock())

    #expect(try stage.certificateState().issued != nil)
    #expect(await ca.calls.filter { $0 == "newOrder" }.count == 1)
  }

  // E5: a finalize that never left is sent again, and not polled for.
  @Test func aFinalizeThatNeverLeftIsSentAgain() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    await ca.fail("finalize", .transport(NetError(.connectionRefused, "refused")), times: 2)

    try await stage.run(ca, clock: QuickClock())

    #expect(try stage.certificateState().issued != nil)
    #expect(await ca.calls == ["newOrder", "finalize", "finalize", "finalize", "certificate"])
  }

  // E12: the CA says that the order is not ready: it is asked, and the order is not dropped.
  @Test func anOrderThatIsNotReadyYetIsAskedAgain() async throws {
    let stage = try await IssuingStage()
    let ca = ScriptedCA(stage.order(.ready), chain: [try stage.certificate()])
    await ca.fail("finalize", .problem(Problem(type: .orderNotReady, detail: "not yet"), status: 403))

    try await stage.run(ca, clock: QuickClock())

    #expect(try stage.certificateState().issued != nil)
  }

  // H6: a CA that leaves a failed challenge pending and waits to be asked again (RFC 8555 section 8.2).
  @Test func aChallengeThatStaysPendingIsLookedAtNowAndThenAndAnsweredAgainTwice() {
    let start = Date(timeIntervalSince1970: 1_800_000_000)
    var review = ChallengeReview(from: start)

    var due: [Bool] = []
    for seconds in [9.0, 10, 11, 20] { due.append(review.isDue(at: start + seconds)) }
    var answers: [Bool] = []
    for challenge in ["one", "one", "one", "two"] { answers.append(review.allowsAnother(of: challenge)) }

    #expect(due == [false, true, false, true], "a validation of less than ten seconds is never looked at")
    #expect(answers == [true, true, false, true])
  }

  // H8: neither an authority's certificate nor a chain without end reaches a node.
  @Test func aLeafThatMaySignAndAChainThatGoesOnAfterItsRootAreRefused() async throws {
    let stage = try await IssuingStage()
    let root = try String(contentsOfFile: stage.folder.path + "/root.pem", encoding: .utf8)
    let request = try CertificateRequest.make(names: stage.names.names, key: stage.key).pem
    let check = CertificateCheck(
      attempt: Attempt(id: stage.of.attempt, spec: stage.of.spec, names: stage.names),
      key: Attempt.Key(node: NodeID("n1"), request: request), trust: .bundle(path: stage.folder.path + "/root.pem"))
    for (chain, words) in [
      ([try stage.authorityCertificate(), root], "CA:TRUE"),
      ([try stage.certificate(), root, root], "self-signed"),
      ([try stage.certificate()] + Array(repeating: root, count: 350), "351 certificates"),
    ] {
      guard case .failure(let failure) = check.certificate(from: chain, at: Date()) else {
        Issue.record("taken: \(words)")
        continue
      }

      #expect(failure.kind == .badCertificate)
      #expect(failure.detail.contains(words), "\(failure.detail)")
    }
    #expect(throws: Never.self) { try check.certificate(from: [try stage.certificate(), root], at: Date()).get() }
  }
}
