/// The forecast for a terminal.
extension LoadForecast {
  /// The whole forecast: dates first, then what will fail, then a line a day, then the limits that hold something up.
  public var text: String {
    var lines: [String] = []
    if let waiting { lines.append("Waiting now: " + Self.words(waiting)) } else { lines.append("Nothing waits now.") }
    if let supposed { lines.append("Supposed in addition: " + Self.words(supposed)) }
    if undated > 0 {
      lines.append(
        "\(Wording.count(undated, "certificate")) without a date within \(Wording.count(horizonDays, "day")): "
          + "paused, held for an operator, or later")
    }
    lines += outlook?.lines(at: from) ?? []
    var table = TextTable("day (UTC)", ">issued", ">renewed", ">waiting", ">orders left", "bound by")
    for day in days {
      table.add(
        Wording.day(day.date), Wording.grouped(day.issued), Wording.grouped(day.renewed), Wording.grouped(day.waiting),
        day.ordersLeft.map { Wording.grouped(Int($0)) } ?? "-", day.boundBy ?? "")
    }
    if table.isEmpty, undated == 0 {
      lines.append("Nothing falls due within \(Wording.count(horizonDays, "day")) either; --days looks further.")
    }
    if !table.isEmpty { lines += [""] + table.lines }
    let shown = limits.prefix(Self.shownLimits)
    if !shown.isEmpty {
      lines += ["", "Held up by:"]
      lines += shown.map {
        "  \(Printable.terminal($0.limit)): \(Wording.count($0.count, "certificate")), the last \(Wording.minute($0.until)) UTC"
      }
    }
    if limits.count > shown.count { lines.append("  and \(Wording.grouped(limits.count - shown.count)) more") }
    return lines.joined(separator: "\n")
  }

  private static let shownLimits = 10

  private static func words(_ finish: Finish) -> String {
    let bound = finish.boundBy.map { ", bound by: \(Printable.terminal($0))" } ?? ""
    return "\(Wording.count(finish.count, "certificate")), the last issued \(Wording.minute(finish.at)) UTC\(bound)"
  }
}
