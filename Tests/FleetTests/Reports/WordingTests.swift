import Fleet
import Foundation
import HostileText
import Testing

@Suite struct WordingTests {
  @Test(arguments: [
    (0.0, "0 s"), (-5, "0 s"), (0.4, "0 s"), (0.6, "1 s"), (59.6, "1 min"), (70, "1 min 10 s"), (3_600, "1 h"),
    (3_605, "1 h"), (7_500, "2 h 5 min"), (86_400, "1 d"), (90_000, "1 d 1 h"), (273_600, "3 d 4 h"),
  ])
  func aSpanIsTheTwoLargestUnits(seconds: Double, words: String) {
    #expect(Wording.span(seconds) == words)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_234, "-1,234")])
  func numbersAreGroupedByThousands(number: Int, words: String) {
    #expect(Wording.grouped(number) == words)
  }

  @Test func oneIsSingular() {
    #expect(Wording.count(1, "certificate") == "1 certificate")
    #expect(Wording.count(0, "certificate") == "0 certificates")
    #expect(Wording.count(2_000, "certificate waits", "certificates wait") == "2,000 certificates wait")
  }

  @Test func datesAreUTCToTheMinute() {
    let date = Date(timeIntervalSince1970: 1_795_412_459)

    #expect(Wording.minute(date) == "2026-11-23 05:40")
    #expect(Wording.day(date) == "2026-11-23")
  }

  @Test func aTableAlignsItsColumnsAndLeavesNoBlanksAtTheEnd() {
    var table = TextTable("customer", ">issued", "next")
    table.add("Acme Ltd", "1,000", "2026-11-23")
    table.add("B", "5", "-")

    #expect(
      table.lines == [
        "  customer  issued  next",
        "  --------  ------  ----------",
        "  Acme Ltd   1,000  2026-11-23",
        "  B              5  -",
      ])
  }

  @Test func aTableWithoutRowsIsItsHead() {
    let table = TextTable("a", ">b")

    #expect(table.isEmpty)
    #expect(table.lines == ["  a  b", "  -  -"])
  }

  @Test func hostileCellsStayWithinTheirRow() {
    var table = TextTable("name", ">n")
    for (text, _) in Hostile.texts { table.add(text, "1") }

    #expect(table.lines.count == Hostile.texts.count + 2)
    for line in table.lines { #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }) }
  }
}
