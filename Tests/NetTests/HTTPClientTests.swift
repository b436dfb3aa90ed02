import Foundation
import Net
import Testing

@Suite(.enabled(if: Peer.isUsable, "needs python3"), .timeLimit(.minutes(2)))
struct HTTPClientTests {
  let peer: Peer
  let loop = CurlLoop()
  let client: HTTPClient

  init() async throws {
    peer = try await Peer.start("http_peer.py")
    client = HTTPClient(loop: loop, connectionsPerHost: 4)
  }

  struct Echo: Decodable {
    var method: String
    var target: String
    var headers: [[String]]
    var body: String
    var connection: Int
    var served: Int

    func header(_ name: String) -> [String] {
      headers.filter { $0[0].lowercased() == name.lowercased() }.map { $0[1] }
    }
  }

  struct Counts: Decodable {
    var connections: Int
    var requests: Int
    /// Requests that were not answered yet, and the most of them at one time; only /silent and /wait count.
    var open: Int
    var most: Int
  }

  private func echo(_ request: HTTPRequest) async throws -> Echo {
    try JSONDecoder().decode(Echo.self, from: Data(try await client.send(request).body))
  }

  private func counts() async throws -> Counts {
    let response = try await client.send(HTTPRequest(url: peer.url("/counts")))
    return try JSONDecoder().decode(Counts.self, from: Data(response.body))
  }

  private func failure(_ request: HTTPRequest) async -> NetError.Kind? {
    do throws(NetError) {
      _ = try await client.send(request)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test func aPostArrivesByteForByteWithItsHeaders() async throws {
    let body = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }

    let seen = try await echo(
      HTTPRequest(
        method: "POST", url: peer.url("/echo"),
        headers: [("Content-Type", "application/jose+json"), ("X-Empty", ""), ("X-Tab", "a\tb")], body: body,
        userAgent: "certfleet/1"))

    #expect(seen.method == "POST")
    #expect(seen.body == body.map { String(format: "%02x", $0) }.joined())
    #expect(seen.header("content-type") == ["application/jose+json"])
    #expect(seen.header("x-empty") == [""])
    #expect(seen.header("x-tab") == ["a\tb"])
    #expect(seen.header("user-agent") == ["certfleet/1"])
    #expect(seen.header("expect") == [])
  }

  @Test(arguments: [nil, []] as [[UInt8]?]) func anEmptyPostHasALengthOfZero(body: [UInt8]?) async throws {
    let seen = try await echo(HTTPRequest(method: "POST", url: peer.url("/echo"), body: body))

    #expect(seen.method == "POST")
    #expect(seen.header("content-length") == ["0"])
  }

  @Test func aHeadTakesHeadersAndWaitsForNoBody() async throws {
    let response = try await client.send(
      HTTPRequest(method: "HEAD", url: peer.url("/head"), bodyLimit: 10))

    #expect(response.status == 200)
    #expect(response.header("replay-nonce") == "abc")
    #expect(response.body.isEmpty)
  }

  @Test func aRefusalIsAnAnswerWithAllItsHeaders() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/status/429")))

    #expect(response.status == 429)
    #expect(response.header("Retry-After") == "17")
    #expect(response.headers(named: "link") == ["<a>;rel=\"up\"", "<b>;rel=\"alternate\""])
    #expect(response.header("X-Empty") == "")
    #expect(response.header("X-None") == nil)
    #expect(response.body == Array("refused".utf8))
    #expect(response.remoteAddress == "127.0.0.1")
    #expect(response.effectiveURL == peer.url("/status/429"))
  }

  @Test func aFoldedHeaderIsOneValue() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/folded")))

