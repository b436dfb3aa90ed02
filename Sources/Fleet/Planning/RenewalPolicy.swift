public import Foundation

/// When a certificate is renewed, and when it is in danger: the one place that says so, for plan, run, forecast and reports.
public enum RenewalPolicy {
  /// Under this life a third would leave too few nights for another try.
  private static let shortLife = 10 * 86_400.0

  /// Due when a third of the lifetime is left, half of it where the lifetime is under ten days.
  public static func due(_ end: Date, life: TimeInterval) -> Date {
    end.addingTimeInterval(life < shortLife ? -life / 2 : -life / 3)
  }

  /// The danger line: a ninth of the lifetime is left (10 days of 90, 5 of 45, 18 hours of 160). Past it a certificate goes before everything else.
  public static func danger(_ end: Date, life: TimeInterval) -> Date { end.addingTimeInterval(-dangerSeconds(life)) }

  /// How long before its end a certificate is in danger.
  public static func dangerSeconds(_ life: TimeInterval) -> TimeInterval { life / 9 }
}

extension CertificateState {
  /// The danger line of what the VIP serves; nil where nothing of ours is known to be served.
  ///
  /// The life of what is served is known where it is the newest one. Of an earlier one only the end is kept; it is taken to have lived as long.
  var servedDangerAt: Date? {
    guard let servedNotAfter, let issued else { return nil }
    return RenewalPolicy.danger(servedNotAfter, life: issued.life)
  }
}
