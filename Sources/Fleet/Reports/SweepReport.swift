public import Foundation

/// What a run did and where the fleet stands after it: the value behind the end-of-run table, the mail, the page and `--json`.
public struct SweepReport: Sendable, Equatable, Codable {
  /// The run.
  public var sweep: SweepID
  /// Why it was started.
  public var purpose: SweepPurpose
  /// When it began.
  public var startedAt: Date
  /// When it ended.
  public var endedAt: Date
  /// How it ended.
  public var end: SweepEnd
  /// One line for each customer, and one for names without one.
  public var customers: [CustomerLine]
  /// What does not have the certificates that were proved there, and what was put right.
  public var drift: DriftReport
  /// Nodes and pairs that somebody must look at.
  public var troubles: [Trouble]
  /// Failing and waiting certificates by cause, what needs a person first.
  public var groups: [FailureGroup]
  /// Orders that may exist at the CA without our knowing them: asked for, then the process died before the answer was recorded.
  public var lostOrders: [LostOrder]
  /// Limits of the CA's that somebody else uses too.
  public var limitNotes: [LimitNote]
  /// Said where the CA offers no chain that ends as the inventory prefers.
  public var rootNote: String?
  /// Nodes proved below the wire, with the reason.
  public var weakProofs: [WeakProof]
  /// Pairs that are closed, and what waits for them to open.
  public var windows: [WindowWait]
  /// Set where this only tells how far it is: the run goes on by itself then.
  public var goesOn: Date?
  /// What such a run waits for: the CA's limit that binds, or whatever else does.
  public var waitsFor: String?
  /// Certificates and sections on the nodes that are never used.
  public var notices: [NodeNotice]
  /// Keys of certificates that are no longer wanted, removed in this run.
  public var removedKeys: [RemovedKeys]
  /// What reloading cost each node, the worst first.
  public var reloads: [NodeReloads]
  /// Every certificate.
  public var rows: [CertificateRow]
  /// Why the CA could not be asked in this run, if it could not.
  public var authorityFailure: Failure?
  /// The CA failed every order of this run for a while.
  public var failingAuthority: FailingAuthority?
  /// What was heard of the clocks, where they disagree.
  public var clock: ClockReview?
  /// How the run kept to its forecast.
  public var pace: PaceReview?
  /// The question to a person, where so much looks certain to fail by DNS that this machine is in doubt.
  public var doubt: HeldBack.Doubt?
  /// Pairs that an operator paused.
  public var holds: [HoldNote]
  /// What was wrong with the inventory or the lists.
  public var inputs: InputReview?
  /// What became of the mail about this run; nil in the mail itself, and where the inventory says nothing of mail.
  public var mail: MailNote?

  /// What happened to one customer's certificates.
  public struct CustomerLine: Sendable, Equatable, Codable {
    /// The customer; nil for names without one.
    public var id: CustomerID?
    /// The name as reports print it.
    public var name: String
    /// Certificates wanted.
    public var wanted = 0
    /// Certificates that visitors get, whatever becomes of their next version.
    public var served = 0
    /// Certificates whose VIP did not answer when it was looked at.
    public var unseen = 0
    /// Served since this run, for the first time or with other names.
    public var issued = 0
    /// Served anew since this run, with the same names as before.
    public var renewed = 0
    /// Served before this run and after it, unchanged.
    public var kept = 0
    /// Issued or waiting, not served yet.
    public var waiting = 0
    /// Failing.
    public var failed = 0
    /// Failing since this run.
    public var newlyFailed = 0
    /// The next end of life among what is served.
    public var nextExpiry: Date?
  }

  /// A node or a pair in trouble.
  public struct Trouble: Sendable, Equatable, Codable {
    /// The pair.
    public var pair: PairID
    /// The node, where it is one node's trouble.
    public var node: NodeID?
    /// What.
    public var failure: Failure
    /// Since when.
    public var since: Date?
    /// Certificates that wait because of it.
    public var waiting: Int
    /// Certificates that the pair serves.
    public var served: Int
    /// When the first of these runs out.
    public var nextExpiry: Date?

