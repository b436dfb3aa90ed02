public import Foundation

/// Why a certificate is left alone but for a try a week, with the evidence: what a person needs to decide between `release` and `drop`.
///
/// It follows from the certificate's failures alone, so it is kept over restarts without a word of its own, and ends with a success or a `retry`.
public struct Quarantine: Sendable, Equatable, Codable {
  /// Which.
  public var cause: Cause
  /// Since when it is in quarantine.
  public var since: Date
  /// Since when it has been failing.
  public var failingSince: Date
  /// Tries that failed in a row.
  public var tries: Int
  /// What DNS or the CA said last.
  public var evidence: Failure
  /// When that was.
  public var evidenceAt: Date
  /// Where a pause of the CA's is ended.
  public var unpauseLink: String?
  /// The certificate that the VIP was last seen to serve.
  public var lastServed: Served?

  /// The two ways into it.
  public enum Cause: String, Sendable, Codable, CaseIterable {
    /// The name leads elsewhere, or nowhere, for days.
    case movedAway
    /// The CA takes no order for it until a person opens its link.
    case pausedByAuthority
  }

  /// A certificate that was seen on the wire.
  public struct Served: Sendable, Equatable, Codable {
    /// Its serial number, where it is the newest that we got.
    public var serial: String?
    /// Its end of life.
    public var notAfter: Date
    /// When it was seen.
    public var seenAt: Date
  }

  /// A name that was away for so long, tries of every day included, has moved; DNS changes and typing errors take less.
  public static let days = 7
  /// Seconds between the tries of what moved away.
  static let pause = 7.0 * 86_400

  /// Whole days of failing.
  public func daysFailing(at now: Date) -> Int { max(0, Int(now.timeIntervalSince(failingSince) / 86_400)) }
}

extension CertificateState {
  /// Why it is in quarantine, if it is.
  public var quarantine: Quarantine? {
    guard let lastFailure, let lastFailureAt, let failingSince else { return nil }
    let lastServed = servedNotAfter.flatMap { end in
      servedAt.map {
        Quarantine.Served(serial: issued?.attempt == served ? issued?.serial : nil, notAfter: end, seenAt: $0)
      }
    }
    func quarantine(_ cause: Quarantine.Cause, since: Date) -> Quarantine {
      Quarantine(
        cause: cause, since: since, failingSince: failingSince, tries: failures, evidence: lastFailure,
        evidenceAt: lastFailureAt, unpauseLink: RateLimitSignal.unpauseLink(in: lastFailure.detail),
        lastServed: lastServed)
    }
    if lastFailure.kind == .paused { return quarantine(.pausedByAuthority, since: lastFailureAt) }
    let end = failingSince.addingTimeInterval(Double(Quarantine.days) * 86_400)
    return lastFailure.kind.meansMovedAway && lastFailureAt >= end ? quarantine(.movedAway, since: end) : nil
  }
}
