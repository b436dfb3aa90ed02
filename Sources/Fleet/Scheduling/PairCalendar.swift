public import Foundation

/// When work may start on a pair: weekly windows, less the freezes.
public struct PairCalendar: Sendable, Equatable {
  /// When work may start; empty means always.
  public var windows: [WeeklyWindow]
  /// When it may not, whatever the windows say.
  public var freezes: [DateInterval]

  /// Collects the parts.
  public init(windows: [WeeklyWindow] = [], freezes: [DateInterval] = []) {
    self.windows = windows
    self.freezes = freezes
  }

  /// Always open.
  public static let open = PairCalendar()

  /// A part of the week that comes again every week.
  public struct WeeklyWindow: Sendable, Hashable, Codable {
    /// Seconds from Monday 00:00, 0…604 799.
    public var start: Int
    /// Seconds that it lasts, up to a whole week; it may run over the end of the week.
    public var length: Int
    /// Where Monday begins: a window keeps its hours when the clocks change there.
    public var zone: TimeZone

    /// A window; values outside the week are brought into it.
    public init(start: Int, length: Int, zone: TimeZone = .gmt) {
      self.start = ((start % Self.week) + Self.week) % Self.week
      self.length = min(max(0, length), Self.week)
      self.zone = zone
    }

    static let week = 604_800

    /// The first moment from `moment` on at which it is open; nil if it has no length.
    func opens(from moment: Date) -> Date? {
      guard length > 0 else { return nil }
      // 1970-01-05 was a Monday.
      let monday = 4.0 * 86_400
      let week = Double(Self.week)
      let offset = Double(zone.secondsFromGMT(for: moment))
      let since = moment.timeIntervalSince1970 + offset - monday
      let ofWeek = since - (since / week).rounded(.down) * week
      let into = ofWeek - Double(start)
      let intoThis = into < 0 ? into + week : into
      guard intoThis >= Double(length) else { return moment }
      let opening = moment.addingTimeInterval(week - intoThis)
      // The clocks may change on the way there: it opens at its hour, not so many seconds from now.
      let change = Double(zone.secondsFromGMT(for: opening)) - offset
      let atItsHour = opening.addingTimeInterval(-change)
      // That hour may be one that the clocks leave out: it opens when it would have come, which they call an hour later.
      let isLeftOut = zone.secondsFromGMT(for: atItsHour) != zone.secondsFromGMT(for: opening)
      return max(moment, isLeftOut && change > 0 ? opening : atItsHour)
    }
  }

  /// The first moment from `now` on at which work may start: `now` itself where it is open, nil where it never will be.
  public func opens(from now: Date) -> Date? {
    guard !(windows.isEmpty && freezes.isEmpty) else { return now }
    var moment = now
    // Every turn passes one freeze or goes to the next window, so a week for each freeze and one more is enough.
    for _ in 0...(2 * freezes.count + 2) {
      guard let window = nextWindow(from: moment) else { return nil }
      guard let freeze = freezes.first(where: { $0.start <= window && window < $0.end }) else { return window }
      moment = freeze.end
    }
    return nil
  }

  private func nextWindow(from moment: Date) -> Date? {
    windows.isEmpty ? moment : windows.compactMap { $0.opens(from: moment) }.min()
  }
}
