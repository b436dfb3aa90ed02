public import Fleet
public import Foundation
import Journal

/// Where things stand, from the journal alone.
public struct FleetStatus: Sendable, Codable {
  /// When it was read.
  public var at: Date
  /// The run that is going on, if one is.
  public var running: Running?
  /// The newest run that ended or was killed.
  public var lastSweep: LastSweep?
  /// Sums per customer.
  public var customers: [Line]
  /// When everything that waits would be issued, as `plan` says it; nil where nothing waits.
  public var finish: PlanForecast.Finish?
  /// How many certificates the inventory's lists ask for; looked up only while the journal has none.
  public var listed: Int?
  /// Nodes and pairs in trouble, or paused.
  public var troubles: [Trouble]
  /// Pairs that an operator paused, and what waits because of it.
  public var holds: [HoldNote]
  /// What does not have the certificates that were proved there.
  public var drift: DriftReport
  /// Mails that wait for the mail server.
  public var mailsWaiting: Int
  /// Every certificate that was asked for.
  public var rows: [CertificateRow]
  /// Certificates by cause.
  public var groups: [FailureGroup]
  /// The question to a person, where so much looks certain to fail by DNS that this machine is in doubt.
  public var doubt: HeldBack.Doubt?
  /// What the nodes of the one pair that was asked for hold right now.
  public var fingerprints: [NodeFingerprints]?

  /// A run that is going on.
  public struct Running: Sendable, Codable {
    /// Its process.
    public var pid: Int32
    /// Since when.
    public var since: Date
    /// Why it was started.
    public var purpose: SweepPurpose
  }

  /// A run of the past.
  public struct LastSweep: Sendable, Codable {
    /// Which.
    public var id: SweepID
    /// When it began.
    public var startedAt: Date
    /// How it ended; nil after a kill.
    public var end: SweepEnd?
    /// When it ended.
    public var endedAt: Date?
  }

  /// A node or a pair that somebody should look at.
  public struct Trouble: Sendable, Codable {
    /// The pair's or node's id.
    public var place: String
    /// What, in a few words.
    public var title: String
    /// What was seen; empty where there is nothing more to say.
    public var detail: String
    /// What to do.
    public var advice: String

    static let paused = "paused"

    init(_ place: String, _ failure: Failure) {
      self.init(place, failure.kind.title, failure.detail, failure.kind.advice)
    }

    init(_ place: String, _ title: String, _ detail: String, _ advice: String) {
      (self.place, self.title, self.detail, self.advice) = (place, title, detail, advice)
    }

    var lines: [String] {
      var lines = ["  \(place): \(title)"]
      if !detail.isEmpty { lines.append("      \(Printable.terminal(detail))") }
      return lines + ["      -> \(advice)"]
    }
  }

  /// Sums of one customer.
  public struct Line: Sendable, Codable {
    /// The name as it is printed.
    public var name: String
    /// How many certificates there are.
    public var certificates: Int
    /// `served`, `unseen`, `other`, `expired` and `unserved`: what visitors get. `issued`, `waiting` and `failing`: how many versions stand so.
    public var counts: [String: Int]
    /// When what waits would be issued.
    public var finish: PlanForecast.Finish?
    /// The next end of life among what is served.
    public var nextExpiry: Date?
  }

