public import Foundation

/// When work may start on a pair: weekly windows, less the freezes. Times are UTC.
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
    /// Seconds from Monday 00:00 UTC, 0…604 799.
    public var start: Int
    /// Seconds that it lasts, up to a whole week; it may run over the end of the week.
    public var length: Int

    /// A window; values outside the week are brought into it.
    public init(start: Int, length: Int) {
      self.start = ((start % Self.week) + Self.week) % Self.week
      self.length = min(max(0, length), Self.week)
    }

    static let week = 604_800
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
    guard !windows.isEmpty else { return moment }
    // 1970-01-05 was a Monday.
    let monday = 4.0 * 86_400
    let week = Double(WeeklyWindow.week)
    let since = moment.timeIntervalSince1970 - monday
    let offset = since - (since / week).rounded(.down) * week
    let waits: [Double] = windows.compactMap { window in
      guard window.length > 0 else { return nil }
      let into = offset - Double(window.start)
      let intoThis = into < 0 ? into + week : into
      return intoThis < Double(window.length) ? 0 : week - intoThis
    }
    return waits.min().map { $0 == 0 ? moment : moment.addingTimeInterval($0) }
  }
}
