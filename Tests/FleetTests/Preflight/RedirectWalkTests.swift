import Testing

@testable import Fleet

@Suite struct RedirectWalkTests {
  private func walk() -> RedirectWalk { RedirectWalk(name: "a.example", token: "tok") }

  @Test(arguments: [
    ("https://a.example/.well-known/acme-challenge/tok", "https://a.example/.well-known/acme-challenge/tok"),
    ("https://B.example:443/x?y=1", "https://b.example/x?y=1"),
    ("https://b.example:80/x", "https://b.example:80/x"),
    ("//b.example/x", "http://b.example/x"),
    ("/other/tok", "http://a.example/other/tok"),
    ("https://b.example", "https://b.example/"),
    ("http://8.8.8.8/x", "http://8.8.8.8/x"),
  ])
  func aRedirectIsFollowedAsTheCAFollowsIt(location: String, url: String) throws {
    var walk = walk()

    try walk.follow(location)

    #expect(walk.hop.url == url)
  }

  @Test(arguments: [
    "https://b.example:8443/x", "ftp://b.example/x", "https://user:secret@b.example/x", "http://localhost/x",
    "http://intranet/x", "http://box.local/x", "http://10.1.2.3/x", "http://[fd00::1]/x", "http://172.20.0.1/",
    "http:///x",
    "https://b.example/\u{1b}[2J",
  ])
  func whatTheCAWouldNotFollowIsRefused(location: String) {
    var walk = walk()
    #expect(throws: RedirectRefusal.self) { try walk.follow(location) }
  }

  @Test func tenRedirectsAreFollowedAndNoMore() throws {
    var walk = walk()
    for number in 1...10 { try walk.follow("http://a.example/\(number)") }

    #expect(throws: RedirectRefusal.self) { try walk.follow("http://a.example/11") }
  }

  @Test func aLoopIsSeenAtOnce() throws {
    var walk = walk()
    try walk.follow("https://a.example/x")

    do {
      try walk.follow("http://a.example/.well-known/acme-challenge/tok")
      Issue.record("it was followed")
    } catch {
      #expect(error.text.contains("loop"))
    }
  }

  @Test func onlyFourStatusesRedirect() {
    #expect([300, 301, 302, 303, 304, 307, 308].filter { RedirectWalk.isRedirect($0) } == [301, 302, 307, 308])
  }
}
