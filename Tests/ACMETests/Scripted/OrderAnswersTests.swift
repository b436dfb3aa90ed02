import ACME
import Foundation
import Net
import PKI
import Testing

@Suite struct OrderAnswersTests {
  static let base = ScriptedServer.base
  static let pending = """
    {"status":"pending","expires":"2026-11-30T00:00:00Z","identifiers":[{"type":"dns","value":"a.example"}],
    "authorizations":["\(base)/authz/1"],"finalize":"\(base)/finalize/1"}
    """

  @Test func anOrderIsAskedForWithNamesProfileAndPredecessor() async throws {
    let server = ScriptedServer()
    await server.answer("/new-order", .json(201, Self.pending, ("Location", "/order/1")))
    let client = try await server.client()

    let order = try await client.newOrder(["*.a.example", "192.0.2.1"], profile: "shortlived", replaces: "aki.serial")

    #expect(order.url == "\(Self.base)/order/1")
    #expect(order.status == .pending)
    #expect(order.expires == Date(timeIntervalSince1970: 1_795_996_800))
    let sent = try #require(await server.requests("/new-order").first)
    #expect(
      sent.payload
        == #"{"identifiers":[{"type":"dns","value":"*.a.example"},{"type":"ip","value":"192.0.2.1"}],"profile":"shortlived","replaces":"aki.serial"}"#
    )
    #expect(sent.contentType == "application/jose+json")
    #expect(sent.header["kid"] == "\(Self.base)/account/1")
    #expect(sent.header["url"] == "\(Self.base)/new-order")
    #expect(await server.seen.allSatisfy { $0.userAgent == "certfleet-tests/1" })
  }

  @Test func whatIsNotAskedForIsNotSent() async throws {
    let server = ScriptedServer()
    await server.answer("/new-order", .json(201, Self.pending, ("Location", "/order/1")))

    _ = try await server.client().newOrder(["a.example"], profile: nil, replaces: nil)

    #expect(
      await server.requests("/new-order").first?.payload == #"{"identifiers":[{"type":"dns","value":"a.example"}]}"#)
  }

  @Test func anOrderBornReadyNeedsNoChallenge() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/new-order",
      .json(201, Self.pending.replacing(#""pending""#, with: #""ready""#), ("Location", "\(Self.base)/order/1")))

    let order = try await server.client().newOrder(["a.example"], profile: nil, replaces: nil)

    #expect(order.next(after: .ordered) == .finalize)
  }

  @Test func anOrderWithoutLocationIsRefusedAsMalformed() async throws {
    let server = ScriptedServer()
    await server.answer("/new-order", .json(201, Self.pending))
    let client = try await server.client()

    await #expect(throws: ACMEError(.malformed("newOrder gave no order URL"), url: "\(Self.base)/new-order")) {
      try await client.newOrder(["a.example"], profile: nil, replaces: nil)
    }
  }

  @Test(arguments: [
    (#"{"status":"processing"}"#, Order.Step.poll),
    (#"{"status":"valid","certificate":"/cert/1"}"#, .download),
    (#"{"status":"issuing-shortly"}"#, .poll),
    (
      #"{"status":"invalid","error":{"type":"urn:ietf:params:acme:error:caa","detail":"no"}}"#,
      .abandon(Problem(type: .caa, detail: "no"))
    ),
  ])
  func finalizeWithoutLocationKeepsTheOrdersURL(body: String, next: Order.Step) async throws {
    let server = ScriptedServer()
    await server.answer("/finalize/1", .json(200, body, ("Retry-After", "3")))
    let ready = Order(
      url: "\(Self.base)/order/1", status: .ready, identifiers: [Identifier(name: "a.example")],
      authorizations: ["\(Self.base)/authz/1"], finalize: "\(Self.base)/finalize/1")

    let order = try await server.client().finalize(ready, csr: [1, 2, 3])

    #expect(order.url == ready.url)
    #expect(order.identifiers == ready.identifiers)
    #expect(order.retryAfter == .seconds(3))
    #expect(order.next(after: .finalized) == next)
    #expect(await server.requests("/finalize/1").map(\.payload) == [#"{"csr":"AQID"}"#])
  }

  @Test func thePollIsAPostAsGetAndTellsWhenToComeAgain() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/order/1", .json(200, Self.pending, ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")), .json(200, Self.pending))
    let client = try await server.client()

    let first = try await client.order(at: "\(Self.base)/order/1")
    let second = try await client.order(at: "\(Self.base)/order/1")

    #expect(first.retryAfter == .date(Date(timeIntervalSince1970: 784_111_777)))
    #expect(second.retryAfter == nil)
    let sent = await server.requests("/order/1")
    #expect(sent.map(\.payload) == ["", ""])
    #expect(sent.map(\.method) == ["POST", "POST"])
  }

  @Test func strangeChallengesDoNotSpoilAnAuthorization() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/authz/1",
      .json(
        200,
        """
        {"status":"waiting-for-the-moon","identifier":{"type":"dns","value":"a.example"},"wildcard":true,"expires":7,
        "challenges":[{"type":"dns-persist-01","url":"\(Self.base)/chall/1","status":"pending","issuer-domain-names":["x"]},
        {"type":"tkauth-01"},"garbage",null,
        {"type":"http-01","url":"/chall/2","status":"on-hold","token":"abc","error":"not an object","validated":"yesterday"}]}
        """))

    let authorization = try await server.client().authorization(at: "\(Self.base)/authz/1")

    #expect(authorization.status.rawValue == "waiting-for-the-moon")
    #expect(authorization.name == "*.a.example")
    #expect(authorization.expires == nil)
    #expect(authorization.challenges.map(\.type) == [.dnsPersist01, .http01])
    #expect(authorization.challenge(.http01)?.url == "\(Self.base)/chall/2")
    #expect(authorization.challenge(.http01)?.status.rawValue == "on-hold")
    #expect(authorization.challenge(.tlsALPN01) == nil)
  }

  @Test func aFailedAuthorizationSaysWhyInItsChallenge() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/authz/1",
      .json(
        200,
        """
        {"status":"invalid","identifier":{"type":"dns","value":"a.example"},"challenges":[
        {"type":"dns-01","url":"/chall/1","status":"pending","token":"t"},
        {"type":"http-01","url":"/chall/2","status":"invalid","token":"t",
        "error":{"type":"urn:ietf:params:acme:error:connection","detail":"192.0.2.1: Timeout","status":400}}]}
        """))

    let authorization = try await server.client().authorization(at: "\(Self.base)/authz/1")

    #expect(authorization.error == Problem(type: .connection, detail: "192.0.2.1: Timeout", status: 400))
  }

  @Test func aChallengeThatIsAlreadyBeingLookedAtIsNoError() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/chall/1", .problem(409, "conflict", "already"),
      .json(200, #"{"type":"http-01","url":"\#(Self.base)/chall/1","status":"processing","token":"t"}"#))
    let challenge = Challenge(type: .http01, url: "\(Self.base)/chall/1", status: .pending, token: "t")

    let answered = try await server.client().respond(to: challenge)

    #expect(answered.status == .processing)
    #expect(await server.requests("/chall/1").map(\.payload) == ["{}", ""])
  }

  @Test func aChallengeThatTheCARefusesToBeginIsAnError() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/chall/1", .problem(400, "malformed", "expired"),
      .json(200, #"{"type":"http-01","url":"/chall/1","status":"pending","token":"t"}"#))
    let challenge = Challenge(type: .http01, url: "\(Self.base)/chall/1", status: .pending, token: "t")
    let client = try await server.client()

    await #expect {
      try await client.respond(to: challenge)
    } throws: { error in
      (error as? ACMEError)?.problem?.detail == "expired"
    }
  }

  @Test func everyRequestHasADeadlineAndALimitForItsAnswer() async throws {
    let server = ScriptedServer()
    await server.answer("/order/1", .json(200, Self.pending))

    _ = try await server.client().order(at: "\(Self.base)/order/1")

    let seen = await server.seen
    #expect(seen.map(\.method) == ["GET", "HEAD", "POST"])
    #expect(seen.allSatisfy { $0.deadline == .seconds(30) && $0.bodyLimit == 524_288 })
  }

  @Test(arguments: [
    "", "[]", "null", #"{"status":"pending","authorizations":[1]}"#, "{}", #"{"status":7}"#, "<html>",
    "{\"status\":\"pending\"", "\u{0}\u{1}",
  ])
  func anAnswerThatIsNoOrderIsMalformedAndNotACrash(body: String) async throws {
    let server = ScriptedServer()
    await server.answer("/order/1", .json(200, body))
    let client = try await server.client()

    await #expect {
      try await client.order(at: "\(Self.base)/order/1")
    } throws: { error in
      if case .malformed = (error as? ACMEError)?.kind { true } else { false }
    }
  }

  @Test func anAnswerCannotLeadOutOfTLS() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/new-order",
      .json(201, Self.pending.replacing("\(Self.base)/finalize", with: "http://ca.example/f"), ("Location", "/order/1"))
    )
    let client = try await server.client()

    await #expect(throws: ACMEError.self) { try await client.newOrder(["a.example"], profile: nil, replaces: nil) }
  }
}
