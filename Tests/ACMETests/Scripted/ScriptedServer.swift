import ACME
import Foundation
import Net
import PKI

/// A CA's HTTP side, answer by answer: for what Pebble 2.4 never says.
///
/// It stands behind the `HTTPTransport` that the real client stands behind too. Requests are kept for the test to look at.
actor ScriptedServer {
  struct Seen: Sendable {
    let method: String
    let url: String
    let userAgent: String
    let contentType: String?
    let header: [String: String]
    let payload: String
    let deadline: Duration
    let bodyLimit: Int
  }

  struct Answer: Sendable {
    var status = 200
    var headers: [(name: String, value: String)] = []
    var body = ""
    var failure: NetError?
    var bringsNonce = true

    static func json(_ status: Int, _ body: String, _ headers: (name: String, value: String)...) -> Answer {
      Answer(status: status, headers: [("Content-Type", "application/json")] + headers, body: body)
    }

    static func problem(
      _ status: Int, _ type: String, _ detail: String = "", _ headers: (name: String, value: String)...
    ) -> Answer {
      Answer(
        status: status, headers: [("Content-Type", "application/problem+json")] + headers,
        body: #"{"type":"urn:ietf:params:acme:error:\#(type)","detail":"\#(detail)","status":\#(status)}"#)
    }

    static func html(_ status: Int, _ headers: (name: String, value: String)...) -> Answer {
      Answer(
        status: status, headers: [("Content-Type", "text/html")] + headers,
        body: "<html>\n<h1>\(status) from   the front</h1>\n</html>", bringsNonce: false)
    }
  }

  static let base = "https://ca.example"
  static let directory = """
    {"newNonce":"\(base)/new-nonce","newAccount":"\(base)/new-account","newOrder":"\(base)/new-order",
    "renewalInfo":"\(base)/renewal-info","mFNWGR2mq1M":"https://community.example/t/random","meta":{"profiles":{"classic":"x"}}}
    """

  private var script: [String: [Answer]] = ["/directory": [.json(200, directory)]]
  private(set) var seen: [Seen] = []
  private var nonce = 0

  /// The answers of a path, in order; the last one is repeated.
  func answer(_ path: String, _ answers: Answer...) { script[path] = answers }

  func requests(_ path: String) -> [Seen] { seen.filter { $0.url == Self.base + path } }

  func handle(_ request: HTTPRequest) throws(NetError) -> HTTPResponse {
    seen.append(Self.read(request))
    let path = String(request.url.dropFirst(Self.base.count))
    var answer = Answer.problem(404, "malformed", "no script for \(path)")
    if let answers = script[path], let first = answers.first {
      answer = first
      if answers.count > 1 { script[path] = Array(answers.dropFirst()) }
    } else if path == "/new-nonce" {
      answer = Answer(status: 200)
    }
    if let failure = answer.failure { throw failure }
    var headers = answer.headers
    if answer.bringsNonce, request.method != "GET" {
      nonce += 1
      headers.append(("Replay-Nonce", "nonce-\(nonce)"))
    }
    return HTTPResponse(status: answer.status, headers: headers, body: Array(answer.body.utf8))
  }

  private static func read(_ request: HTTPRequest) -> Seen {
    let jws: [String: String] = decode(request.body ?? [])
    func text(_ member: String) -> [UInt8] { jws[member].flatMap { Base64URL.decode($0) } ?? [] }
    return Seen(
      method: request.method, url: request.url, userAgent: request.userAgent,
      contentType: request.headers.first { $0.name == "Content-Type" }?.value,
      header: decode(text("protected")), payload: String(decoding: text("payload"), as: UTF8.self),
      deadline: request.deadline, bodyLimit: request.bodyLimit)
  }

  /// The members that are strings.
  private static func decode(_ bytes: [UInt8]) -> [String: String] {
    do {
      let object = try JSONSerialization.jsonObject(with: Data(bytes))
      return (object as? [String: Any])?.compactMapValues { $0 as? String } ?? [:]
    } catch {
      return [:]
    }
  }

  nonisolated var link: ACMEServer.Link {
    ACMEServer.Link(
      transport: { (request) async throws(NetError) -> HTTPResponse in try await self.handle(request) },
      userAgent: "certfleet-tests/1")
  }

  /// A client with an account, which the script need not make.
  nonisolated func client() async throws -> ACMEClient {
    let server = try await ACMEServer.connect(to: Self.base + "/directory", over: link)
    return ACMEClient(server: server, accountURL: Self.base + "/account/1", key: try .generate(.ecdsaP256))
  }
}
