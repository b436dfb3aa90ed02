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
}
