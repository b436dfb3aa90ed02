public import Foundation

/// Pairs that an operator paused, with one end and one reason, and what waits because of it.
public struct HoldNote: Sendable, Equatable, Codable {
  /// The pairs.
  public var pairs: [PairID]
  /// These are all pairs of the inventory.
  public var isWholeFleet: Bool
  /// Since when, until when, why.
  public var hold: PairHold
  /// Certificates with which something is to be done.
  public var waiting: Int
  /// How many of these come to their danger line within a day, before the pause ends, or are past it.
  public var inDanger: Int
  /// When the first of those that wait ends its life.
  public var firstExpiry: Date?
  /// It has no end and is older than a day, or certificates near their end are held: somebody must decide.
  public var needsPerson: Bool

  /// Of a pause without an end nobody is reminded on its first day.
  private static let graceSeconds = 86_400.0

  /// What is paused at `now`; pairs that were paused together stand together.
  public static func all(in state: FleetState, of inventory: Inventory, at now: Date) -> [HoldNote] {
    struct Key: Hashable { let since: Date, until: Date?, reason: String? }
    var notes: [Key: HoldNote] = [:]
    let members = Dictionary(grouping: state.certificates.values, by: \.spec.pair)
    for pair in inventory.pairs {
      guard let hold = state.hold(on: pair.id, at: now) else { continue }
      let key = Key(since: hold.since, until: hold.until, reason: hold.reason)
      var note =
        notes[key]
        ?? HoldNote(
          pairs: [], isWholeFleet: false, hold: hold, waiting: 0, inDanger: 0, firstExpiry: nil, needsPerson: false)
      note.pairs.append(pair.id)
      for certificate in members[pair.id] ?? [] where Planner.wish(certificate, pair: pair, at: now).0 != .keep {
        note.waiting += 1
        if certificate.isNearDanger(at: now, until: hold.until) { note.inDanger += 1 }
        let end = certificate.served == nil ? nil : certificate.servedNotAfter
        note.firstExpiry = [note.firstExpiry, end].compactMap(\.self).min()
      }
      notes[key] = note
    }
    return notes.values.map { note in
      var note = note
      note.isWholeFleet = note.pairs.count == inventory.pairs.count && note.pairs.count > 1
      let isForgotten = note.hold.until == nil && now.timeIntervalSince(note.hold.since) > graceSeconds
      note.needsPerson = isForgotten || note.inDanger > 0
      return note
    }.sorted { ($0.hold.since, $0.pairs.first?.rawValue ?? "") < ($1.hold.since, $1.pairs.first?.rawValue ?? "") }
  }

  static let title = "Paused by an operator"

  /// `whole fleet (4 pairs)`, or the first pairs.
  var place: String {
    if isWholeFleet { return "whole fleet (\(Wording.count(pairs.count, "pair")))" }
    let shown = pairs.prefix(5).map(\.rawValue).joined(separator: ", ")
    return pairs.count > 5 ? "\(shown) and \(pairs.count - 5) more" : shown
  }

  /// Where, since when, until when and why; then what waits.
  public var lines: [String] {
    var lines = ["\(place): \(hold.text)"]
    if waiting > 0 {
      var words = Wording.count(waiting, "certificate waits", "certificates wait")
      if inDanger > 0 { words += ", \(Wording.grouped(inDanger)) of them near the end of their life" }
      if let firstExpiry { words += "; the first expires \(Wording.minute(firstExpiry)) UTC" }
      lines.append(words)
    } else {
      lines.append("nothing waits because of it yet")
    }
    return lines
  }

  /// What to do.
  public var advice: String {
    let names = isWholeFleet ? "" : " " + pairs.prefix(5).map(\.rawValue).joined(separator: " ")
    return hold.until == nil
      ? "certfleet resume\(names) lets it take part again; certfleet pause\(names) --until DATE gives it an end."
      : "It takes part again by itself then; certfleet resume\(names) does it now."
  }
}

extension CertificateState {
  /// Whether the danger line is past, or comes within a day and before `end`.
  fileprivate func isNearDanger(at now: Date, until end: Date?) -> Bool {
    guard served != nil, let danger = servedDangerAt, let issued else { return false }
    if danger <= now { return true }
    guard danger <= now.addingTimeInterval(min(86_400, RenewalPolicy.dangerSeconds(issued.life))) else { return false }
    return end.map { danger < $0 } ?? true
  }
}
