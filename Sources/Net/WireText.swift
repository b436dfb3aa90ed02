/// Text that is about to stand in a line of a protocol.
///
/// libcurl passes on what it is given: a CR or LF in a header, an address or a URL would be a second line, written by
/// whoever supplied the text (CWE-93). It is refused here, before libcurl sees it; so is NUL, where C would cut it.
enum WireText {
  /// Refuses the control characters. Tab is allowed only where `tab` says so.
  static func line(_ text: String, as what: String, tab: Bool = false) throws(NetError) -> String {
    for byte in text.utf8 where byte < 0x20 || byte == 0x7F {
      if tab, byte == 0x09 { continue }
      throw NetError(.badURL, "\(what) has a control character (byte \(byte))")
    }
    return text
  }

  /// A URL: no control character and no space.
  static func url(_ text: String) throws(NetError) -> String {
    guard !text.utf8.contains(0x20) else { throw NetError(.badURL, "the URL has a space") }
    return try line(text, as: "the URL")
  }

  /// A header's name: a token of RFC 9110 §5.6.2.
  static func headerName(_ text: String) throws(NetError) -> String {
    let marks = Array("!#$%&'*+-.^_`|~".utf8)
    let isToken = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || marks.contains(byte)
    }
    guard isToken, !text.isEmpty else { throw NetError(.badURL, "a header's name is not a token of RFC 9110") }
    return text
  }

  /// A host as it may stand in a URL or in a connect-to rule: a name, an IPv4 address, or an IPv6 address, which comes
  /// back in brackets.
  static func host(_ text: String, as what: String) throws(NetError) -> String {
    let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    let isAddress6 = bare.contains(":")
    let isHost = bare.utf8.allSatisfy { byte in
      let isWord = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      // `%` names the interface of a link-local address.
      return isWord || [0x2D, 0x2E, 0x5F].contains(byte) || (isAddress6 && [0x3A, 0x25].contains(byte))
    }
    guard isHost, !bare.isEmpty, bare.utf8.count <= 255 else {
      throw NetError(.badURL, "\(what) is neither a name nor an address")
    }
    return isAddress6 ? "[\(bare)]" : bare
  }
}
