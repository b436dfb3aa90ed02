import Fleet
import Foundation
import HostileText
import Testing

/// The one adversarial fixture through every form that a report has.
@Suite struct HostileReportTests {
  @Test func plainTextHoldsNoControlOrInvisibleCharacter() throws {
    let fixture = try ReportFixture.hostile()
    let customer = CustomerReport(
      fixture.inventory.customers[0], state: fixture.after, inventory: fixture.inventory, at: fixture.noon)

    for text in [SweepReportText.render(fixture.report()), CustomerReportText.render(customer)] {
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        #expect(Printable.terminal(line) == String(line))
      }
      #expect(!text.contains("\r"))
    }
  }

  @Test func htmlHoldsOnlyItsOwnElements() throws {
    let fixture = try ReportFixture.hostile()
    let pages = [
      SweepReportHTML.render(fixture.report()),
      CustomerReportText.html(
        CustomerReport(
          fixture.inventory.customers[0], state: fixture.after, inventory: fixture.inventory, at: fixture.noon)),
    ]
    let own: Set<String> = [
      "!DOCTYPE", "html", "head", "meta", "title", "body", "h1", "h2", "p", "div", "span", "b", "table", "tr", "th",
      "td",
    ]
    for page in pages {
      for match in page.matches(of: /<\/?([^\s>]*)/) { #expect(own.contains(String(match.1)), "<\(match.1)") }
      #expect(!page.contains("onerror=alert(1)>") || page.contains("onerror=alert(1)&gt;"))
      #expect(!page.contains("<b>Acme"))
      #expect(!page.contains("' onmouseover"))
      #expect(page.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" || $0 == "\t" })
    }
  }

  @Test func noCellOfTheCSVIsAFormulaAndEveryRowHasAllColumns() throws {
    let fixture = try ReportFixture.hostile()
    for isForCustomer in [false, true] {
      let rows = try parse(ReportCSV.render(fixture.report().rows, isForCustomer: isForCustomer))

      #expect(rows.count == Hostile.texts.count + 2)
      for row in rows {
        #expect(row.count == rows[0].count)
        for cell in row {
          let start = cell.drop { $0 == " " }.unicodeScalars.first
          #expect(start.map { !"=+-@\t\r＝＋－＠".unicodeScalars.contains($0) } != false, "\(cell)")
        }
      }
    }
  }

  /// RFC 4180, written apart from the writer that it checks.
  private func parse(_ text: String) throws -> [[String]] {
    var rows: [[String]] = [[]]
    var cell = String.UnicodeScalarView()
    var isQuoted = false
    let scalars = Array(text.unicodeScalars)
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      if isQuoted {
        if scalar == "\"", index < scalars.count, scalars[index] == "\"" {
          cell.append(scalar)
          index += 1
        } else if scalar == "\"" {
          isQuoted = false
        } else {
          cell.append(scalar)
        }
      } else if scalar == "\"" {
        try #require(cell.isEmpty)
        isQuoted = true
      } else if scalar == "," || scalar == "\r" {
        rows[rows.count - 1].append(String(cell))
        cell = String.UnicodeScalarView()
        if scalar == "\r" {
          try #require(scalars[index] == "\n")
          index += 1
          rows.append([])
        }
      } else {
        try #require(scalar != "\n")
        cell.append(scalar)
      }
    }
    try #require(!isQuoted)
    return rows.dropLast()
  }
}
