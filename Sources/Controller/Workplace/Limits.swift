public import Fleet
public import Foundation
import Journal
import Names

/// What is left of every limit, for `limits`.
public struct LimitsView: Sendable, Encodable {
  /// When it was read.
  public var at: Date
  /// The buckets, tightest first.
  public var buckets: [Row]
  /// Names that a CA paused for our account: only a person who opens the link ends it.
  public var paused: [Pause]

  /// One bucket.
  public struct Row: Sendable, Encodable {
    /// The CA that counts.
    public var authority: AuthorityID
    /// The limit's own name.
    public var limit: Limit
    /// What is counted: a registered domain, an exact set, a name; `account`, `here`.
    public var subject: String
    /// Tokens in a full bucket.
    public var capacity: Int64
    /// Seconds from one token to the next.
    public var refillSeconds: Double
    /// Tokens that are there and not promised.
    public var left: Int64
    /// Tokens promised to attempts under way.
    public var reserved: Int64
    /// Tokens that everyday work leaves for emergencies.
    public var emergencyReserve: Int64
    /// When the next token comes; absent when full.
    public var nextToken: Date?
    /// From when on everyday work may take one; absent: not before an attempt under way ends.
    public var opensAt: Date?
    /// When it is full again, if nobody takes any.
    public var fullAt: Date
    /// Until when the CA itself refused, in its newest answer about this bucket.
    public var refusedUntil: Date?
  }

  /// A name that the CA paused.
  public struct Pause: Sendable, Encodable {
    /// The certificate.
    public var spec: SpecID
    /// The CA's words, with the link.
    public var detail: String
    /// Where the pause is ended.
    public var link: String?
    /// Since when.
    public var since: Date?
  }

  /// Rows of the table before the rest is only counted.
  static let shown = 20

