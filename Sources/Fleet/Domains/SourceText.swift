/// A file that a person wrote, kept to show the line of a fault.
public struct SourceText: Sendable {
  /// The file as the user named it.
  public let name: String
  private let bytes: [UInt8]
  private let lineStarts: [Int]
  /// From which column on a line may hold a secret, by line.
  private var secrets: [Int: Int] = [:]

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
    if hidesSecrets { secrets = SecretLines.find(in: starts.indices.map { line($0 + 1) }) }
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
    guard secrets[location.line] == nil, length(ofLine: location.line) <= Self.longLine else { return nil }
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

  /// A text of the file in quotation marks, for a message; dots where it may be a secret.
  public func quoted(_ text: String, limit: Int, at location: SourceLocation) -> String {
    mayTell(text, at: location, known: []) ? "“\(Printable.short(text, limit))”" : "“…”"
  }

  /// A message without what may be a secret: in each “…” stands a text of ours, or one of the file.
  ///
  /// - Parameter known: What is no secret wherever it stands: keys and ids.
  func withoutSecrets(_ message: String, at location: SourceLocation, known: Set<String>) -> String {
    guard !secrets.isEmpty, message.contains("“") else { return message }
    var shown = ""
    var rest = message[...]
    while let open = rest.firstIndex(of: "“") {
      shown += rest[...open]
      rest = rest[rest.index(after: open)...]
      // A text that holds these marks itself is cut where they end last.
      guard let close = rest.firstIndex(of: "”") else { break }
      let text = String(rest[..<close])
      shown += mayTell(text, at: location, known: known) ? text : "…"
      rest = rest[close...]
    }
    return shown + rest
  }

  private func mayTell(_ text: String, at location: SourceLocation, known: Set<String>) -> Bool {
    if secrets.isEmpty || known.contains(text) || SecretLines.isPlainKey(text) { return true }
    if SecretLines.isKey(text, in: line(location.line)) { return true }
    if SecretLines.mentionsSecret(text) { return false }
    if let column = secrets[location.line], location.column >= column { return false }
    let start = text.hasSuffix("…") ? String(text.dropLast()) : text
    guard !start.isEmpty else { return true }
    return !secrets.contains { number, column in
      // A letter or two stand everywhere.
      (number == location.line || start.utf8.count > 3) && line(number).dropFirst(column - 1).contains(start)
    }
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