    #expect(response.header("X-Fold") == "one two")
  }

  @Test func requestsOneAfterTheOtherShareAConnection() async throws {
    for _ in 0..<20 { _ = try await client.send(HTTPRequest(url: peer.url("/status/200"))) }

    let counts = try await counts()

    #expect(counts.connections == 1)
    #expect(counts.requests == 21)
  }

  @Test func noMoreThanTheLimitAreInFlightAndTheRestWaitTheirTurn() async throws {
    try await withThrowingTaskGroup { group in
      for _ in 0..<24 {
        group.addTask { [client, url = peer.url("/wait/20")] in
          try await client.send(HTTPRequest(url: url)).status
        }
      }
      for try await status in group { #expect(status == 200) }
    }

    let counts = try await counts()

    #expect(counts.most <= 4)
    #expect(counts.connections <= 4)
    #expect(counts.requests == 25)
  }

  @Test func waitingForAPlaceCountsAgainstTheDeadline() async throws {
    let busy = HTTPClient(loop: loop, connectionsPerHost: 1)
    let silent = HTTPRequest(url: peer.url("/silent"), deadline: .seconds(60))
    let first = Task { try await busy.send(silent) }
    while try await counts().open == 0 {}

    let start = ContinuousClock.now
    await #expect(throws: NetError.self) {
      try await busy.send(HTTPRequest(url: self.peer.url("/echo"), deadline: .milliseconds(150)))
    }

    #expect(ContinuousClock.now - start < Peer.soon)
    loop.shutdown()
    await #expect(throws: NetError.self) { try await first.value }
  }

  @Test func aConnectionThatDiedInTheMeantimeIsReplaced() async throws {
    _ = try await client.send(HTTPRequest(url: peer.url("/forget")))

    let seen = try await echo(HTTPRequest(method: "POST", url: peer.url("/echo"), body: [1, 2]))

    #expect(seen.body == "0102")
    #expect(seen.connection == 2)
  }

  @Test(arguments: ["/slow", "/silent"]) func aPeerThatDawdlesMeetsTheDeadline(path: String) async throws {
    let start = ContinuousClock.now

    let kind = await failure(HTTPRequest(url: peer.url(path), deadline: .milliseconds(300)))

    #expect(kind == .timedOut)
    #expect(ContinuousClock.now - start < Peer.soon)
  }

  @Test(arguments: ["/big/70000", "/endless", "/headers"]) func anAnswerWithoutEndIsCutOff(path: String) async throws {
    let kind = await failure(HTTPRequest(url: peer.url(path), bodyLimit: 65536))

    #expect(kind == .bodyTooLarge)
  }

  @Test func aBodyOfExactlyTheLimitIsTaken() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/big/65536"), bodyLimit: 65536))

    #expect(response.body.count == 65536)
  }

  @Test(arguments: ["/reset", "/cut", "/hangup"]) func aBrokenConnectionIsNamed(path: String) async throws {
    let kind = await failure(HTTPRequest(url: peer.url(path)))

    #expect(kind == .connectionLost)
  }

  @Test func aBodyWithoutLengthEndsWithItsConnection() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/unmeasured")))

    #expect(response.body == Array("until the end".utf8))
  }

  @Test func somethingThatIsNotHTTPIsRefused() async throws {
    #expect(await failure(HTTPRequest(url: peer.url("/garbage"))) == .other)
  }

  @Test func redirectsAreFollowedAsOftenAsAsked() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/hop/3"), followRedirects: 3))

    #expect(response.status == 200)
    #expect(response.body == Array("arrived".utf8))
    #expect(response.redirects == ["/hop/2", "/hop/1", "/hop/0"])
    #expect(response.effectiveURL == peer.url("/hop/0"))
  }

  @Test func aRedirectLoopEndsWithTheLastRedirect() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/loop"), followRedirects: 10))

    #expect(response.status == 302)
    #expect(response.redirects.count == 10)
    #expect(response.header("Location") == "/loop")
  }

  @Test func aRedirectIsNotFollowedUnasked() async throws {
    let response = try await client.send(HTTPRequest(url: peer.url("/hop/1")))

    #expect(response.status == 301)
    #expect(response.redirects == [])
  }

  @Test(arguments: ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:word@127.0.0.1:1/"])
  func aRedirectToSomethingElseThanTheWebFails(target: String) async throws {
    let path = "/to/" + target.utf8.map { String(format: "%02x", $0) }.joined()

    #expect(await failure(HTTPRequest(url: peer.url(path), followRedirects: 2)) != nil)
  }

  @Test func theConnectionGoesWhereItIsToldAndTheHostStaysTheURLs() async throws {
    let response = try await client.send(
      HTTPRequest(url: "http://kunde.example/echo", connectTo: ("127.0.0.1", peer.port)))

    let seen = try JSONDecoder().decode(Echo.self, from: Data(response.body))
    #expect(seen.header("host") == ["kunde.example"])
    #expect(seen.target == "/echo")
    #expect(response.remoteAddress == "127.0.0.1")
  }

  @Test func aRedirectToTheSameHostGoesToTheSamePlace() async throws {
    let again = "http://Kunde.example:\(peer.port)/echo"
    let path = "/to/" + again.utf8.map { String(format: "%02x", $0) }.joined()

    let response = try await client.send(
      HTTPRequest(url: "http://kunde.example\(path)", connectTo: ("127.0.0.1", peer.port), followRedirects: 3))

    #expect(response.status == 200)
    #expect(response.redirects == [again])
  }

  @Test func aRedirectToAnotherHostDoesNotGoToTheSamePlace() async throws {
    let other = "http://andere.invalid/echo"
    let path = "/to/" + other.utf8.map { String(format: "%02x", $0) }.joined()

    let kind = await failure(
      HTTPRequest(
        url: "http://kunde.example\(path)", deadline: .seconds(20), connectTo: ("127.0.0.1", peer.port),
        followRedirects: 3))

    #expect(kind == .nameNotFound || kind == .timedOut)
  }

  @Test func aPortWhereNobodyListensRefuses() async throws {
    peer.end()

    #expect(await failure(HTTPRequest(url: peer.url("/echo"))) == .connectionRefused)
  }

  @Test func aNameThatDoesNotExistIsSaidSo() async throws {
    let kind = await failure(HTTPRequest(url: "http://no-such-host.invalid/", deadline: .seconds(20)))

    #expect(kind == .nameNotFound || kind == .timedOut)
  }

  @Test(arguments: [
    "http://127.0.0.1/a\r\nX-Evil: 1", "http://127.0.0.1/a b", "http://127.0.0.1/\0", "ftp://127.0.0.1/", "", "kunde",
    "http://", "http://user:word@127.0.0.1/", "http://127.0.0.1:99999/",
  ])
  func aURLThatIsNotFitIsRefused(url: String) async throws {
    #expect(await failure(HTTPRequest(url: url)) == .badURL)
  }

  @Test(arguments: [
    [("X-A", "b\r\nX-Evil: 1")], [("X-A\r\nX-Evil", "1")], [("X A", "1")], [("", "1")], [("X-A:", "1")],
    [("X-A", "b\0c")],
  ])
  func aHeaderThatWouldBeTwoIsRefused(headers: [(String, String)]) async throws {
    #expect(await failure(HTTPRequest(url: peer.url("/echo"), headers: headers)) == .badURL)
    #expect(try await counts().requests == 1)
  }

  @Test(arguments: ["PUT", "get", "", "GET / HTTP/1.1\r\n"]) func anotherMethodIsRefused(method: String) async throws {
    #expect(await failure(HTTPRequest(method: method, url: peer.url("/echo"))) == .other)
  }

  @Test func aCancelledTaskGetsItsAnswerAtOnce() async throws {
    let task = Task { [client, url = peer.url("/silent")] in try await client.send(HTTPRequest(url: url)) }
    while try await counts().open == 0 {}

    let start = ContinuousClock.now
    task.cancel()

    await #expect { try await task.value } throws: { ($0 as? NetError)?.kind == .cancelled }
    #expect(ContinuousClock.now - start < Peer.soon)
  }

  @Test func aTaskCancelledBeforehandSendsNothing() async throws {
    let task = Task { [client, url = peer.url("/silent")] in
      while !Task.isCancelled { await Task.yield() }
      return try await client.send(HTTPRequest(url: url))
    }
    task.cancel()

    await #expect { try await task.value } throws: { ($0 as? NetError)?.kind == .cancelled }
  }

  @Test func aShutdownAnswersEveryone() async throws {
    let waiting = (0..<12).map { _ in
      Task { [client, url = peer.url("/silent")] in try await client.send(HTTPRequest(url: url)) }
    }
    while try await HTTPClient(loop: loop).send(HTTPRequest(url: peer.url("/counts"))).status != 200 {}

    loop.shutdown()

    for task in waiting {
      await #expect { try await task.value } throws: { ($0 as? NetError)?.kind == .cancelled }
    }
    #expect(await failure(HTTPRequest(url: peer.url("/echo"))) == .cancelled)
  }
}
