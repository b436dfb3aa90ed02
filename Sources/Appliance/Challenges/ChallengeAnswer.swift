public import Fleet

/// One HTTP request on the tunnel, as far as we read any: GET of a known token, everything else refused. Pure; the bytes come and go elsewhere.
public struct ChallengeAnswer: Sendable, Equatable {
  /// The most that a request may have, headers included.
  public static let limit = 8_192

  /// What is sent back, whole.
  public let response: [UInt8]
  /// The token that was answered, if one was.
  public let token: String?

  /// What a part of a request comes to.
  public enum Reading: Sendable, Equatable {
    /// The headers have not ended yet.
    case more
    case answer(ChallengeAnswer)
  }

  /// Reads what came so far. `keyAuthorization` knows the tokens of challenges that are open now.
  public static func read(
    _ request: [UInt8], isEnd: Bool, pair: PairID, keyAuthorization: (String) -> String?
  ) -> Reading {
    if request.count > limit { return .answer(refusal(.tooLarge, pair)) }
    guard headersEnd(request) else { return isEnd ? .answer(refusal(.badRequest, pair)) : .more }
    let line = request.prefix { $0 != 0x0A && $0 != 0x0D }
    guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else { return .answer(refusal(.badRequest, pair)) }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", words[0] == "GET" else {
      return .answer(refusal(.badRequest, pair))
    }
    guard words[1].hasPrefix(path) else { return .answer(refusal(.notFound, pair)) }
    let token = String(words[1].dropFirst(path.count))
    guard token.utf8.count <= 128, ChallengeRule.isBase64URL(token), let body = keyAuthorization(token) else {
      return .answer(refusal(.notFound, pair))
    }
    return .answer(ChallengeAnswer(response: response(.ok, body, pair), token: token))
  }

  private static let path = "/.well-known/acme-challenge/"

  private enum Status: String {
    case ok = "200 OK"
    case badRequest = "400 Bad Request"
    case notFound = "404 Not Found"
    case tooLarge = "431 Request Header Fields Too Large"
  }

  /// An empty line ends the headers; a lone LF counts too (RFC 9112 §2.2).
  private static func headersEnd(_ bytes: [UInt8]) -> Bool {
    var atLineStart = false
    for byte in bytes {
      switch byte {
      case 0x0A:
        if atLineStart { return true }
        atLineStart = true
      case 0x0D: continue
      default: atLineStart = false
      }
    }
    return false
  }

  private static func refusal(_ status: Status, _ pair: PairID) -> ChallengeAnswer {
    ChallengeAnswer(response: response(status, "", pair), token: nil)
  }

  private static func response(_ status: Status, _ body: String, _ pair: PairID) -> [UInt8] {
    let pair = pair.rawValue.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    let head = [
      "HTTP/1.1 \(status.rawValue)", "Content-Type: text/plain", "Content-Length: \(body.utf8.count)",
      "\(ChallengeRule.pairHeader): \(pair)", "Cache-Control: no-store", "Connection: close", "", "",
    ]
    return Array((head.joined(separator: "\r\n") + body).utf8)
  }
}
