/// Reads `overrides:` of an authority.
struct OverrideReader {
  let context: ReadingContext

  static let keys = ["limit", "domain", "count", "period", "burst"]

  private static let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
  private static let most = 100_000_000

  func read(_ authority: Section) -> [LimitOverride] {
    (authority.list("overrides") ?? []).compactMap { item in
      let section = Section(item, "an override of \(authority.title)", keys: Self.keys, context)
      guard section.isMapping else { return nil }
      let limit = limit(section)
      let domain = section.text("domain").map { $0.lowercased() }
      if domain != nil, let limit, limit != .certificatesPerDomain {
        context.faults.error(
          at: section.location(of: "domain"), "\(limit.rawValue) is not counted by registered domain",
          remedy: "leave `domain:` out, or write `limit: \(Limit.certificatesPerDomain.rawValue)`")
      }
      if section.entry("count") == nil { section.missing("count", remedy: "write `count: 300`") }
      let count = section.integer("count", in: 1...Self.most)
      let period = period(section)
      let burst = section.integer("burst", in: 1...Self.most) ?? count
      guard let limit, let count, let period, let burst else { return nil }
      guard let quota = Quota(burst: Int64(burst), count: Int64(count), periodSeconds: period) else {
        context.faults.error(
          at: section.location, "an override of no sensible size", remedy: "check `count:`, `period:` and `burst:`")
        return nil
      }
      return LimitOverride(limit: limit, domain: domain, quota: quota)
    }
  }

  private func limit(_ section: Section) -> Limit? {
    guard let text = section.text("limit", orMissing: "write `limit: NewOrdersPerAccount`") else { return nil }
    if let limit = Limit(rawValue: text) { return limit }
    context.faults.error(
      at: section.location(of: "limit"), "“\(Printable.short(text, 64))” is no limit",
      remedy: Spelling.remedy(for: text, among: Limit.allCases.map(\.rawValue), "limit"))
    return nil
  }

  private func period(_ section: Section) -> Double? {
    guard let text = section.text("period", orMissing: "write `period: 7d`") else { return nil }
    if let unit = text.last.flatMap({ Self.units[$0] }), let number = Double(text.dropLast()), number > 0,
      number <= 1_000
    {
      return number * unit
    }
    context.faults.error(
      at: section.location(of: "period"), "“\(Printable.short(text, 40))” is no span of time",
      remedy: "write a number up to 1000 with s, m, h or d: 3h, 7d")
    return nil
  }
}
