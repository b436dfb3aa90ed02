import Foundation
import Testing

@testable import Fleet

/// Docs/RateLimits.md promises numbers. These tests read them there, so that the page cannot say what the code does not do.
@Suite struct DocumentedExamplesTests {
  private func page() throws -> String {
    let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: top.appending(path: "Docs/RateLimits.md"), encoding: .utf8)
  }

  /// The cells of the table under a heading, head and rule left out.
  private func table(_ heading: String) throws -> [[String]] {
    let section = try #require(try page().components(separatedBy: "\n## ").first { $0.hasPrefix(heading) })
    return section.split(separator: "\n").filter { $0.hasPrefix("|") }.dropFirst(2).map { line in
      line.dropFirst().dropLast().split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  private func number(_ text: some StringProtocol) throws -> Int {
    try #require(Int(String(text).filter(\.isNumber)))
  }

  // MARK: Worked examples

  /// The certificates that the first cell speaks of: their names by registered domain.
  private func certificates(_ what: String) throws -> [[String]] {
    func one(_ count: Int) -> [[String]] { (0..<count).map { ["n\($0).one.example"] } }
    if let match = what.wholeMatch(of: /([\d ]+) names of different domains/) {
      return (0..<(try number(match.1))).map { ["www.d\($0).example"] }
    }
    if let match = what.wholeMatch(of: /([\d ]+) (?:names under|new sub-domains of) one domain/) {
      return one(try number(match.1))
    }
    if let match = what.wholeMatch(of: /the same ([\d ]+) names in one certificate/) {
      return [one(try number(match.1)).flatMap(\.self)]
    }
    if let match = what.wholeMatch(of: /([\d ]+) names under one domain, (\d+) to a certificate/) {
      let (count, size) = (try number(match.1), try number(match.2))
      return stride(from: 0, to: count, by: size).map { start in (start..<start + size).map { "n\($0).one.example" } }
    }
    let match = try #require(what.wholeMatch(of: /([\d ]+) names under (\d+) domains/), "\(what)")
    let domains = try number(match.2)
    return (0..<(try number(match.1))).map { ["n\($0).d\($0 % domains).example"] }
  }

  private func hours(_ certificates: [[String]], reserve: Reserve = .nothing) throws -> (Double, Binding?) {
    var scheduler = Scheduler()
    for (index, names) in certificates.enumerated() {
      let domains = Set(names.map { $0.split(separator: ".").suffix(2).joined(separator: ".") }).sorted()
      let order = PlannedOrder(
        authority: letsEncrypt, names: try #require(NameSet(names)), registeredDomains: domains)
      let pair = PairID("lb\(index % 4)")
      scheduler.add(Candidate(spec: SpecID("\(pair)/\(index)"), kind: .issue, pair: pair, order: order))
    }
    let total = try #require(Forecast.run(scheduler, ledger(reserve: reserve), from: noon).total)
    return (total.end.timeIntervalSince(noon) / 3_600, total.boundBy)
  }

  @Test func everyWorkedExampleTakesAsLongAsThePageSays() throws {
    let rows = try table("Worked examples")
    #expect(rows.count >= 8)
    for row in rows {
      let (what, bound, takes) = (row[0], row[1], row[2])
      let (hours, binding) = try hours(try certificates(what))

      switch takes {
      case "now": #expect(hours < 0.05, "\(what)")
      case "minutes": #expect(hours < 0.25, "\(what)")
      default:
        let match = try #require(takes.wholeMatch(of: /([\d.]+) (h|days)/), "\(takes)")
        let told = try #require(Double(match.1)) * (match.2 == "h" ? 1 : 24)
        // As exact as it is printed: a tenth of an hour, or of a day.
        #expect(abs(hours - told) < (match.2 == "h" ? 0.1 : 1.2), "\(what): \(hours) h")
      }
      if bound.hasPrefix("new orders") { #expect(binding == .limit(.newOrders(letsEncrypt)), "\(what)") }
      if bound.hasPrefix("that domain") { #expect(binding == .limit(.domain("one.example", letsEncrypt)), "\(what)") }
    }
  }

  @Test func theReserveCostsWhatThePageSays() throws {
    let text = try page().replacingOccurrences(of: "\n", with: " ")
    let match = try #require(
      text.firstMatch(
        of: /([\d ]+)\s+names take ([\d.]+) h instead of [\d.]+ h, and (\d+) sub-domains ([\d.]+) days instead of/))

    let count = try number(match.1)
    let many = try hours((0..<count).map { ["www.d\($0).example"] }, reserve: .standard).0
    let domain = try hours((0..<(try number(match.3))).map { ["n\($0).one.example"] }, reserve: .standard).0

    #expect(abs(many - (try #require(Double(match.2)))) < 0.02)
    #expect(abs(domain / 24 - (try #require(Double(match.4)))) < 0.05)
  }

  // MARK: The limits

  @Test func theTableOfLimitsIsTheOneThatIsKept() throws {
    let units: [Substring: Double] = ["s": 1, "min": 60, "h": 3_600]
    var seen: Set<Limit> = []
    for row in try table("The limits") {
      let name = row[0].filter { $0.isLetter || $0.isNumber }
      let limit = try #require(Limit.allCases.first { $0.rawValue.hasPrefix(name) }, "\(row[0])")
      seen.insert(limit)
      let kept = try #require(LimitTable.letsEncrypt.quotas[limit])
      let burst = try #require(row[2].firstMatch(of: /\d+/))
      #expect(Int64(burst.0) == kept.burst, "\(name)")
      guard let every = row[2].firstMatch(of: /every ([\d.]+) (s|min|h)/) else {
        #expect(row[2].contains("one a day") && kept.refillSeconds == 86_400, "\(name)")
        continue
      }
      let told = try #require(Double(every.1)) * (units[every.2] ?? 0)
      // Printed rounded: 12,096 s are 202 min, 120,960 s are 34 h.
      #expect(abs(told - kept.refillSeconds) / kept.refillSeconds < 0.02, "\(name)")
    }
    #expect(seen == Set(Limit.allCases))
  }

  @Test func theReserveIsTheOneThatIsKept() throws {
    let text = try page().replacingOccurrences(of: "\n", with: " ")
    let match = try #require(
      text.firstMatch(
        of: /(\d+) of 300 new orders, (\d+) of 50 per domain, (\d+) of 5 per exact set, (\d+) of 5 failures per name/))
    let told: [(Limit, Substring)] = [
      (.newOrdersPerAccount, match.1), (.certificatesPerDomain, match.2), (.certificatesPerFQDNSet, match.3),
      (.failedAuthorizations, match.4),
    ]

    for (limit, tokens) in told {
      let quota = try #require(LimitTable.letsEncrypt.quotas[limit])
      #expect(Reserve.standard.tokens(of: limit, quota) == Int64(tokens), "\(limit)")
    }
  }
}
