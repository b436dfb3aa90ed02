import CCurl

/// HTTP requests over connections that are kept and shared.
public final class HTTPClient: Sendable {
  private let loop: CurlLoop
  private let number: UInt
  private let connectionsPerHost: Int

  /// A client with its own limit of requests in flight to one server; more wait for a place, within their deadline.
  public init(loop: CurlLoop, connectionsPerHost: Int = 16) {
    self.loop = loop
    number = loop.number()
    self.connectionsPerHost = max(1, connectionsPerHost)
  }

  /// Sends a request. A status of 4xx or 5xx is an answer, not an error.
  public func send(_ request: HTTPRequest) async throws(NetError) -> HTTPResponse {
    let address = try WebAddress(request.url)
    let options = try Options(request, to: address)
    let server = request.connectTo.map { "\($0.host):\($0.port)" } ?? "\(address.host):\(address.port)"
    let result = try await loop.run(
      TransferPlan(
        lane: .init(client: number, server: server), laneLimit: connectionsPerHost, deadline: request.deadline,
        connectDeadline: request.connectDeadline, bodyLimit: request.bodyLimit,
        prepare: { (easy) throws(NetError) in try options.set(on: &easy) }))
    return HTTPResponse(
      status: result.status, headers: result.headers, body: result.body, remoteAddress: result.remoteAddress,
      effectiveURL: result.effectiveURL, redirects: result.followed)
  }
}

/// A request that was found fit to send.
private struct Options: Sendable {
  private enum Method: Sendable { case get, head, post([UInt8]) }

  private let request: HTTPRequest
  private let method: Method
  private let headers: [String]
  private let connectTo: [String]

  init(_ request: HTTPRequest, to address: WebAddress) throws(NetError) {
    self.request = request
    switch (request.method, request.body) {
    case ("GET", nil): method = .get
    case ("HEAD", nil): method = .head
    case ("POST", let body): method = .post(body ?? [])
    case ("GET", _), ("HEAD", _): throw NetError(.other, "a \(request.method) request carries no body")
    default: throw NetError(.other, "only GET, HEAD and POST are sent")
    }
    // libcurl waits a second for "100 Continue" before a body of 1 MiB; nobody we talk to sends it.
    var lines = ["Expect:"]
    for (name, value) in request.headers {
      let name = try WireText.headerName(name)
      let value = try WireText.line(value, as: "the header \(name)", tab: true)
      // libcurl reads "Name:" as "leave this header out" and "Name;" as an empty value.
      lines.append(value.allSatisfy { $0 == " " || $0 == "\t" } ? "\(name);" : "\(name): \(value)")
    }
    headers = lines
    _ = try WireText.line(request.userAgent, as: "the user agent")
    if let (host, port) = request.connectTo {
      let target = try WireText.host(host, as: "the address to connect to")
      let own = try WireText.host(address.host, as: "the URL's host")
      // An empty host matches every URL; with redirects the URL's own host is named, see `HTTPRequest.connectTo`.
      connectTo =
        request.followRedirects > 0
        ? ["\(own):\(address.port):\(target):\(port)", "\(own)::\(target):"] : ["::\(target):\(port)"]
    } else {
      connectTo = []
    }
  }

  func set(on easy: inout EasyHandle) throws(NetError) {
    try easy.set(CURLOPT_URL, request.url)
    try easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
    try easy.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    // A redirect chooses its URL: one with a password in it would make us send it.
    try easy.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try easy.set(CURLOPT_USERAGENT, request.userAgent)
    try easy.set(CURLOPT_HTTPHEADER, list: headers)
    try easy.set(CURLOPT_FOLLOWLOCATION, request.followRedirects > 0 ? 1 : 0)
    try easy.set(CURLOPT_MAXREDIRS, request.followRedirects)
    if !connectTo.isEmpty {
      try easy.set(CURLOPT_CONNECT_TO, list: connectTo)
      try easy.set(CURLOPT_PROXY, "")
      // Kept, it would serve only the same name again, and take the place of a connection to the CA.
      try easy.set(CURLOPT_FORBID_REUSE, 1)
    }
    try easy.set(request.trust)
    switch method {
    case .get: try easy.set(CURLOPT_HTTPGET, 1)
    case .head: try easy.set(CURLOPT_NOBODY, 1)
    case .post(let body): try easy.post(body)
    }
  }
}