  /// For people. Certificates are listed one by one only when asked for.
  public func text(isVerbose: Bool) -> String {
    var lines: [String] = []
    if let running {
      lines.append(
        "A \(running.purpose.rawValue) is going on (process \(running.pid), since \(Wording.minute(running.since)) UTC)."
      )
    } else if let lastSweep {
      let how = lastSweep.end.map { "\($0.rawValue)" } ?? "was killed; the next run goes on where it stopped"
      lines.append("Last run \(lastSweep.id) of \(Wording.minute(lastSweep.startedAt)) UTC: \(how).")
    } else {
      lines.append("Nothing was run yet.")
    }
    if mailsWaiting > 0 {
      lines.append("\(Wording.count(mailsWaiting, "mail waits", "mails wait")) for the mail server.")
    }
    lines.append("")
    var table = TextTable("customer", ">wanted", ">served", ">issued", ">waiting", ">failing", "next expiry")
    for line in customers {
      table.add(
        line.name, Wording.grouped(line.certificates), Wording.grouped(line.counts["served"] ?? 0),
        Wording.grouped(line.counts["issued"] ?? 0),
        Wording.grouped(line.counts["waiting"] ?? 0), Wording.grouped(line.counts["failing"] ?? 0),
        line.nextExpiry.map(Wording.day) ?? "-")
    }
    lines += table.isEmpty ? [nothing] : table.lines
    let unseen = rows.count { $0.service == .unseen }
    if unseen > 0 {
      lines.append("  \(Wording.count(unseen, "certificate")) could not be looked at: the VIP did not answer")
    }
    if let finish {
      let waits = Wording.count(finish.count, "certificate waits", "certificates wait")
      lines += ["", "\(waits); issued by \(finish.text)"]
    }
    lines += drift.lines
    let loud = troubles.filter { $0.title != Trouble.paused }
    if !loud.isEmpty { lines += ["", "Needs a person:"] + loud.flatMap(\.lines) }
    if !holds.isEmpty {
      lines += ["", "Paused by an operator:"]
      for note in holds {
        lines += ["  \(note.lines[0])"] + note.lines.dropFirst().map { "      \($0)" } + ["      -> \(note.advice)"]
      }
    }
    lines += unconfirmed
    for group in groups {
      lines.append("")
      lines.append("\(group.title): \(Wording.count(group.rows.count, "certificate"))")
      lines.append("  -> \(group.advice)")
    }
    let held = HeldBackLines(rows, doubt: doubt).lines(shown: 0)
    if !held.isEmpty { lines += [""] + held }
    let quarantine = QuarantineLines(rows).lines
    if !quarantine.isEmpty { lines += [""] + quarantine }
    if isVerbose { lines += certificates() }
    lines += (fingerprints ?? []).flatMap(\.lines)
    return lines.joined(separator: "\n") + "\n"
  }

  /// Why there is no row to show.
  private var nothing: String {
    switch listed {
    case nil: "  No certificate of these is wanted."
    case 0?: "  No certificates are wanted yet: certfleet import FILE, or domains: in the inventory."
    case let count?:
      "  The lists ask for \(Wording.count(count, "certificate")); certfleet run takes them over, certfleet plan looks ahead."
    }
  }

  /// Nodes whose reload left no trace: nobody knows what they hold in memory.
  private var unconfirmed: [String] {
    var nodes: [NodeID: Int] = [:]
    for row in rows {
      for (node, note) in row.proofs where note.level == .unconfirmed && note.isCurrent { nodes[node, default: 0] += 1 }
    }
    guard !nodes.isEmpty else { return [] }
    let lines = nodes.sorted { $0.key < $1.key }.map { node, count in
      "  \(node): \(Wording.count(count, "certificate lies", "certificates lie")) on the disk, and nothing confirmed the reload"
    }
    return [""] + lines + ["  -> \(Wording.unconfirmedAdvice)"]
  }

  private func certificates() -> [String] {
    var table = TextTable("certificate", "names", "service", "proof", "last seen", "cause")
    for row in rows {
      let proofs = row.proofs.sorted { $0.key < $1.key }.map {
        "\($0.key) \($0.value.isCurrent ? $0.value.level.rawValue : "old")"
      }
      table.add(
        row.spec.rawValue, row.names.count > 1 ? "\(row.names[0]) +\(row.names.count - 1)" : row.names.first ?? "",
        row.text, proofs.joined(separator: ", "), row.lastSeen?.text ?? "-",
        row.cause.map { "\($0.kind.title): \(Printable.short($0.detail))" } ?? "")
    }
    return [""] + table.lines
  }
}

