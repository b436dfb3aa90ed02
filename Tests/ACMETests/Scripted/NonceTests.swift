import ACME
import Foundation
import Net
import PKI
import Testing

@Suite struct NonceTests {
  typealias Answer = ScriptedServer.Answer
  static let order = #"{"status":"ready","identifiers":[],"authorizations":[],"finalize":"/f"}"#

  @Test func nonceComesFromTheAnswerBeforeAndIsAskedForOnlyOnce() async throws {
    let server = ScriptedServer()
    await server.answer("/order/1", .json(200, Self.order))
    let client = try await server.client()

    for _ in 0..<10 { _ = try await client.order(at: "https://ca.example/order/1") }

    #expect(await server.requests("/new-nonce").map(\.method) == ["HEAD"])
    #expect(await server.requests("/order/1").compactMap { $0.header["nonce"] } == (1...10).map { "nonce-\($0)" })
  }

  @Test func aRefusalBringsANonceToo() async throws {
    let server = ScriptedServer()
    await server.answer("/order/1", .problem(404, "malformed"), .json(200, Self.order))
    let client = try await server.client()

    await #expect(throws: ACMEError.self) { try await client.order(at: "https://ca.example/order/1") }
    _ = try await client.order(at: "https://ca.example/order/1")

    #expect(await server.requests("/new-nonce").count == 1)
  }

  @Test func aRefusedNonceIsReplacedByTheOneInTheRefusal() async throws {
    let server = ScriptedServer()
    await server.answer(
      "/order/1", .problem(400, "badNonce"), .problem(400, "badNonce"), .problem(400, "badNonce"),
      .json(200, Self.order))

    let order = try await server.client().order(at: "https://ca.example/order/1")

    #expect(order.status == .ready)
    #expect(
      await server.requests("/order/1").compactMap { $0.header["nonce"] }
        == ["nonce-1", "nonce-2", "nonce-3", "nonce-4"])
  }

  @Test func aRefusalWithoutANonceMakesTheClientAskForOne() async throws {
    let server = ScriptedServer()
    var bare = Answer.problem(400, "badNonce")
    bare.bringsNonce = false
    await server.answer("/order/1", bare, .json(200, Self.order))

    _ = try await server.client().order(at: "https://ca.example/order/1")

    #expect(await server.requests("/new-nonce").count == 2)
  }

  @Test func aServerThatLikesNoNonceIsGivenUpInTheEnd() async throws {
    let server = ScriptedServer()
    await server.answer("/order/1", .problem(400, "badNonce", "never"))
    let client = try await server.client()

    await #expect {
      try await client.order(at: "https://ca.example/order/1")
    } throws: { error in
      (error as? ACMEError)?.problem?.type == .badNonce
    }
    #expect(await server.requests("/order/1").count == 24)
  }

  @Test func whatIsNoNonceIsIgnored() async throws {
    let server = ScriptedServer()
    var strange = Answer.json(200, Self.order, ("Replay-Nonce", "not a nonce!"))
    strange.bringsNonce = false
    await server.answer("/order/1", strange)
    let client = try await server.client()

    for _ in 0..<2 { _ = try await client.order(at: "https://ca.example/order/1") }

    #expect(await server.requests("/new-nonce").count == 2)
  }

  @Test func aBusyNewNonceIsTheCallersToWaitFor() async throws {
    let server = ScriptedServer()
    await server.answer("/new-nonce", .html(503, ("Retry-After", "1")))
    let client = try await server.client()

    await #expect {
      try await client.order(at: "https://ca.example/order/1")
    } throws: { error in
      guard let error = error as? ACMEError else { return false }
      return error.isBusy && error.retryAfter == .seconds(1)
    }
    #expect(await server.requests("/order/1").isEmpty)
  }

  @Test func requestsAtOnceUseEachNonceOnce() async throws {
    let server = ScriptedServer()
    await server.answer("/order/1", .json(200, Self.order))
    let client = try await server.client()

    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<16 {
        group.addTask { for _ in 0..<25 { _ = try await client.order(at: "https://ca.example/order/1") } }
      }
      try await group.waitForAll()
    }

    let nonces = await server.requests("/order/1").compactMap { $0.header["nonce"] }
    #expect(nonces.count == 400)
    #expect(Set(nonces).count == 400)
    #expect(await server.requests("/new-nonce").count <= 16)
  }
}
