import Foundation
import Names
import Testing

@Suite struct DomainNameRulesTests {
  let rules: DomainNameRules

  init() throws {
    rules = try DomainNameRules(listPath: nil, extraSuffixes: ["lan", ".corp.example"])
  }

  @Test(arguments: [
    ("example.com", "example.com"),
    ("WWW.Example.COM", "www.example.com"),
    ("example.com.", "example.com"),
    ("*.Example.com", "*.example.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.example", "xn--bcher-kva.example"),
    // Decomposed u + diaeresis must give the same label as the composed one.
    ("bu\u{308}cher.example", "xn--bcher-kva.example"),
    // Non-transitional: ß stays itself and is not folded to ss.
    ("straße.de", "xn--strae-oqa.de"),
    ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    // The ideographic full stop separates labels.
    ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
    ("*.bücher.example", "*.xn--bcher-kva.example"),
    ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    // Registered emoji domains exist; IDNA2008 alone would refuse them.
    ("xn--ls8h.la", "xn--ls8h.la"),
    ("㎏.example", "kg.example"),
    ("a--b.example", "a--b.example"),
    ("1and1.com", "1and1.com"),
    ("12.com", "12.com"),
    ("a.b.c.d.e.f.g.h.example.com", "a.b.c.d.e.f.g.h.example.com"),
    ("*.a.b.c.d.e.f.g.h.example.com", "*.a.b.c.d.e.f.g.h.example.com"),
  ])
  func aNameBecomesItsALabels(text: String, expected: String) throws {
    #expect(try rules.aLabel(text) == expected)
  }

  @Test(arguments: [
    ("", NameFault.empty),
    (".", .emptyLabel),
    ("*.", .empty),
    ("*", .wildcard),
    ("localhost", .singleLabel),
    ("*.com", .singleLabel),
    ("192.0.2.1", .ipAddress),
    ("192.0.2.1.", .ipAddress),
    ("2001:db8::1", .ipAddress),
    ("[2001:db8::1]", .ipAddress),
    ("::1", .ipAddress),
    ("example.123", .ipAddress),
    ("a..example.com", .emptyLabel),
    (".example.com", .emptyLabel),
    ("example.com..", .emptyLabel),
    ("foo.*.example.com", .wildcard),
    ("**.example.com", .wildcard),
    ("w*.example.com", .wildcard),
    ("*.*.example.com", .wildcard),
    ("_dmarc.example.com", .character("_", label: "_dmarc")),
    ("https://example.com/", .character(":", label: "https://example")),
    ("example.com:443", .character(":", label: "com:443")),
    ("exam ple.com", .character(" ", label: "exam ple.com")),
    (" example.com", .character(" ", label: " example.com")),
    ("example.com\r\n", .character("\r", label: "example.com\r\n")),
    ("example.com\u{0}.evil.example", .character("\u{0}", label: "example.com\u{0}.evil.example")),
    ("-a.example.com", .hyphenAtEdge(label: "-a")),
    ("a-.example.com", .hyphenAtEdge(label: "a-")),
    ("ab--c.example.com", .reservedLabel("ab--c")),
    ("a.b.c.d.e.f.g.h.i.example.com", .tooManyLabels(11)),
  ])
  func whatNoCAWouldCertifyIsRefusedWithItsReason(text: String, expected: NameFault) {
    #expect(throws: expected) { try rules.aLabel(text) }
  }

  @Test func aLabelOf63BytesPassesAndOneOf64DoesNot() throws {
    let longest = String(repeating: "a", count: 63) + ".example"
    let tooLong = String(repeating: "a", count: 64)

    #expect(try rules.aLabel(longest) == longest)
    #expect(throws: NameFault.labelTooLong(tooLong)) { try rules.aLabel(tooLong + ".example") }
  }

  @Test func aNameOf253BytesPassesAndOneOf254DoesNot() throws {
    let label = String(repeating: "a", count: 61) + "."
    let name253 = String(repeating: label, count: 4) + "bbbbb"

    #expect(name253.utf8.count == 253)
    #expect(try rules.aLabel(name253) == name253)
    #expect(throws: NameFault.nameTooLong(bytes: 254)) { try rules.aLabel(name253 + "b") }
    #expect(throws: NameFault.nameTooLong(bytes: 255)) { try rules.aLabel("*." + name253) }
  }

  @Test func anInternationalLabelIsMeasuredAsItsALabel() {
    // 60 letters of two bytes each: longer than 63 bytes once in punycode.
    let text = String((0..<60).map { Character(UnicodeScalar(UInt16(0x3b1 + $0 % 17)) ?? "α") }) + ".example"

    #expect(throws: NameFault.self) { try rules.aLabel(text) }
  }

