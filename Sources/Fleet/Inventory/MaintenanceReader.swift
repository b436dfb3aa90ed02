import Foundation

/// Reads `windows:` and `freezes:`.
struct MaintenanceReader {
  let context: ReadingContext

  static let windowKeys = ["id", "days", "from", "to", "zone", "danger"]
  static let freezeKeys = ["from", "to", "zone", "pairs", "customers", "danger"]

  private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
  private static let dayWords = days + ["daily", "weekdays", "weekends"]

  // MARK: Windows

  func windows(_ files: [Section]) -> [MaintenanceWindow] {
    var places: [String: SourceLocation] = [:]
    return files.flatMap { $0.list("windows") ?? [] }.compactMap { item in
      let section = Section(
        item, context.title("window", of: item, otherwise: "a window"), keys: Self.windowKeys, context)
      guard let id = section.identifier("id") else { return nil }
      context.claim(id, "window", at: section.location(of: "id"), in: &places)
      let zone = zone(section)
      let from = time(section, "from")
      let to = time(section, "to")
      let days = daysOfWeek(section)
      let danger: DangerRule = section.choice("danger") ?? .wait
      guard let from, let to, let zone else { return MaintenanceWindow(id: id, times: []) }
      guard from != to else {
        context.faults.error(
          at: section.location(of: "to"), "\(section.title) ends when it begins",
          remedy: "for a whole day write from: 00:00 and to: 24:00")
        return MaintenanceWindow(id: id, times: [])
      }
      // `to` before `from` lies on the next day.
      let length = to > from ? to - from : to + 86_400 - from
      return MaintenanceWindow(
        id: id, times: days.map { .init(start: $0 * 86_400 + from, length: length, zone: zone) },
        danger: danger)
    }
  }

  private func time(_ section: Section, _ key: String) -> Int? {
    guard let text = section.text(key, orMissing: "write `\(key): 22:00`") else { return nil }
    if let match = text.wholeMatch(of: /(\d{1,2}):(\d\d)/), let hour = Int(match.1), let minute = Int(match.2),
      minute < 60, hour < 24 || (hour == 24 && minute == 0)
    {
      return hour * 3_600 + minute * 60
    }
    context.faults.error(
      at: section.location(of: key), "“\(Printable.short(text, 40))” is no time of day",
      remedy: "write hours and minutes, from 00:00 to 24:00")
    return nil
  }

  /// `mon`, `mon-fri`, `sat, sun` or a list of these; days from Monday, each once.
  private func daysOfWeek(_ section: Section) -> [Int] {
    guard section.entry("days") != nil else { return Array(0..<7) }
    var found: Set<Int> = []
    for item in section.texts("days") {
      for part in item.text.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }) {
        found.formUnion(days(String(part), at: item.location))
      }
    }
    return found.sorted()
  }

  private func days(_ word: String, at location: SourceLocation) -> [Int] {
    switch word {
    case "daily": return Array(0..<7)
    case "weekdays": return Array(0..<5)
    case "weekends": return [5, 6]
    default: break
    }
    let ends = word.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    let numbers = ends.compactMap { Self.days.firstIndex(of: $0) }
    guard (1...2).contains(ends.count), numbers.count == ends.count else {
      let wrong = ends.first { !Self.days.contains($0) } ?? word
      context.faults.error(
        at: location, "“\(Printable.short(word, 40))” is no day of the week",
        remedy: Spelling.question(for: wrong, among: Self.dayWords)
          ?? "write mon, sat-sun, daily, weekdays or weekends")
      return []
    }
    let (first, last) = (numbers[0], numbers[numbers.count - 1])
    return (0...((last - first + 7) % 7)).map { (first + $0) % 7 }
  }

  private func zone(_ section: Section) -> TimeZone? {
    guard let text = section.text("zone") else { return .gmt }
    if text == "UTC" { return .gmt }
    if text.contains("/"), let zone = TimeZone(identifier: text) { return zone }
    context.faults.error(
      at: section.location(of: "zone"), "“\(Printable.short(text, 40))” is no time zone",
      remedy: Spelling.question(for: text, among: TimeZone.knownTimeZoneIdentifiers)
        ?? "write a name such as Europe/Berlin, or UTC")
    return nil
  }

  // MARK: Freezes

  func freezes(_ files: [Section], customers: [CustomerID]) -> [(Freeze, [(PairID, SourceLocation)])] {
    files.flatMap { $0.list("freezes") ?? [] }.compactMap { item in
      let section = Section(item, "a freeze", keys: Self.freezeKeys, context)
      guard section.isMapping else { return nil }
      let zone = zone(section)
      let from = date(section, "from", zone ?? .gmt, endsDay: false)
      let to = date(section, "to", zone ?? .gmt, endsDay: true)
      let pairs = section.texts("pairs").map { (PairID($0.text), $0.location) }
      let whose = section.texts("customers").compactMap { item -> CustomerID? in
        if customers.contains(CustomerID(item.text)) { return CustomerID(item.text) }
        context.faults.error(
          at: item.location, "no customer “\(Printable.short(item.text, 64))”",
          remedy: Spelling.remedy(for: item.text, among: customers.map(\.rawValue), "customer"))
        return nil
      }
      let danger: DangerRule = section.choice("danger") ?? .wait
      guard let from, let to else { return nil }
      guard from < to else {
        context.faults.error(
          at: section.location(of: "to"), "a freeze ends before it begins", remedy: "correct `from:` or `to:`")
        return nil
      }
      let freeze = Freeze(
        interval: DateInterval(start: from, end: to), pairs: pairs.map(\.0), customers: whose, danger: danger)
      return (freeze, pairs)
    }
  }

  /// A day, or a day and a time. A day alone begins the freeze at its first second, and ends it after its last.
  private func date(_ section: Section, _ key: String, _ zone: TimeZone, endsDay: Bool) -> Date? {
    guard let text = section.text(key, orMissing: "write `\(key): 2026-12-20` or `\(key): 2026-12-20 18:00`") else {
      return nil
    }
    if let match = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::00)?)?/) {
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = zone
      var parts = DateComponents(year: Int(match.1), month: Int(match.2), day: Int(match.3))
      (parts.hour, parts.minute) = (match.4.flatMap { Int($0) }, match.5.flatMap { Int($0) })
      if parts.isValidDate(in: calendar), let date = calendar.date(from: parts) {
        return endsDay && parts.hour == nil ? calendar.date(byAdding: .day, value: 1, to: date) : date
      }
    }
    context.faults.error(
      at: section.location(of: key), "“\(Printable.short(text, 40))” is no date",
      remedy: "write 2026-12-20, or 2026-12-20 18:00")
    return nil
  }
}

extension MaintenanceReader {
  /// Gives each pair the freezes that hold for it; one for a pair that is nowhere written is a fault.
  func attach(_ freezes: [(Freeze, [(PairID, SourceLocation)])], to pairs: [Pair], written: [String]) -> [Pair] {
    for (id, location) in freezes.flatMap(\.1) where !written.contains(id.rawValue) {
      context.faults.error(
        at: location, "no pair “\(Printable.short(id.rawValue, 64))”",
        remedy: Spelling.remedy(for: id.rawValue, among: written, "pair"))
    }
    guard !freezes.isEmpty else { return pairs }
    return pairs.map { pair in
      var pair = pair
      pair.freeze(freezes.map(\.0))
      return pair
    }
  }
}
