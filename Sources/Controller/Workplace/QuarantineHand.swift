public import Fleet
public import Foundation
import Journal

/// One certificate in quarantine, with its history.
public struct QuarantineLine: Sendable, Encodable {
  /// Which.
  public var spec: SpecID
  /// Its names.
  public var names: [String]
  /// Whose.
  public var customer: CustomerID?
  /// Why, and the evidence.
  public var quarantine: Quarantine
  /// Whole days of failing.
  public var daysFailing: Int
  /// What was said when, newest last; the same words in a row stand once, with the first date.
  public var history: [Said]

  /// One answer of DNS or the CA.
  public struct Said: Sendable, Encodable {
    /// When it was said first.
    public var at: Date
    /// What.
    public var kind: Failure.Kind
    /// In whose words.
    public var detail: String
  }

  /// For people.
  public func text(isVerbose: Bool) -> String {
    let name = names.count > 1 ? "\(names[0]) +\(names.count - 1)" : names.first ?? spec.rawValue
    var lines = [
      "\(Printable.terminal(name)) (\(spec)): \(quarantine.evidence.kind.title), "
        + "\(Wording.count(daysFailing, "day")), \(Wording.count(quarantine.tries, "try", "tries"))"
    ]
    if isVerbose {
      lines += history.map { "    \(Wording.minute($0.at)) UTC: \(Printable.terminal($0.detail))" }
    } else {
      let detail = Printable.terminal(quarantine.evidence.detail)
      lines.append("    \(Wording.minute(quarantine.evidenceAt)) UTC: \(detail)")
    }
    if let served = quarantine.lastServed {
      let serial = served.serial.map { "serial \(Printable.terminal($0)), " } ?? ""
      lines.append(
        "    last seen served \(Wording.minute(served.seenAt)) UTC: \(serial)valid until "
          + "\(Wording.minute(served.notAfter)) UTC")
    } else {
      lines.append("    never seen served")
    }
    if let link = quarantine.unpauseLink { lines.append("    -> \(Printable.terminal(link))") }
    return lines.joined(separator: "\n")
  }
}

/// `quarantine list`, `release`, `drop`.
extension Workplace {
  /// What is in quarantine, longest failing first.
  public func quarantine() throws(CommandFault) -> [QuarantineLine] {
    let inside = try fleetState().certificates.values.filter { $0.quarantine != nil }
    var lines: [QuarantineLine] = []
    for certificate in inside {
      guard let quarantine = certificate.quarantine else { continue }
      lines.append(
        QuarantineLine(
          spec: certificate.spec.id, names: certificate.spec.names.names, customer: certificate.spec.customer,
          quarantine: quarantine, daysFailing: quarantine.daysFailing(at: clock.now),
          history: try history(of: certificate.spec.id, since: quarantine.failingSince)))
    }
    return lines.sorted { ($0.quarantine.failingSince, $0.spec) < ($1.quarantine.failingSince, $1.spec) }
  }

  private func history(of spec: SpecID, since: Date) throws(CommandFault) -> [QuarantineLine.Said] {
    let records = try journaled(try journal.history(of: spec))
    return records.reduce(into: []) { said, record in
      guard record.at >= since else { return }
      switch record.event {
      case .attemptFailed(_, let failure), .specVetoed(_, let failure):
        guard said.last?.detail != failure.detail else { return }
        said.append(.init(at: record.at, kind: failure.kind, detail: failure.detail))
      default: break
      }
    }
  }

  /// Lets certificates out: they are tried at once, and every day for a week before they come back.
  public func release(_ names: [String]) async throws(CommandFault) -> [String] {
    let specs = try quarantined(names)
    try await record(specs.map { .retryAsked(spec: $0.id) })
    return specs.map(\.id.rawValue)
  }

  /// No longer wants certificates whose names moved away.
  public func drop(_ names: [String]) async throws(CommandFault) -> Removal {
    try await withdraw(try quarantined(names))
  }

  /// Only what is in quarantine: a name mistyped for one that works must not be dropped.
  private func quarantined(_ names: [String]) throws(CommandFault) -> [CertificateSpec] {
    let found = try find(names, in: try fleetState())
    if let free = found.filter({ $0.quarantine == nil }).map(\.spec.id).min() {
      throw .badInput("\(free) is not in quarantine; certfleet retry and certfleet remove are for the others")
    }
    return found.map(\.spec).sorted { $0.id < $1.id }
  }
}