  @Test(arguments: [
    "xn--a.example", "xn--.example", "xn--0.pt", "xn--strasse-oqa.de", "💩.la", "xn--bcher-kvaü.example",
    "\u{200d}a.example", "\u{301}a.example",
  ])
  func anInvalidALabelIsRefused(text: String) {
    #expect(throws: NameFault.self) { try rules.aLabel(text) }
  }

  @Test func aMegabyteIsRefusedAtOnce() {
    let clock = ContinuousClock()

    let took = clock.measure {
      #expect(throws: NameFault.self) { try rules.aLabel(String(repeating: "ü", count: 1_000_000)) }
    }

    #expect(took < .seconds(60), "even on a machine that does something else")
  }

  @Test(arguments: [
    ("example.com", "example.com"),
    ("a.b.example.com", "example.com"),
    ("*.example.com", "example.com"),
    ("www.example.co.uk", "example.co.uk"),
    // Private section: each tenant is a bucket of its own.
    ("tenant.github.io", "tenant.github.io"),
    ("www.tenant.github.io", "tenant.github.io"),
    // A suffix is its own key.
    ("github.io", "github.io"),
    ("co.uk", "co.uk"),
    ("*.co.uk", "co.uk"),
    // *.ck and its exception.
    ("a.b.something.ck", "b.something.ck"),
    ("www.ck", "www.ck"),
    ("a.www.ck", "www.ck"),
    ("www.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
    ("lb1.lan", "lb1.lan"),
    ("a.lb1.lan", "lb1.lan"),
    ("shop.customer.corp.example", "customer.corp.example"),
  ])
  func theRegisteredDomainIsTheOneThatRateLimitsCount(name: String, expected: String) {
    #expect(rules.registeredDomain(of: name) == expected)
  }

  @Test(arguments: ["www.example.cmo", "host.localdomain", "example.internal"])
  func aNameUnderNoPublicSuffixHasNoRegisteredDomain(name: String) {
    #expect(rules.registeredDomain(of: name) == nil)
  }

  @Test func aPublicSuffixIsToldFromADomain() {
    #expect(rules.isSuffix("co.uk"))
    #expect(rules.isSuffix("lan"))
    #expect(!rules.isSuffix("example.co.uk"))
  }

  @Test(arguments: ["a..b", "*.lan", "", "192.0.2.1"])
  func anExtraSuffixThatIsNoneIsRefused(suffix: String) {
    #expect(throws: NameFault.badSuffix(suffix)) { try DomainNameRules(listPath: nil, extraSuffixes: [suffix]) }
  }

  @Test func theAgeOfAListIsTheDateWrittenInItRatherThanTheFilesDate() throws {
    let path = try temporaryFile(
      """
      // VERSION: 2024-08-01_07-41-16_UTC
      // ===BEGIN ICANN DOMAINS===
      com
      // ===END ICANN DOMAINS===

      """)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }

    let rules = try DomainNameRules(listPath: path)

    #expect(rules.listAge?.path == path)
    #expect(rules.listAge?.modified == Date(timeIntervalSince1970: 1_722_470_400))
    #expect(rules.registeredDomain(of: "a.example.com") == "example.com")
    #expect(rules.registeredDomain(of: "a.example.org") == nil)
  }

  @Test func theSystemsListHasAnAge() throws {
    #expect(try #require(rules.listAge).modified > Date(timeIntervalSince1970: 1_500_000_000))
  }

  @Test func aMissingOrForeignFileIsNoList() throws {
    let path = try temporaryFile("this is no list of suffixes\n")
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }

    #expect(throws: NameFault.listUnreadable(path: "/nonexistent/list.dat")) {
      try DomainNameRules(listPath: "/nonexistent/list.dat")
    }
    #expect(throws: NameFault.listUnreadable(path: path)) { try DomainNameRules(listPath: path) }
  }

  @Test func aFaultNeverShowsAControlCharacter() {
    for text in ["a\u{1b}[31m.example.com", "a\u{202e}b.example.com", "evil\n.example.com", "a\u{7f}.example.com"] {
      do throws(NameFault) {
        _ = try rules.aLabel(text)
        Issue.record("accepted \(text.debugDescription)")
      } catch {
        let shown = (error.text + error.remedy).unicodeScalars
        #expect(shown.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0.value != 0x202e })
      }
    }
  }

  private func temporaryFile(_ text: String) throws -> String {
    let path = NSTemporaryDirectory() + "suffixes-\(UUID().uuidString).dat"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}
