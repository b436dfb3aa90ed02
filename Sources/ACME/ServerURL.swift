import Foundation

/// URLs in a CA's answers.
enum ServerURL {
  /// The absolute form. An absolute URL stays byte for byte what it was: the signature covers it, and servers compare it so.
  ///
  /// - Throws: `.malformed` for what is no http(s) URL, and for plain http where the directory is https: an answer must not lead out of TLS.
  static func resolve(_ text: String, against base: String) throws(ACMEError) -> String {
    let lower = text.lowercased()
    let isAbsolute = lower.hasPrefix("https://") || lower.hasPrefix("http://")
    let resolved = isAbsolute ? text : URL(string: text, relativeTo: URL(string: base))?.absoluteString
    guard let resolved, !text.isEmpty, resolved.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      let scheme = scheme(of: resolved), scheme == "https" || scheme == "http"
    else { throw ACMEError(.malformed("an answer names no usable URL"), url: base) }
    guard scheme == "https" || self.scheme(of: base) == "http" else {
      throw ACMEError(.malformed("an answer leads from https to http"), url: base)
    }
    return resolved
  }

  private static func scheme(of url: String) -> String? {
    url.firstIndex(of: ":").map { url[..<$0].lowercased() }
  }
}

/// The Link header (RFC 8288), as far as ACME uses it.
enum LinkHeader {
  /// The targets whose `rel` has `relation` among its words.
  static func targets(_ headers: [String], relation: String) -> [String] {
    headers.flatMap { header in
      // A comma may stand inside <…> and inside quotes.
      split(header).compactMap { link -> String? in
        guard let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end else { return nil }
        let parameters = link[link.index(after: end)...].split(separator: ";")
        let matches = parameters.contains { parameter in
          let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
          guard parts.count == 2, parts[0].lowercased() == "rel" else { return false }
          return parts[1].trimmingCharacters(in: CharacterSet(charactersIn: "\"")).lowercased()
            .split(separator: " ").contains { $0 == relation }
        }
        return matches ? String(link[link.index(after: start)..<end]) : nil
      }
    }
  }

  private static func split(_ header: String) -> [Substring] {
    var links: [Substring] = []
    var start = header.startIndex
    var isQuoted = false
    var isInAngles = false
    for index in header.indices {
      switch header[index] {
      case "\"" where !isInAngles: isQuoted.toggle()
      case "<" where !isQuoted: isInAngles = true
      case ">" where !isQuoted: isInAngles = false
      case "," where !isQuoted && !isInAngles:
        links.append(header[start..<index])
        start = header.index(after: index)
      default: break
      }
    }
    links.append(header[start...])
    return links
  }
}