    /// How long the pair's visitors are safe, as one sentence without a full stop.
    func safety(at now: Date) -> String? {
      guard let nextExpiry else { return nil }
      let days = Int((nextExpiry.timeIntervalSince(now) / 86_400).rounded(.down))
      let left = days < 0 ? "has run out" : days == 0 ? "runs out today" : "runs out in \(Wording.count(days, "day"))"
      let first = served == 1 ? "its only certificate" : "the first of its \(Wording.grouped(served)) certificates"
      return "\(first) \(left), \(Wording.minute(nextExpiry)) UTC"
    }
  }

  /// An order that a crash swallowed.
  public struct LostOrder: Sendable, Equatable, Codable {
    /// The certificate it was for.
    public var spec: SpecID
    /// What is known.
    public var detail: String
  }

  /// Those of which not even the reload is known to have been taken up: somebody should look.
  public var unconfirmed: [WeakProof] { weakProofs.filter { $0.level == .unconfirmed } }

  /// How many certificates a node serves without proof on the wire.
  public struct WeakProof: Sendable, Equatable, Codable {
    /// The node.
    public var node: NodeID
    /// The level it reached.
    public var level: Proof
    /// Why not better.
    public var reason: String
    /// How many certificates.
    public var count: Int
  }

  /// Builds the report from the state before and after, and the records of the run.
  public init(
    sweep: SweepID, purpose: SweepPurpose, end: SweepEnd, startedAt: Date, endedAt: Date, before: FleetState,
    after: FleetState, records: [Record], inventory: Inventory, held: HeldBack = HeldBack(), untold: [Record] = []
  ) {
    doubt = held.doubt
    self.sweep = sweep
    self.purpose = purpose
    self.end = end
    self.startedAt = startedAt
    self.endedAt = endedAt
    let pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    rows = after.certificates.values.sorted { $0.spec.id < $1.spec.id }.map {
      certificate in
      let pair = pairs[certificate.spec.pair]
      var row = CertificateRow(certificate, in: after, pair: pair, sweep: sweep, since: startedAt, at: endedAt)
      row.hold(
        certificate, held, pair: pair, isPaused: after.isPaused(certificate.spec.pair, at: endedAt), at: endedAt,
        since: startedAt)
      return row
    }
    groups = FailureGroup.groupsBesideTroubles(of: rows)
    customers = Self.customerLines(rows, before: before, after: after, inventory: inventory)
    troubles = Self.troubles(rows, after: after, inventory: inventory)
    drift = DriftReport(after: after, records: records, inventory: inventory, sweep: sweep, since: startedAt)
    weakProofs = Self.weakProofs(rows)
    windows = WindowWait.all(in: after, of: inventory, at: endedAt)
    holds = HoldNote.all(in: after, of: inventory, at: endedAt)
    notices = NodeNotice.all(in: after, of: inventory)
    removedKeys = RemovedKeys.all(in: records)
    reloads = NodeReloads.all(in: records)
    failingAuthority = FailingAuthority(records, waiting: rows.count { $0.standing == .waiting })
    limitNotes = LimitNote.notes(records, overrides: inventory.authorities.first?.overrides ?? [])
    lostOrders = (untold + records).compactMap { record in
      guard case .attemptFailed(let of, let failure) = record.event, failure.kind == .orderLost else { return nil }
      return LostOrder(spec: of.spec, detail: failure.detail)
    }
  }

  /// Whether the run ends with exit status 1: failures that are new and loud, or any that need a person.
  public var needsAttention: Bool {
    !troubles.isEmpty || authorityFailure != nil || failingAuthority?.goesOn == true
      || clock?.error != nil || doubt != nil || inputs != nil
      || drift.hasNews
      || holds.contains(where: \.needsPerson)
      || (purpose == .renew && mail?.isUntold == true)
      || rows.contains { row in
        // A name without DNS is told once; from then on it is known.
        if row.heldSince != nil { return row.isNewFailure }
        guard row.standing == .failing, let kind = row.cause?.kind else { return false }
        // Reported when it came; from then on it is known.
        if row.quarantine != nil { return row.isNewFailure }
        return kind.loudness == .operatorNeeded || row.isNewFailure
      }
  }

