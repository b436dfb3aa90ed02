/// Source text of a POSIX shell script.
///
/// Literals are ours and stand as they are; a run-time value gets in only as a ``ShellWord``, a ``ShellText`` or a number, so that
/// quoting cannot be forgotten: interpolating a `String` does not compile.
public struct ShellText: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The text that a shell reads.
  public private(set) var source: String

  /// Takes a literal as source text.
  public init(stringLiteral value: String) { source = value }

  /// Puts quoted words between literals.
  public init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }

  /// Joins lines of source.
  public init(lines: [ShellText]) { source = lines.map(\.source).joined(separator: "\n") }

  /// Joins words of source, such as the numbers of a `for` loop.
  public init(words: [ShellText]) { source = words.map(\.source).joined(separator: " ") }

  /// A here-document into a file. The delimiter carries the nonce, so that no content can end it early.
  ///
  /// bash may write it to a temporary file first: `TMPDIR` is set to a directory of ours, and secrets never travel this way.
  static func file(_ path: ShellText, holding content: String, nonce: Nonce) -> ShellText {
    var text = content
    if !text.hasSuffix("\n") { text += "\n" }
    var result: ShellText = ""
    result.source = "cat >\(path.source) <<'EOF_\(nonce.text)'\n\(text)EOF_\(nonce.text)\n"
    return result
  }

  /// Many files in one here-document for `unpack`, each after a line with its name and check sum; a name is a ``FileStem`` and an extension.
  static func files(_ files: [(name: String, content: String)], nonce: Nonce) -> ShellText {
    var text = ""
    for file in files {
      text += "@\(nonce.text) \(file.name) \(CheckSum.posix(of: file.content))\n\(file.content)"
      if !text.hasSuffix("\n") { text += "\n" }
    }
    var result: ShellText = ""
    result.source = "unpack <<'EOF_\(nonce.text)'\n\(text)EOF_\(nonce.text)\n"
    return result
  }

  /// Appends source text.
  public static func += (left: inout ShellText, right: ShellText) { left.source += right.source }

  /// Collects literals and words.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var source = ""

    /// Reserves room.
    public init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity) }

    /// Source text of ours.
    public mutating func appendLiteral(_ literal: String) { source += literal }

    /// A value, quoted.
    public mutating func appendInterpolation(_ word: ShellWord) { source += word.quoted }

    /// Source text.
    public mutating func appendInterpolation(_ text: ShellText) { source += text.source }

    /// A number.
    public mutating func appendInterpolation(_ number: Int) { source += String(number) }
  }
}

/// A value as exactly one word of a shell script.
public struct ShellWord: Sendable, Equatable, Hashable {
  /// The word with its quotes.
  public let quoted: String

  /// Quotes any text. A NUL cannot stand in a word and becomes U+FFFD.
  public init(_ text: String) {
    quoted = "'" + text.replacing("\0", with: "\u{FFFD}").replacing("'", with: #"'\''"#) + "'"
  }

  /// Quotes a path on the node; a leading `~/` is the login's home.
  public init(path: String) {
    if path == "~" {
      quoted = #""$HOME""#
    } else if path.hasPrefix("~/") {
      quoted = #""$HOME"/"# + ShellWord(String(path.dropFirst(2))).quoted
    } else {
      quoted = ShellWord(path).quoted
    }
  }
}

/// A text as one word of HAProxy's command line, where a space ends a word and `;` or a newline ends a command.
public struct HAProxyWord: Sendable, Equatable, Hashable {
  /// The word.
  public let text: String

  /// Refuses what HAProxy's parser would not take as one word: anything but printable ASCII, and of that space, `;`, `\`, quotes and `<`
  /// (`<<` opens a payload).
  public init?(_ text: String) {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !Self.refused.contains($0) }) else {
      return nil
    }
    self.text = text
  }

  private static let refused = Set(#";\"'<"#.utf8)
}

/// A text as one path component on a node.
public struct FileStem: Sendable, Equatable, Hashable {
  /// The component: letters, digits, `.`, `_`, `-`; everything else as `=XX`; never hidden, never empty.
  public let text: String

  /// Encodes any text so that different texts stay different.
  public init(_ value: String) {
    var encoded = ""
    for (index, byte) in value.utf8.enumerated() {
      let character = UnicodeScalar(byte)
      switch character {
      case "a"..."z", "A"..."Z", "0"..."9", "_": encoded.unicodeScalars.append(character)
      case ".", "-": index == 0 ? (encoded += Self.hex(byte)) : encoded.unicodeScalars.append(character)
      default: encoded += Self.hex(byte)
      }
    }
    text = encoded.isEmpty ? "=" : encoded
  }

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "=" + (digits.count == 1 ? "0" : "") + digits
  }
}
