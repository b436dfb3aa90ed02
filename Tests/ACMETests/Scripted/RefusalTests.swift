import ACME
import Foundation
import Net
import PKI
import Testing

/// What a CA and its front say instead of yes.
@Suite struct RefusalTests {
  typealias Answer = ScriptedServer.Answer

  @Test func aRateLimitTellsWhenToComeAgainInBothForms() async throws {
    let detail = "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-23 06:00:36 UTC"
    let seconds = try await refusal(.problem(429, "rateLimited", detail, ("Retry-After", "36")))
    let date = try await refusal(.problem(429, "rateLimited", detail, ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")))
    let paused = try await refusal(.problem(429, "rateLimited", "Please visit: https://portal.example/unpause"))

    #expect(seconds.kind == .problem(Problem(type: .rateLimited, detail: detail, status: 429), status: 429))
    #expect(seconds.retryAfter == .seconds(36))
    #expect(date.retryAfter == .date(Date(timeIntervalSince1970: 784_111_777)))
    #expect(paused.retryAfter == nil)
    #expect(!seconds.isBusy)
  }

  @Test func aBusyFrontIsToldFromARateLimitByItsStatus() async throws {
    let boulder = try await refusal(.problem(503, "rateLimited", "Service busy; retry later.", ("Retry-After", "90")))
    let page = try await refusal(.html(503, ("Retry-After", "10")))

    #expect(boulder.isBusy)
    #expect(boulder.retryAfter == .seconds(90))
    #expect(page.isBusy)
    #expect(page.kind == .http(status: 503, excerpt: "<html> <h1>503 from the front</h1> </html>"))
  }

  @Test(arguments: [500, 502, 404, 403])
  func anErrorPageIsNoProblemDocument(status: Int) async throws {
    let error = try await refusal(.html(status))

    #expect(error.kind == .http(status: status, excerpt: "<html> <h1>\(status) from the front</h1> </html>"))
    #expect(error.problem == nil)
  }

  @Test func aProblemInTheWrongMediaTypeIsStillAProblem() async throws {
    var answer = Answer.problem(400, "rejectedIdentifier", "no")
    answer.headers = [("Content-Type", "text/plain")]

    #expect(try await refusal(answer).problem?.type == .rejectedIdentifier)
    #expect(try await refusal(.json(400, #"{"message":"not ACME"}"#)).problem == nil)
  }

  @Test func eachRefusedNameHasItsSubproblem() async throws {
    let body = """
      {"type":"urn:ietf:params:acme:error:malformed","detail":"Some of the identifiers requested were rejected","status":"400",
      "subproblems":[{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"blocked",
      "identifier":{"type":"dns","value":"b.example"}},7,{"type":"urn:example:new","identifier":{"type":"dns","value":"c.example"}}]}
      """
    let error = try await refusal(
      Answer(status: 400, headers: [("Content-Type", "application/problem+json; charset=utf-8")], body: body))

    let problem = try #require(error.problem)
    #expect(problem.subproblems.count == 2)
    #expect(problem.concerning("b.example")?.type == .rejectedIdentifier)
    #expect(problem.concerning("c.example")?.type.description == "urn:example:new")
    #expect(problem.concerning("a.example") == nil)
  }

  @Test func aPersonIsSentToTheInstance() async throws {
    let body = #"{"type":"urn:ietf:params:acme:error:userActionRequired","instance":"https://ca.example/terms/7"}"#
    let error = try await refusal(Answer(status: 403, body: body))

    #expect(error.problem?.type == .userActionRequired)
    #expect(error.problem?.instance == "https://ca.example/terms/7")
  }

  @Test func alreadyReplacedAndConflictAreTheirOwnTypes() async throws {
    #expect(try await refusal(.problem(409, "alreadyReplaced")).problem?.type == .alreadyReplaced)
    #expect(try await refusal(.problem(409, "conflict")).problem?.type == .conflict)
    #expect(try await refusal(.problem(403, "orderNotReady")).problem?.type == .orderNotReady)
  }

  @Test func aDetailOfAMegabyteIsCut() async throws {
    let error = try await refusal(.problem(400, "dns", String(repeating: "x", count: 1_000_000)))

    #expect(error.problem?.detail.count == Problem.maximumDetail)
    // One character with a great many accents.
    let accented = Problem(type: .dns, detail: "a" + String(repeating: "\u{301}", count: 500_000))
    #expect(accented.detail.utf8.count < 3 * Problem.maximumDetail)
  }

  @Test func noAnswerIsATransportErrorAndTheNonceIsNotUsedAgain() async throws {
    let server = ScriptedServer()
    let lost = NetError(.connectionLost, "gone")
    await server.answer("/new-order", Answer(failure: lost))
    let client = try await server.client()

    for _ in 0..<2 {
      await #expect(throws: ACMEError(.transport(lost), url: "https://ca.example/new-order")) {
        try await client.newOrder(["a.example"], profile: nil, replaces: nil)
      }
    }

    let nonces = await server.requests("/new-order").compactMap { $0.header["nonce"] }
    #expect(nonces.count == 2)
    #expect(Set(nonces).count == 2)
  }

  // MARK: the account

  @Test func aLostAccountIsToldFromADeactivatedOneAndFromAMereRefusal() async throws {
    #expect(
      try await refusal(.problem(400, "accountDoesNotExist", "unknown")).kind
        == .accountDoesNotExist(Problem(type: .accountDoesNotExist, detail: "unknown", status: 400)))

    let no = Answer.problem(403, "unauthorized", "no")
    let problem = Problem(type: .unauthorized, detail: "no", status: 403)
    #expect(try await refusal(no, account: .json(200, #"{"status":"valid"}"#)).kind == .problem(problem, status: 403))
    #expect(try await refusal(no, account: no).kind == .accountDeactivated(problem))
    #expect(try await refusal(no, account: .json(200, #"{"status":"revoked"}"#)).kind == .accountDeactivated(problem))
    #expect(try await refusal(no, account: .html(502)).kind == .problem(problem, status: 403), "nothing was learnt")
  }

  private func refusal(_ answer: Answer, account: Answer = .html(500)) async throws -> ACMEError {
    let server = ScriptedServer()
    await server.answer("/new-order", answer)
    await server.answer("/account/1", account)
    let client = try await server.client()
    do throws(ACMEError) {
      _ = try await client.newOrder(["a.example"], profile: nil, replaces: nil)
    } catch {
      return error
    }
    throw Unexpected.success
  }

  enum Unexpected: Error { case success }
}
