import ACME
import Foundation
import Testing

@Suite struct RetryAfterTests {
  /// RFC 9110 section 5.6.7 prints this instant in its three forms.
  let instant = Date(timeIntervalSince1970: 784_111_777)

  @Test(arguments: [
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "sun, 6 nov 1994 08:49:37 gmt",
    "  Sun, 06 Nov 1994 08:49:37 GMT ",
  ])
  func aDateIsReadInEachForm(text: String) {
    #expect(RetryAfter(text) == .date(instant))
  }

  @Test func aYearOfTwoDigitsIsInThisCentury() {
    #expect(RetryAfter("Friday, 06-Nov-26 08:49:37 GMT") == .date(Date(timeIntervalSince1970: 1_793_954_977)))
  }

  @Test(arguments: [("0", 0), ("120", 120), (" 36 ", 36), ("99999999999999999999999", Int.max)])
  func secondsAreRead(text: String, seconds: Int) {
    #expect(RetryAfter(text) == .seconds(seconds))
  }

  @Test(arguments: [
    "", "-1", "1.5", "soon", "１２", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "06 Nov",
    "Sun, 99999999999 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST",
  ])
  func whatIsNeitherCountsAsAbsent(text: String) {
    #expect(RetryAfter(text) == nil)
  }

  @Test func theWaitIsClampedAtBothEnds() {
    let now = instant

    #expect(RetryAfter.seconds(36).delay(from: now) == .seconds(36))
    #expect(RetryAfter.seconds(.max).delay(from: now) == .seconds(86_400))
    #expect(RetryAfter.seconds(90).delay(from: now, atMost: .seconds(60)) == .seconds(60))
    #expect(RetryAfter.date(now.addingTimeInterval(12.4)).delay(from: now) == .seconds(13))
    #expect(RetryAfter.date(now.addingTimeInterval(-5)).delay(from: now) == .zero)
    #expect(RetryAfter.date(.distantFuture).delay(from: now) == .seconds(86_400))
  }
}
