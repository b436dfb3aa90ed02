import CCurl

/// The parts of a URL that decide where to connect, as libcurl itself reads them: a second parser could disagree.
struct WebAddress: Sendable, Equatable {
  let scheme: String
  let host: String
  let port: UInt16

  /// Reads an `http` or `https` URL.
  init(_ text: String) throws(NetError) {
    let url = ParsedURL()
    guard url.read(try WireText.url(text)), let scheme = url.part(CURLUPART_SCHEME, 0)?.lowercased(),
      let host = url.part(CURLUPART_HOST, 0), !host.isEmpty,
      let port = url.part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ UInt16($0) })
    else { throw NetError(.badURL, "not a URL") }
    guard scheme == "http" || scheme == "https" else {
      throw NetError(.badURL, "the URL is neither http nor https")
    }
    guard url.part(CURLUPART_USER, 0) == nil, url.part(CURLUPART_PASSWORD, 0) == nil else {
      throw NetError(.badURL, "the URL names a user")
    }
    self.scheme = scheme
    self.host = host
    self.port = port
  }
}

/// libcurl's reading of one URL.
private struct ParsedURL: ~Copyable {
  private let handle: OpaquePointer?

  init() { handle = curl_url() }

  deinit { curl_url_cleanup(handle) }

  func read(_ text: String) -> Bool { handle != nil && curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK }

  func part(_ part: CURLUPart, _ flags: UInt32) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }
}