extension Workplace {
  /// Reads where things stand; answers at once, also beside a run.
  public func status(customer: String?, pair: String?, domain: String?) throws(CommandFault) -> FleetStatus {
    if let pair { _ = try find(pairs: [pair]) }
    if let customer { try know(customer: customer) }
    let state = try fleetState()
    let pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    let held = try heldBack(state)
    let now = clock.now
    if let domain { try know(domain: domain, in: state) }
    var chosen = state
    chosen.certificates = state.certificates.filter { _, certificate in
      (customer == nil || certificate.spec.customer?.rawValue == customer)
        && (pair == nil || certificate.spec.pair.rawValue == pair)
        && (domain.map { certificate.spec.names.names.contains($0.lowercased()) } ?? true)
    }
    let seen = try journaled(try journal.sightings())
    let rows = chosen.certificates.values.map { certificate in
      var row = CertificateRow(certificate, in: state, pair: pairs[certificate.spec.pair], sweep: nil, at: now)
      row.hold(
        certificate, held, pair: pairs[certificate.spec.pair],
        isPaused: state.isPaused(certificate.spec.pair, at: now), at: now)
      row.lastSeen = LastSeen(seen[certificate.spec.id] ?? [])
      return row
    }.sorted { $0.spec < $1.spec }
    let holder = try journaled(try SweepLock.holder(directory: inventory.state))
    let last = try journaled(try journal.lastSweep())
    let forecast = try finishes(of: state, at: now)
    let isAll = customer == nil && pair == nil && domain == nil
    return FleetStatus(
      at: now, running: holder.map { .init(pid: $0.pid, since: $0.since, purpose: $0.purpose) },
      lastSweep: last.map { .init(id: $0.id, startedAt: $0.startedAt, end: $0.end, endedAt: $0.endedAt) },
      customers: lines(rows, forecast.customers),
      finish: pair.map { forecast.pairs[PairID($0)] }
        ?? (isAll ? forecast.total : customer.flatMap { forecast.customers[CustomerID($0)] }),
      listed: state.certificates.isEmpty ? DomainLoader.load(inventory: inventory, now: now).list.specs.count : nil,
      troubles: troubles(state, pair: pair), holds: holds(state, pair: pair),
      drift: DriftReport(after: chosen, records: [], inventory: inventory, sweep: nil),
      mailsWaiting: try journaled(try journal.pendingMail().count), rows: rows,
      groups: FailureGroup.groupsBesideTroubles(of: rows), doubt: held.doubt)
  }

  func know(customer: String) throws(CommandFault) {
    guard inventory.customers.contains(where: { $0.id.rawValue == customer }) else {
      throw .badInput(
        "no customer has the id “\(Printable.terminal(customer))”; the inventory has "
          + inventory.customers.map(\.id.rawValue).joined(separator: ", "))
    }
  }

  /// A name that nobody asked for is a mistake of whoever types it, and one that no run has taken over yet is not.
  private func know(domain: String, in state: FleetState) throws(CommandFault) {
    let name = domain.lowercased()
    guard !state.certificates.values.contains(where: { $0.spec.names.names.contains(name) }) else { return }
    let list = DomainLoader.load(inventory: inventory, now: clock.now).list
    let shown = Printable.terminal(domain)
    guard let spec = list.specs.first(where: { $0.names.names.contains(name) }) else {
      throw .badInput("no certificate has the name “\(shown)”, and no list of the inventory asks for it")
    }
    let place = list.locations[spec.id].map { "\($0.file):\($0.line)" } ?? "a list"
    throw .badInput("“\(shown)” stands in \(Printable.terminal(place)); the next certfleet run takes it over")
  }

  private func lines(
    _ rows: [CertificateRow], _ finishes: [CustomerID: PlanForecast.Finish]
  ) -> [FleetStatus.Line] {
    let names = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.name) })
    return Dictionary(grouping: rows, by: \.customer).map { customer, rows in
      FleetStatus.Line(
        name: customer.map { names[$0] ?? $0.rawValue } ?? "(no customer)", certificates: rows.count,
        counts: rows.reduce(into: [:]) { counts, row in
          counts[row.service.rawValue, default: 0] += 1
          if row.standing != .served { counts[row.standing.rawValue, default: 0] += 1 }
        },
        finish: customer.flatMap { finishes[$0] },
        nextExpiry: rows.compactMap(\.servedNotAfter).min())
    }.sorted { $0.name < $1.name }
  }

  private func holds(_ state: FleetState, pair only: String?) -> [HoldNote] {
    HoldNote.all(in: state, of: inventory, at: clock.now).filter { note in
      only == nil || note.pairs.contains { $0.rawValue == only }
    }
  }

  private func troubles(_ state: FleetState, pair only: String?) -> [FleetStatus.Trouble] {
    inventory.pairs.filter { only == nil || $0.id.rawValue == only }.flatMap { pair in
      var found: [FleetStatus.Trouble] = []
      if let hold = state.hold(on: pair.id, at: clock.now) {
        found.append(
          .init(
            pair.id.rawValue, FleetStatus.Trouble.paused, hold.text,
            "Let it take part again: certfleet resume \(pair.id)"))
      }
      if let failure = state.pairs[pair.id]?.trouble { found.append(.init(pair.id.rawValue, failure)) }
      for node in pair.nodes {
        if let failure = state.nodes[node.id]?.trouble { found.append(.init(node.id.rawValue, failure)) }
      }
      return found
    }
  }
}
