public import Foundation

/// When certificates may be rolled out onto a pair. Issuing goes on meanwhile, so that they are ready.
public struct Maintenance: Sendable, Equatable {
  /// For everyday work.
  public var calendar: PairCalendar
  /// For a certificate in danger: what the operator did not say may be broken for it.
  public var inDanger: PairCalendar

  /// Always, unless told otherwise.
  public init(calendar: PairCalendar = .open, inDanger: PairCalendar = .open) {
    self.calendar = calendar
    self.inDanger = inDanger
  }

  /// No windows and no freezes.
  public static let always = Maintenance()

  /// Puts a pair's windows and freezes together. Of several windows the strictest word on danger counts.
  public init(windows: [MaintenanceWindow], freezes: [Freeze]) {
    let times = windows.flatMap(\.times)
    calendar = PairCalendar(windows: times, freezes: freezes.map(\.interval))
    inDanger = PairCalendar(
      windows: windows.allSatisfy { $0.danger == .deploy } ? [] : times,
      freezes: freezes.filter { $0.danger == .wait }.map(\.interval))
  }

  /// The first moment from `now` on at which a roll-out may start; nil if never.
  public func opens(from now: Date, isInDanger: Bool = false) -> Date? {
    let everyday = calendar.opens(from: now)
    guard isInDanger, let special = inDanger.opens(from: now) else { return everyday }
    return min(everyday ?? special, special)
  }

  /// When to renew so that the new certificate is there before the pair is closed for so long that the old one would come into danger; nil where
  /// its usual time will do.
  public func renewsEarly(due: Date, danger: Date) -> Date? {
    guard calendar != .open, due < danger else { return nil }
    let opens = calendar.opens(from: due)
    guard opens == nil || opens ?? due > danger else { return nil }
    let closes = calendar.freezes.filter { $0.start <= danger && $0.end > due }.map(\.start).min() ?? due
    return min(closes, due).addingTimeInterval(-Self.leadSeconds)
  }

  /// Two weeks: at least two weekly windows, and time to mend what fails.
  private static let leadSeconds = 14.0 * 86_400
}

/// What a window or a freeze means for a certificate in danger.
public enum DangerRule: String, Sendable, Codable, CaseIterable {
  /// It waits like all others.
  case wait
  /// It is rolled out at once.
  case deploy
}

/// A window of the inventory, which pairs name.
public struct MaintenanceWindow: Sendable, Equatable {
  /// What pairs call it.
  public var id: String
  /// When it is open.
  public var times: [PairCalendar.WeeklyWindow]
  /// Whether a certificate in danger waits for it.
  public var danger: DangerRule

  /// Collects the parts.
  public init(id: String, times: [PairCalendar.WeeklyWindow], danger: DangerRule = .wait) {
    self.id = id
    self.times = times
    self.danger = danger
  }
}

/// A time in which nothing is rolled out onto some pairs, or any.
public struct Freeze: Sendable, Equatable {
  /// From when until when.
  public var interval: DateInterval
  /// Which pairs; with `customers` also empty: all.
  public var pairs: [PairID]
  /// Whose pairs.
  public var customers: [CustomerID]
  /// Whether a certificate in danger waits for its end.
  public var danger: DangerRule

  /// Collects the parts.
  public init(
    interval: DateInterval, pairs: [PairID] = [], customers: [CustomerID] = [], danger: DangerRule = .wait
  ) {
    self.interval = interval
    self.pairs = pairs
    self.customers = customers
    self.danger = danger
  }

  /// Whether it is this pair's.
  public func holds(_ pair: Pair) -> Bool {
    (pairs.isEmpty && customers.isEmpty) || pairs.contains(pair.id)
      || pair.customer.map { customers.contains($0) } ?? false
  }
}
