public import Foundation

/// Certificates that are issued and wait until their pair may be worked on.
public struct WindowWait: Sendable, Equatable, Codable {
  /// The pair.
  public var pair: PairID
  /// How many.
  public var certificates: Int
  /// When the first of them may go; nil where no window is left.
  public var opens: Date?

  /// One for each pair that is closed now.
  static func all(in state: FleetState, of inventory: Inventory, at now: Date) -> [WindowWait] {
    let ready = Dictionary(grouping: state.certificates.values.filter(\.isReady), by: \.spec.pair)
    return inventory.pairs.compactMap { pair in
      guard pair.maintenance != .always, !state.isPaused(pair.id, at: now), let certificates = ready[pair.id]
      else { return nil }
      let openings = certificates.map { pair.maintenance.opens(from: now, isInDanger: $0.isInDanger(at: now)) }
      let closed = openings.filter { $0.map { $0 > now } ?? true }
      guard !closed.isEmpty else { return nil }
      return WindowWait(pair: pair.id, certificates: closed.count, opens: closed.compactMap(\.self).min())
    }
  }

  /// `edge: 12 certificates, from 2026-11-24 01:00 UTC on`
  public var text: String {
    let when = opens.map { "from \(Wording.minute($0)) UTC on" } ?? "no window is left"
    return "\(pair): \(Wording.count(certificates, "certificate")), \(when)"
  }

  static let title = "Waiting for a window"
}

extension CertificateState {
  /// Issued as it is wanted, and not served yet.
  fileprivate var isReady: Bool {
    guard let issued, issuedRevision == revision, attempt == nil else { return false }
    return served != issued.attempt && lastFailure == nil
  }
}
