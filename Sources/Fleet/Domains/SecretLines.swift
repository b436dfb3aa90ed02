/// Which lines of a YAML file may hold a secret, and from which column on. Found in the text, not in the tree: a file that cannot be parsed must
/// not leak either.
enum SecretLines {
  static func find(in lines: [String]) -> [Int: Int] {
    var found: [Int: Int] = [:]
    // While set, deeper lines belong to the value of a secret key.
    var under: Int?
    // The value begins on the next line, whatever its indentation.
    var isAwaited = false
    var inPEM = false
    // What was opened behind a secret key and is not closed yet: a text in quotes, or brackets, goes on at any indentation.
    var opened = Opened()
    for (index, line) in lines.enumerated() {
      let number = index + 1
      let indent = line.prefix { $0 == " " || $0 == "\t" }.count
      let isBlank = indent == line.count
      if opened.isOpen {
        found[number] = 1
        opened.read(line)
      }
      if let depth = under {
        if isBlank || indent > depth || isAwaited || isContinuation(line) { found[number] = 1 } else { under = nil }
        isAwaited = isAwaited && isBlank
      }
      if line.contains("-----BEGIN") { inPEM = true }
      if inPEM { found[number] = 1 }
      if line.contains("-----END") { inPEM = false }
      guard let start = secretStart(of: line) else { continue }
      found[number] = min(found[number] ?? .max, start + 1)
      if !opened.isOpen { opened.read(line.dropFirst(start)) }
      // `- password: |` owns the lines that are deeper than its key, and a sequence item's keys stand two columns in.
      under = indent
      isAwaited = line.trimmingSuffix { $0 == " " }.last.map { ":|>-+0123456789".contains($0) } ?? false
    }
    return found
  }

  /// A line that is no key, no item and no comment: the text of the line before goes on, if YAML can make sense of it at all.
  private static func isContinuation(_ line: String) -> Bool {
    let text = line.drop { $0 == " " || $0 == "\t" }
    return !text.hasPrefix("- ") && !text.hasPrefix("#") && !text.hasPrefix("---") && !text.contains(": ")
      && text.trimmingSuffix { $0 == " " }.last != ":"
  }

  /// Quotes and brackets that are open.
  private struct Opened {
    private var quote: Character?
    private var brackets = 0

    var isOpen: Bool { quote != nil || brackets > 0 }

    mutating func read(_ text: some StringProtocol) {
      var isEscaped = false
      for character in text {
        if let open = quote {
          if character == open, !isEscaped { quote = nil }
          isEscaped = open == "\"" && character == "\\" && !isEscaped
        } else {
          switch character {
          case "\"", "'": quote = character
          case "[", "{": brackets += 1
          case "]", "}": brackets = max(0, brackets - 1)
          default: break
          }
        }
      }
    }
  }

  /// Where a key such as `password:`, `eab_hmac:`, `api_token:` begins in the line, or a URL with a login in it: in characters.
  private static func secretStart(of line: String) -> Int? {
    let folded = line.lowercased()
    var starts = words.compactMap { word in folded.firstRange(of: word).map(\.lowerBound) }
    if let scheme = folded.firstRange(of: "://"),
      folded[scheme.upperBound...].prefix(while: { $0 != "/" && $0 != " " }).contains("@")
    {
      starts.append(scheme.lowerBound)
    }
    return starts.min().map { folded.distance(from: folded.startIndex, to: $0) }
  }

  /// Whether a text has in it what makes a line one of a secret.
  static func mentionsSecret(_ text: String) -> Bool { secretStart(of: text) != nil }

  /// Whether a key's name says that its value is a secret.
  static func isSecretKey(_ key: String) -> Bool {
    let folded = key.lowercased()
    return words.contains { folded.contains($0) }
  }

  /// Whether a text is the secret's key itself, such as `api_token` of `api_token: …`, and nothing of its value.
  static func isKey(_ text: String, in line: String) -> Bool {
    isSecretKey(text) && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x5f }
      && (line.contains(text + ": ") || line.hasSuffix(text + ":"))
  }

  /// Keys of the inventory under which secrets are named; they are none themselves.
  static func isPlainKey(_ text: String) -> Bool { plainKeys.contains(text) }

  private static let plainKeys: Set<String> = Set(
    ["password", "passphrase", "hmac", "key_passphrase"].flatMap {
      [$0, $0 + "_file", $0 + "_env", $0 + "_credential"]
    }
      + ["controller_keys", "credential", "<<"])

  private static let words = [
    "passw", "passphrase", "passwd", "pwd", "secret", "hmac", "token", "credential", "private_key", "privatekey",
    "apikey", "api_key", "mac_key",
  ]
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> SubSequence {
    var rest = self[startIndex...]
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
