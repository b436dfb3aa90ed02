/// A file that a person wrote, kept to show the line of a fault.
public struct SourceText: Sendable {
  /// The file as the user named it.
  public let name: String
  private let bytes: [UInt8]
  private let lineStarts: [Int]
  private var sensitiveLines: Set<Int> = []

  /// Keeps the bytes and finds the lines. `hidesSecrets`: lines under password-like keys are never shown.
  public init(name: String, bytes: [UInt8], hidesSecrets: Bool = false) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    bytes.withUnsafeBufferPointer { buffer in
      for index in 0..<buffer.count where buffer[index] == 0x0a { starts.append(index + 1) }
      // Files of the old Macintosh have CR alone; elsewhere a CR before LF is no line of its own.
      if starts.count == 1 {
        for index in 0..<buffer.count where buffer[index] == 0x0d { starts.append(index + 1) }
      }
    }
    lineStarts = starts
    if hidesSecrets { sensitiveLines = SecretLines.find(in: starts.indices.map { line($0 + 1) }) }
  }

  /// The text of a line, from 1, without its end; what is no UTF-8 becomes U+FFFD.
  public func line(_ number: Int) -> String {
    guard lineStarts.indices.contains(number - 1) else { return "" }
    let start = lineStarts[number - 1]
    let end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    var line = bytes[start..<max(start, end)]
    if line.last == 0x0d { line.removeLast() }
    if number == 1, line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
    return String(decoding: line, as: UTF8.self)
  }

  /// The place of a byte: columns count characters.
  public func location(ofByte offset: Int) -> SourceLocation {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    var before = bytes[lineStarts[low]..<min(max(offset, lineStarts[low]), bytes.count)]
    if low == 0, before.starts(with: [0xef, 0xbb, 0xbf]) { before.removeFirst(3) }
    return SourceLocation(file: name, line: low + 1, column: String(decoding: before, as: UTF8.self).count + 1)
  }

  /// Beyond this, a line is not for people, and looking at it again for every value in it would take its square.
  private static let longLine = 10_000

  private func length(ofLine number: Int) -> Int {
    guard lineStarts.indices.contains(number - 1) else { return 0 }
    return (number < lineStarts.count ? lineStarts[number] : bytes.count) - lineStarts[number - 1]
  }

  /// The place of a mark that counts Unicode scalars, as libyaml's do.
  public func location(line: Int, scalarColumn: Int) -> SourceLocation {
    guard length(ofLine: line) <= Self.longLine else {
      return SourceLocation(file: name, line: line, column: scalarColumn)
    }
    let before = String(String.UnicodeScalarView(self.line(line).unicodeScalars.prefix(scalarColumn - 1)))
    return SourceLocation(file: name, line: line, column: before.count + 1)
  }

  /// The line with a caret under the column, or nil where the line may hold a secret.
  public func excerpt(at location: SourceLocation) -> String? {
    guard !sensitiveLines.contains(location.line), length(ofLine: location.line) <= Self.longLine else { return nil }
    let line = line(location.line)
    // A window around the column: a minified file must not fill the screen.
    let column = min(location.column - 1, line.count)
    let from = max(0, column - 100)
    let shown = line.dropFirst(from).prefix(160)
    let before = (from > 0 ? "…" : "") + Self.shown(shown.prefix(column - from))
    let after = Self.shown(shown.dropFirst(column - from)) + (line.count > from + 160 ? "…" : "")
    guard !(before + after).allSatisfy(\.isWhitespace) else { return nil }
    return before + after + "\n" + String(repeating: " ", count: Self.width(before)) + "^"
  }

  private static func shown(_ text: some StringProtocol) -> String {
    Printable.terminal(String(text.map { $0 == "\t" ? " " : $0 }))
  }

  /// Columns on a terminal: ideographs, Hangul, full-width forms and emoji take two, else the caret would miss in an IDN.
  private static func width(_ text: String) -> Int {
    text.reduce(0) { width, character in
      switch character.unicodeScalars.first?.value ?? 0 {
      case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
        0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
        width + 2
      default: width + 1
      }
    }
  }
}

/// Which lines of a YAML file may hold a secret. Found in the text, not in the tree: a file that cannot be parsed must not leak either.
enum SecretLines {
  static func find(in lines: [String]) -> Set<Int> {
    var found = Set<Int>()
    // While set, deeper lines belong to the value of a secret key.
    var under: Int?
    // The value begins on the next line, whatever its indentation.
    var isAwaited = false
    var inPEM = false
    for (index, line) in lines.enumerated() {
      let indent = line.prefix { $0 == " " || $0 == "\t" }.count
      let isBlank = indent == line.count
      if let depth = under {
        if isBlank || indent > depth || isAwaited { found.insert(index + 1) } else { under = nil }
        isAwaited = isAwaited && isBlank
      }
      if line.contains("-----BEGIN") { inPEM = true }
      if inPEM { found.insert(index + 1) }
      if line.contains("-----END") { inPEM = false }
      if mentionsSecret(line) {
        found.insert(index + 1)
        // `- password: |` owns the lines that are deeper than its key, and a sequence item's keys stand two columns in.
        under = indent
        isAwaited = line.trimmingSuffix { $0 == " " }.last.map { ":|>-+0123456789".contains($0) } ?? false
      }
    }
    return found
  }

  /// A key such as `password:`, `eab_hmac:`, `api_token:` anywhere in the line, or a URL with a login in it.
  static func mentionsSecret(_ line: String) -> Bool {
    let folded = line.lowercased()
    if words.contains(where: { folded.contains($0) }) { return true }
    guard let scheme = folded.firstRange(of: "://") else { return false }
    return folded[scheme.upperBound...].prefix { $0 != "/" && $0 != " " }.contains("@")
  }

  /// Whether a key's name says that its value is a secret.
  static func isSecretKey(_ key: String) -> Bool {
    let folded = key.lowercased()
    return words.contains { folded.contains($0) }
  }

  private static let words = [
    "passw", "passphrase", "passwd", "pwd", "secret", "hmac", "token", "credential", "private_key", "privatekey",
    "apikey",
    "api_key", "mac_key",
  ]
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var rest = self[...]
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