  /// For people.
  public func text(isVerbose: Bool) -> String {
    var table = TextTable("limit", "counted for", ">left", ">of", ">held", ">reserve", "next token", "open", "refused")
    for row in buckets.prefix(isVerbose ? buckets.count : Self.shown) {
      table.add(
        row.limit.title, row.subject == "account" ? "account at \(row.authority)" : row.subject,
        Wording.grouped(Int(row.left)), Wording.grouped(Int(row.capacity)), Wording.grouped(Int(row.reserved)),
        Wording.grouped(Int(row.emergencyReserve)), row.nextToken.map(moment) ?? "full",
        row.opensAt.map { $0 <= at ? "now" : moment($0) } ?? "when an order ends",
        row.refusedUntil.map { "until " + moment($0) } ?? "-")
    }
    var lines = table.isEmpty ? ["No limit of the CA's is touched."] : table.lines
    let rest = isVerbose ? 0 : buckets.count - Self.shown
    if rest > 0 { lines.append("  and \(Wording.count(rest, "bucket")) with more room; -v shows all") }
    if !paused.isEmpty {
      lines += ["", "Paused by the CA until somebody opens the link:"]
      for pause in paused {
        lines.append("  \(pause.spec): " + Printable.terminal(pause.link ?? pause.detail))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// Seconds where it is soon, else minutes.
  private func moment(_ date: Date) -> String {
    let wait = date.timeIntervalSince(at)
    return wait < 600 ? "in \(Wording.span(max(1, wait.rounded(.up))))" : "\(Wording.minute(date)) UTC"
  }
}

extension Workplace {
  /// Every bucket of the ledger that is not full, and what the CA refused.
  public func limitsView() throws(CommandFault) -> LimitsView {
    let snapshot = try journaled(try journal.snapshot())
    let now = clock.now
    let refusals = refusals(snapshot.state, at: now)
    var ledger = Ledger(tables: limits, rows: snapshot.buckets)
    ledger.learnRefusals(of: snapshot.state, at: now)
    let rows = ledger.standings(at: now).map { standing in
      LimitsView.Row(
        authority: standing.key.authority, limit: standing.key.limit, subject: standing.key.subject,
        capacity: standing.quota.burst, refillSeconds: standing.quota.refillSeconds, left: standing.left,
        reserved: standing.reserved, emergencyReserve: standing.kept, nextToken: standing.nextToken,
        opensAt: standing.opensAt, fullAt: standing.fullAt, refusedUntil: refusals[standing.key])
    }
    let paused = snapshot.state.certificates.values.filter { $0.lastFailure?.kind == .paused }.map { certificate in
      let detail = certificate.lastFailure?.detail ?? ""
      return LimitsView.Pause(
        spec: certificate.spec.id, detail: detail, link: RateLimitSignal.unpauseLink(in: detail),
        since: certificate.failingSince)
    }
    return LimitsView(at: now, buckets: rows, paused: paused.sorted { $0.spec < $1.spec })
  }

  /// What the CA's newest refusals said of buckets, as far as it still holds.
  private func refusals(_ state: FleetState, at now: Date) -> [BucketKey: Date] {
    var until: [BucketKey: Date] = [:]
    for certificate in state.certificates.values {
      guard let failure = certificate.lastFailure, failure.kind == .rateLimited, let at = certificate.lastFailureAt,
        let authority = certificate.attemptAuthority,
        let signal = RateLimitSignal.read(
          status: 429, type: nil, detail: failure.detail, retryAfter: failure.retryAfter, at: at),
        case .limited(_, _, let end) = signal, end > now
      else { continue }
      let order = PlannedOrder(
        authority: authority, names: certificate.spec.names, registeredDomains: certificate.spec.registeredDomains)
      for key in Ledger.buckets(of: signal, order) { until[key] = max(until[key] ?? end, end) }
    }
    return until
  }

  /// Takes over what a CSV of certificates from a CT log says of domains and exact sets.
  ///
  /// - Parameter issuer: a part of the issuer's name; nil for Let's Encrypt's where the authority is that, else for all.
  public func seedLimits(from path: String, issuer: String?) async throws(CommandFault) -> LimitsSeed {
    let bytes: [UInt8]
    do throws(TextFile.Fault) {
      bytes = try TextFile.read(path, limit: 256 << 20)
    } catch {
      throw .badInput("\(path): \(error.reason)")
    }
    let rules: DomainNameRules
    do throws(NameFault) {
      rules = try SuffixKeeper(inventory: inventory).choose().rules
    } catch {
      throw .badInput(error.text)
    }
    let authority = inventory.authorities[0]
    let isLetsEncrypt = authority.limits == .letsEncrypt || authority.limits == .letsEncryptStaging
    let reading = CertificateLogReader.read(
      bytes, name: path, issuer: issuer ?? (isLetsEncrypt ? "Let's Encrypt" : nil), names: NameRules(rules))
    guard reading.diagnostics.isEmpty else { throw .badInput(DiagnosticPrinter().text(reading.diagnostics)) }
    return try await journaled { () async throws(JournalError) in
      // A run owns the ledger and would write its own buckets over these.
      guard let lock = try SweepLock.tryAcquire(directory: inventory.state, purpose: .run, at: clock.now) else {
        throw JournalError.inUse("a run is going on; seed the limits before it or after it")
      }
      var ledger = Ledger(tables: limits, rows: try journal.buckets())
      let moved = ledger.seed(reading.certificates, authority.id, at: clock.now)
      if !moved.isEmpty { _ = try await journal.append([], sweep: nil, at: clock.now, buckets: moved) }
      lock.release()
      return LimitsSeed(certificates: reading.certificates.count, foreign: reading.foreign, moved: moved.count)
    }
  }
}

/// What `limits --seed` did.
public struct LimitsSeed: Sendable, Encodable {
  /// Certificates that were read.
  public var certificates: Int
  /// Rows of other CAs, left out.
  public var foreign: Int
  /// Buckets that are emptier now than they were known to be.
  public var moved: Int

  /// One line.
  public var text: String {
    "\(Wording.count(certificates, "certificate")) read"
      + (foreign > 0 ? ", \(Wording.grouped(foreign)) of other CAs left out" : "")
      + ": \(moved == 0 ? "nothing new" : "\(Wording.count(moved, "bucket")) moved")"
  }
}
