import Foundation
import Net

/// Reading a CA's answers.
enum ACMEAnswer {
  /// The error that an answer stands for, or `nil` for a success.
  static func error(_ response: HTTPResponse, url: String) -> ACMEError? {
    guard !(200..<300).contains(response.status) else { return nil }
    let retryAfter = self.retryAfter(response)
    guard let problem = problem(response) else {
      return ACMEError(
        .http(status: response.status, excerpt: excerpt(response.body)), url: url, retryAfter: retryAfter)
    }
    let kind: ACMEError.Kind =
      problem.type == .accountDoesNotExist
      ? .accountDoesNotExist(problem) : .problem(problem, status: response.status)
    return ACMEError(kind, url: url, retryAfter: retryAfter)
  }

  static func retryAfter(_ response: HTTPResponse) -> RetryAfter? {
    response.header("Retry-After").flatMap { RetryAfter($0) }
  }

  /// An object of the protocol. Wrong media types are common and harmless; a body that is no such object is not.
  static func decode<Wire: Decodable>(
    _ type: Wire.Type, _ response: HTTPResponse, url: String
  ) throws(ACMEError) -> Wire {
    do {
      return try JSONDecoder().decode(type, from: Data(response.body))
    } catch {
      throw ACMEError(
        .malformed("status \(response.status), but not the object expected: \(excerpt(response.body))"), url: url)
    }
  }

  /// `nil` for what is no problem document, an HTML page for example. The media type alone decides nothing: fronts send problems as
  /// `application/json`, and pages as anything.
  private static func problem(_ response: HTTPResponse) -> Problem? {
    guard response.body.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return nil }
    do {
      let problem = try JSONDecoder().decode(Problem.self, from: Data(response.body))
      let isDeclared = response.header("Content-Type")?.lowercased().hasPrefix("application/problem+json") ?? false
      return isDeclared || problem.type.rawValue.hasPrefix("urn:") ? problem : nil
    } catch {
      return nil
    }
  }

  /// The start of a body, on one line.
  static func excerpt(_ body: [UInt8]) -> String {
    let text = String(decoding: body.prefix(300), as: UTF8.self)
    return text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
  }
}