  /// Sums over all customers.
  public var total: CustomerLine {
    customers.reduce(into: CustomerLine(id: nil, name: "total")) { sum, line in
      sum.wanted += line.wanted
      sum.served += line.served
      sum.unseen += line.unseen
      sum.issued += line.issued
      sum.renewed += line.renewed
      sum.kept += line.kept
      sum.waiting += line.waiting
      sum.failed += line.failed
      sum.newlyFailed += line.newlyFailed
      sum.nextExpiry = [sum.nextExpiry, line.nextExpiry].compactMap(\.self).min()
    }
  }

  private static func customerLines(
    _ rows: [CertificateRow], before: FleetState, after: FleetState, inventory: Inventory
  ) -> [CustomerLine] {
    var lines: [CustomerID?: CustomerLine] = [:]
    let names = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.name) })
    for row in rows {
      let name = row.customer.map { names[$0] ?? $0.rawValue } ?? "(no customer)"
      var line = lines[row.customer] ?? CustomerLine(id: row.customer, name: name)
      line.wanted += 1
      if row.service == .served { line.served += 1 }
      let old = before.certificates[row.spec]
      // What counts is what the VIP serves: a certificate that an earlier run got and this one brought there is this run's work.
      let isNewlyServed = after.certificates[row.spec]?.served != old?.served
      switch row.standing {
      case .served:
        if !isNewlyServed {
          line.kept += 1
        } else if old?.served != nil, old?.issuedRevision == after.certificates[row.spec]?.issuedRevision {
          line.renewed += 1
        } else {
          line.issued += 1
        }
      case .issued, .waiting: line.waiting += 1
      case .failing where row.service == .unseen: line.unseen += 1
      case .failing:
        line.failed += 1
        if row.isNewFailure { line.newlyFailed += 1 }
      }
      line.nextExpiry = [line.nextExpiry, row.servedNotAfter].compactMap(\.self).min()
      lines[row.customer] = line
    }
    return lines.values.sorted { ($0.name, $0.id?.rawValue ?? "") < ($1.name, $1.id?.rawValue ?? "") }
  }

  private static func troubles(_ rows: [CertificateRow], after: FleetState, inventory: Inventory) -> [Trouble] {
    var waiting: [PairID: Int] = [:]
    var ends: [PairID: [Date]] = [:]
    for row in rows {
      if row.standing == .waiting || row.standing == .issued { waiting[row.pair, default: 0] += 1 }
      if let end = row.servedNotAfter { ends[row.pair, default: []].append(end) }
    }
    return inventory.pairs.flatMap { pair in
      func trouble(_ failure: Failure, of node: NodeID?, since: Date?) -> Trouble {
        let served = ends[pair.id] ?? []
        return Trouble(
          pair: pair.id, node: node, failure: failure, since: since, waiting: waiting[pair.id] ?? 0,
          served: served.count, nextExpiry: served.min())
      }
      var found: [Trouble] = []
      if let known = after.pairs[pair.id], let failure = known.trouble {
        found.append(trouble(failure, of: nil, since: known.troubledAt))
      }
      for node in pair.nodes {
        guard let known = after.nodes[node.id], let failure = known.trouble else { continue }
        found.append(trouble(failure, of: node.id, since: known.troubledAt))
      }
      return found
    }
  }

  private static func weakProofs(_ rows: [CertificateRow]) -> [WeakProof] {
    var found: [String: WeakProof] = [:]
    for row in rows {
      for (node, note) in row.proofs where note.level < .wire && note.isCurrent {
        let proof = WeakProof(node: node, level: note.level, reason: note.reason, count: 0)
        found["\(node) \(note.level) \(note.reason)", default: proof].count += 1
      }
    }
    return found.values.sorted { ($0.node, $0.level, $0.reason) < ($1.node, $1.level, $1.reason) }
  }
}
