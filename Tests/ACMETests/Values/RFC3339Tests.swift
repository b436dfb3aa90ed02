import Foundation
import Testing

@testable import ACME

@Suite struct RFC3339Tests {
  @Test(arguments: [
    ("2026-11-23T05:46:42Z", 1_795_412_802.0), ("2026-11-23t05:46:42z", 1_795_412_802),
    ("2026-11-23T07:46:42+02:00", 1_795_412_802), ("2026-11-22T23:16:42-06:30", 1_795_412_802),
    ("2026-11-23T05:46:42.5Z", 1_795_412_802.5), ("2026-11-23T05:46:42.123456789+00:00", 1_795_412_802.123456789),
    ("1970-01-01T00:00:00Z", 0),
  ])
  func aDateIsRead(text: String, seconds: Double) throws {
    let date = try #require(RFC3339.date(text))
    #expect(abs(date.timeIntervalSince1970 - seconds) < 0.000_01)
  }

  @Test(arguments: [
    "", "2026-11-23", "2026-11-23T05:46:42", "2026-13-23T05:46:42Z", "2026-11-23T25:46:42Z", "2026-11-23T05:46:42+0200",
    "2026-11-23T05:46:42.Zx", "２026-11-23T05:46:42Z", "2026-11-23T05:46:42." + String(repeating: "1", count: 100),
    "2026-11-23T05:46:42.123",
  ])
  func anythingElseIsNone(text: String) {
    #expect(RFC3339.date(text) == nil)
  }
}
