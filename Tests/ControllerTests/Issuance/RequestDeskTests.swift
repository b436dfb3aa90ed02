import ACME
import Fleet
import Foundation
import Net
import Synchronization
import Testing

@testable import Controller

/// Every request to the CA in its turn, on a clock that jumps.
@Suite struct RequestDeskTests {
  private static let directory = "https://ca.example/directory"
  private static let nonce = "https://ca.example/new-nonce"
  private static let order = "https://ca.example/new-order"

  /// Stands still until somebody sleeps, and then is at the end of that sleep.
  private final class JumpingClock: TimeSource {
    private let moment = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    var now: Date { moment.withLock { $0 } }
    func sleep(until date: Date) async { moment.withLock { $0 = max($0, date) } }  // no time passes
  }

  private let clock = JumpingClock()

  private func desk(_ ceilings: [Endpoint: RequestCeiling] = [:]) -> RequestDesk {
    RequestDesk(Authority(id: AuthorityID("ca"), directory: Self.directory), ceilings: ceilings, clock: clock)
  }

  /// A transport whose peer answers as told, in this order, and then always with 200.
  private func transport(_ desk: RequestDesk, _ answers: [HTTPResponse] = []) -> HTTPTransport {
    let left = Script(answers)
    return desk.transport { (_) async throws(NetError) -> HTTPResponse in left.next() }
  }

  private final class Script: Sendable {
    private let answers: Mutex<[HTTPResponse]>
    init(_ answers: [HTTPResponse]) { self.answers = Mutex(answers) }
    func next() -> HTTPResponse {
      answers.withLock { $0.isEmpty ? HTTPResponse(status: 200, headers: [], body: []) : $0.removeFirst() }
    }
  }

  private func learnt(_ desk: RequestDesk) async throws {
    let body = #"{"newNonce":"/new-nonce","newAccount":"/new-account","newOrder":"/new-order"}"#
    let link = ACMEServer.Link(
      transport: { (_) async throws(NetError) -> HTTPResponse in
        HTTPResponse(status: 200, headers: [], body: Array(body.utf8))
      }, userAgent: "test/1")
    await desk.learn(try await ACMEServer.connect(to: Self.directory, over: link).directory)
  }

  private func seconds(_ transport: HTTPTransport, _ url: String) async throws -> Double {
    let before = clock.now
    _ = try await transport(HTTPRequest(method: "HEAD", url: url))
    return clock.now.timeIntervalSince(before)
  }

  @Test func requestsForNoncesAreSpreadAsTheFrontWantsThem() async throws {
    let desk = desk(LimitTable.letsEncrypt.ceilings)
    try await learnt(desk)
    let send = transport(desk)

    let start = clock.now
    for _ in 0..<40 { _ = try await send(HTTPRequest(method: "HEAD", url: Self.nonce)) }

    // 8 at once, then 16 a second.
    #expect(abs(clock.now.timeIntervalSince(start) - 2) < 0.01)
    #expect(try await seconds(send, Self.order) == 0)
  }

  @Test func a429WithoutAWordClosesItsEndpointAlone() async throws {
    let desk = desk()
    try await learnt(desk)
    let page = HTTPResponse(
      status: 429, headers: [(name: "retry-after", value: "120")], body: Array("<h1>no</h1>".utf8))
    let send = transport(desk, [page])

    let refused = try await send(HTTPRequest(method: "POST", url: Self.order))

    #expect(refused.status == 429)
    #expect(await desk.pausedUntil(at: clock.now) == clock.now + 120)
    #expect(try await seconds(send, Self.nonce) == 0)
    #expect(try await seconds(send, Self.order) == 120)
  }

  @Test func a429WithAProblemDocumentIsLeftToTheLedger() async throws {
    let desk = desk()
    try await learnt(desk)
    let problem = HTTPResponse(
      status: 429,
      headers: [(name: "Content-Type", value: "application/problem+json"), (name: "Retry-After", value: "120")],
      body: Array(#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}"#.utf8))
    let send = transport(desk, [problem])

    _ = try await send(HTTPRequest(method: "POST", url: Self.order))

    #expect(await desk.pausedUntil(at: clock.now) == nil)
  }

  @Test func aLongPauseIsToldInsteadOfSatOut() async throws {
    let desk = desk()
    let busy = HTTPResponse(status: 503, headers: [(name: "Retry-After", value: "1800")], body: [])
    let send = transport(desk, [busy])
    _ = try await send(HTTPRequest(method: "GET", url: Self.directory))

    let before = clock.now
    let refusal = try await send(HTTPRequest(method: "GET", url: Self.directory))

    #expect(refusal.status == 503)
    #expect(refusal.header("Retry-After") == "1800")
    #expect(clock.now == before)
  }

  @Test func theFamilyOfTheAddressIsSeen() async throws {
    let desk = desk()
    let answer = HTTPResponse(status: 200, headers: [], body: [], remoteAddress: "2001:db8::1")
    _ = try await transport(desk, [answer])(HTTPRequest(method: "GET", url: Self.directory))

    #expect(await desk.isOverIPv6)
  }

  // H14: every answer of the CA has a Date; one out of a cache does not count.
  @Test func answersTellHowFarOurClockIsOff() async throws {
    let desk = desk()
    let dated = HTTPResponse(status: 200, headers: [(name: "Date", value: "Fri, 15 Jan 2027 08:00:00 GMT")], body: [])
    let cached = HTTPResponse(
      status: 200, headers: [(name: "Date", value: "Thu, 14 Jan 2027 08:00:00 GMT"), (name: "Age", value: "86400")],
      body: [])
    let transport = transport(desk, [dated, cached])

    for _ in 0..<3 { _ = try await transport(HTTPRequest(method: "GET", url: Self.directory)) }

    #expect(await desk.takeSkews() == [0])
    #expect(await desk.takeSkews().isEmpty)
    #expect(await desk.isDoubtful == false)
  }

  // G13: a request whose turn was not waited for is not sent at once, and what we ended ourselves is no answer of the CA's.
  @Test func aRequestThatIsCancelledIsNotSent() async throws {
    let desk = desk()
    let sent = Mutex(0)
    let send = desk.transport { (_) async throws(NetError) -> HTTPResponse in
      sent.withLock { $0 += 1 }
      return HTTPResponse(status: 200, headers: [], body: [])
    }

    let kinds = await withTaskGroup(of: NetError.Kind?.self) { group in
      group.cancelAll()
      group.addTask {
        do throws(NetError) {
          _ = try await send(HTTPRequest(method: "GET", url: Self.directory))
          return nil
        } catch {
          return error.kind
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }

    #expect(kinds == [.cancelled])
    #expect(sent.withLock { $0 } == 0)
  }
}
