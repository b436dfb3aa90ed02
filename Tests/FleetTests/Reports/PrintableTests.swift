import Fleet
import Foundation
import HostileText
import Testing

@Suite struct PrintableTests {
  @Test func aTerminalIsNeverGivenACharacterThatActs() {
    for (text, aim) in Hostile.texts {
      let shown = Printable.terminal(text)

      #expect(!shown.unicodeScalars.contains { Self.acts($0) }, "\(aim)")
    }
    #expect(Printable.terminal("\u{1b}[31m") == "\\x1b[31m")
    #expect(Printable.terminal("a\u{202e}b\nc\td\u{85}") == "a\\u{202e}b\\nc\\td\\x85")
  }

  @Test func whatPeopleCanReadStaysAsItIs() {
    for text in ["shop.example", "bücher.example", "例え.テスト", "a — “b” …", "عربي", "🚀"] {
      #expect(Printable.terminal(text) == text)
    }
  }

  @Test func aSpreadsheetIsNeverGivenAFormula() {
    for (text, aim) in Hostile.texts {
      let cell = Printable.csvCell(text)

      let value = cell.hasPrefix("\"") ? String(cell.dropFirst().dropLast()).replacing("\"\"", with: "\"") : cell
      let first = value.drop { $0 == " " }.unicodeScalars.first
      #expect(!(first.map { "=+-@\t\r＝＋－＠".unicodeScalars.contains($0) } ?? false), "\(aim)")
      // RFC 4180: nothing but a doubled quote within quotes, no separator or line end without them.
      #expect(cell.hasPrefix("\"") || !cell.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }, "\(aim)")
      #expect(!cell.utf8.contains(0), "\(aim)")
    }
    #expect(Printable.csvCell("shop.example") == "shop.example")
    #expect(Printable.csvCell("a,b") == "\"a,b\"")
    #expect(Printable.csvCell("say \"hi\"") == "\"say \"\"hi\"\"\"")
    #expect(Printable.csvCell("=1+1") == "\"'=1+1\"")
    #expect(Printable.csvCell("") == "")
  }

  @Test func aJSONDocumentKeepsItsTextAndNothingInItActs() throws {
    for (text, aim) in Hostile.texts {
      let encoded = String(decoding: try JSONEncoder().encode([text]), as: UTF8.self)

      let shown = Printable.json(encoded)

      #expect(!shown.unicodeScalars.contains { Self.acts($0) }, "\(aim)")
      #expect(try JSONDecoder().decode([String].self, from: Data(shown.utf8)) == [text], "\(aim)")
    }
    #expect(Printable.json("{\n  \"a\" : \"\u{9b}é🚀\u{e0041}\"\n}") == "{\n  \"a\" : \"\\u009bé🚀\\udb40\\udc41\"\n}")
  }

  @Test func htmlIsNeverGivenMarkup() {
    for (text, aim) in Hostile.texts {
      let shown = Printable.html(text)

      #expect(!shown.contains { "<>\"'".contains($0) }, "\(aim)")
      #expect(!shown.unicodeScalars.contains { $0 != "\n" && $0 != "\t" && Self.acts($0) }, "\(aim)")
    }
    #expect(Printable.html("a < b & \"c\"") == "a &lt; b &amp; &quot;c&quot;")
    #expect(Printable.html("&lt;") == "&amp;lt;")
  }

  @Test func aHeaderStaysOneLine() {
    for (text, aim) in Hostile.texts {
      let shown = Printable.header("subject " + text)

      #expect(!shown.unicodeScalars.contains { Self.acts($0) }, "\(aim)")
    }
    #expect(Printable.header("two\r\nBcc: x@example.com") == "two Bcc: x@example.com")
  }

  @Test func aLongTextIsCutVisibly() {
    #expect(Printable.short("abc", 3) == "abc")
    #expect(Printable.short("abcd", 3) == "abc…")
    #expect(Printable.short(String(repeating: "\u{1b}", count: 1_000_000), 40).count == 41)
  }

  /// By number, so that the test does not share the code's opinion: C0, DEL, C1, soft hyphen, zero-width, bidi, separators, BOM, filler, tags.
  private static func acts(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1f, 0x7f...0x9f, 0xad, 0x061c, 0x180e, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2069, 0x3164, 0xfeff,
      0xffa0, 0xe0000...0xe007f:
      true
    default: false
    }
  }
}
