import Testing

@testable import Fleet

@Suite struct SourceTextTests {
  private func source(_ text: String, hidesSecrets: Bool = false) -> SourceText {
    SourceText(name: "f", bytes: Array(text.utf8), hidesSecrets: hidesSecrets)
  }

  @Test func columnsCountCharactersNotBytes() {
    let text = source("äöü,x\nb\r\ncc")

    #expect(text.location(ofByte: 7) == SourceLocation(file: "f", line: 1, column: 5))
    #expect(text.location(ofByte: 9).line == 2)
    #expect(text.location(ofByte: 13) == SourceLocation(file: "f", line: 3, column: 2))
    #expect(text.location(ofByte: 1_000).line == 3)
    #expect(text.line(2) == "b")
    // e and a combining accent are two scalars and one character.
    #expect(source("e\u{301}x").location(line: 1, scalarColumn: 3).column == 2)
  }

  @Test func aByteOrderMarkHasNoColumn() {
    let text = SourceText(name: "f", bytes: [0xef, 0xbb, 0xbf] + Array("ab".utf8))

    #expect(text.location(ofByte: 4).column == 2)
    #expect(text.line(1) == "ab")
  }

  @Test func oldLineEndsAreLinesToo() {
    #expect(source("a\rb\rc").location(ofByte: 4).line == 3)
    #expect(source("a\r\nb").location(ofByte: 3).line == 2)
  }

  @Test func theCaretStandsUnderTheCharacter() {
    let ascii = source("\tabc def")
    let wide = source("例え.example x")

    #expect(ascii.excerpt(at: ascii.location(ofByte: 5)) == " abc def\n     ^")
    #expect(wide.excerpt(at: wide.location(ofByte: 15)) == "例え.example x\n             ^")
    #expect(source("\u{1b}[0mx").excerpt(at: SourceLocation(file: "f", line: 1, column: 5)) == "\\x1b[0mx\n       ^")
  }

  @Test func aLongLineIsShownAroundItsFaultAndAnEndlessOneNotAtAll() throws {
    let long = source(String(repeating: "a", count: 4_000))
    let excerpt = try #require(long.excerpt(at: long.location(ofByte: 2_000)))

    #expect(excerpt.split(separator: "\n").allSatisfy { $0.count <= 170 })
    let endless = source(String(repeating: "a", count: 100_000))
    #expect(endless.excerpt(at: endless.location(ofByte: 50_000)) == nil)
  }

  @Test func linesThatMayHoldSecretsAreNeverShown() {
    let text = """
      host: shown
      password: hidden
      ssh: { port: 22, passphrase: hidden }
      key_passphrase: |
        hidden

        hidden
      after: shown
      api_token:
      hidden
      after: shown
      hmac: >-
      hidden
      after: shown
      list:
        - secret: hidden
          port: shown or not
      -----BEGIN PRIVATE KEY-----
      hidden
      -----END PRIVATE KEY-----
      url: https://user:hidden@host/
      url: https://host/@shown
      """
    let source = source(text, hidesSecrets: true)

    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let excerpt = source.excerpt(at: SourceLocation(file: "f", line: index + 1, column: 1))
      if line.contains("hidden") { #expect(excerpt == nil, "line \(index + 1)") }
      if line.hasSuffix(": shown") || line.contains("@shown") { #expect(excerpt != nil, "line \(index + 1)") }
    }
  }
}
