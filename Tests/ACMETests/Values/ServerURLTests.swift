import Testing

@testable import ACME

@Suite struct ServerURLTests {
  @Test(arguments: [
    ("https://ca.example/a", "https://ca.example/a"), ("/acme/order/1", "https://ca.example/acme/order/1"),
    ("order/1", "https://ca.example/dir/order/1"), ("?x=1", "https://ca.example/dir/index?x=1"),
    ("//other.example/a", "https://other.example/a"),
    // An absolute URL stays byte for byte: the signature covers it.
    ("HTTPS://CA.example:443/a/../b", "HTTPS://CA.example:443/a/../b"),
  ])
  func aRelativeURLIsResolvedAndAnAbsoluteOneKept(text: String, expected: String) throws {
    #expect(try ServerURL.resolve(text, against: "https://ca.example/dir/index") == expected)
  }

  @Test(arguments: [
    "", "ftp://ca.example/a", "file:///etc/passwd", "https://ca.example/a\r\nX: y", "http://ca.example/a",
  ])
  func whatLeadsElsewhereIsRefused(text: String) {
    #expect(throws: ACMEError.self) { try ServerURL.resolve(text, against: "https://ca.example/dir") }
  }

  @Test func plainHTTPIsKeptWhereTheDirectoryIsPlain() throws {
    #expect(try ServerURL.resolve("http://127.0.0.1:1/a", against: "http://127.0.0.1:1/dir") == "http://127.0.0.1:1/a")
  }

  @Test func alternatesAreFoundInOneHeaderOrMany() {
    let headers = [
      #"<https://ca.example/dir>;rel="index""#,
      #"<https://ca.example/1>; rel="alternate", <https://ca.example/a,b>;title="x, y";rel=alternate"#,
      #"</relative>; rel="up alternate""#, "garbage", "<unclosed; rel=alternate",
      #"<https://ca.example/no>; rel="alternates""#,
    ]

    #expect(
      LinkHeader.targets(headers, relation: "alternate")
        == ["https://ca.example/1", "https://ca.example/a,b", "/relative"])
  }
}
