/// The answer to a request: hostile text, every byte of it.
public struct HTTPResponse: Sendable {
  /// The status code; 3xx when a redirect was not followed.
  public let status: Int
  /// Every header in the order received, of the last answer.
  public let headers: [(name: String, value: String)]
  /// The body, at most as long as the request allowed.
  public let body: [UInt8]
  /// The address that answered, without a port.
  public let remoteAddress: String
  /// The URL that answered, after redirects.
  public let effectiveURL: String
  /// The `Location` of each redirect that was followed, as sent.
  public let redirects: [String]

  /// Makes one: what a scripted server answers.
  public init(
    status: Int, headers: [(name: String, value: String)], body: [UInt8], remoteAddress: String = "",
    effectiveURL: String = "", redirects: [String] = []
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.remoteAddress = remoteAddress
    self.effectiveURL = effectiveURL
    self.redirects = redirects
  }

  /// The first value of a header, whatever the case of its name.
  public func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }

  /// All values of a header that may come several times, such as `Link`.
  public func headers(named name: String) -> [String] {
    let wanted = name.lowercased()
    return headers.filter { $0.name.lowercased() == wanted }.map(\.value)
  }
}
