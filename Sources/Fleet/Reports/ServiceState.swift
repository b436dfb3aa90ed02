public import Foundation

/// What visitors get of a certificate, whatever our own work on it has come to.
public enum ServiceState: String, Sendable, Codable, CaseIterable {
  /// The VIP serves it, an earlier version of it, or what another controller has for it, and that has not expired.
  case served
  /// The VIP did not answer when it was last looked at: nobody knows.
  case unseen
  /// The VIP was seen to show another certificate than ours.
  case other
  /// What the VIP was last seen to serve has expired.
  case expired
  /// It was never seen on the VIP.
  case unserved

  /// Asks what was last seen, at `now`.
  public init(of certificate: CertificateState, at now: Date) {
    guard let served = certificate.served, let end = certificate.servedNotAfter else {
      self = .unserved
      return
    }
    let failure = certificate.lastFailure
    if let drift = certificate.drifts[.vip]?.current {
      // The last look says more than the proof before it.
      self =
        switch drift.kind {
        case .reverted, .expiring, .otherController:
          drift.seen?.notAfter.map { $0 <= now } == true ? .expired : .served
        default: .other
        }
    } else if end <= now {
      self = .expired
    } else if failure?.kind == .notSeen, served == certificate.issued?.attempt {
      self = .unseen
    } else if failure?.kind == .servesOldCertificate, failure?.node == nil, served == certificate.issued?.attempt {
      // Of a newer one that did not come through, the older one is served as before.
      self = .other
    } else {
      self = .served
    }
  }

  /// The end of life of what visitors get, where that is a certificate of ours or of another controller.
  static func end(of certificate: CertificateState) -> Date? {
    guard certificate.served != nil else { return nil }
    guard let drift = certificate.drifts[.vip]?.current else { return certificate.servedNotAfter }
    switch drift.kind {
    case .reverted, .expiring, .otherController: return drift.seen?.notAfter
    default: return nil
    }
  }

  /// For a table: `served until 2027-02-21 10:12`.
  func text(until end: Date?) -> String {
    let date = end.map { " until \(Wording.minute($0))" } ?? ""
    switch self {
    case .served: return "served" + date
    case .unseen: return "could not be looked at" + (end == nil ? "" : "; was served" + date)
    case .other: return "another certificate is served"
    case .expired: return "expired" + (end.map { " \(Wording.minute($0))" } ?? "")
    case .unserved: return "not served"
    }
  }
}

/// What our work on a certificate has come to.
public enum WorkState: String, Sendable, Codable, CaseIterable {
  /// Nothing is to be done.
  case done
  /// Its renewal is due.
  case due
  /// Its first or next version is wanted, and its turn has not come.
  case waiting
  /// Its next version is issued, and not served yet.
  case issued
  /// The last try failed.
  case failing
  /// Something is to be done, and an operator's `pause` or `rollback` holds it.
  case held

  init(
    of certificate: CertificateState, standing: CertificateRow.Standing, pair: Pair?, in state: FleetState, at now: Date
  ) {
    let wish = pair.map { Planner.wish(certificate, pair: $0, at: now).0 } ?? .keep
    if certificate.lastFailure?.kind == .rolledBack || (wish != .keep && state.isPaused(certificate.spec.pair, at: now))
    {
      self = .held
      return
    }
    switch standing {
    case .failing: self = .failing
    case .issued: self = .issued
    case .waiting: self = .waiting
    case .served: self = wish == .renew ? .due : .done
    }
  }
}
