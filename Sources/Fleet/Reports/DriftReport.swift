public import Foundation

/// What does not have the certificates that were proved there, by pair and class: what a person has to see first.
public struct DriftReport: Sendable, Equatable, Codable {
  /// What stands, what needs a person first, then by pair.
  public var groups: [Group]
  /// What this run put right, by redeploying what was there already.
  public var healed: [Healed]

  /// Equal drift on one pair.
  public struct Group: Sendable, Equatable, Codable {
    /// The pair.
    public var pair: PairID
    /// The class.
    public var kind: Drift.Kind
    /// Why it is left to a person; nil where it is put right by the next rollout.
    public var reluctance: DriftPolicy.Reluctance?
    /// One for each certificate that differs.
    public var lines: [Line]
    /// How many of them are new, or have become another class, since this run.
    public var newCount: Int

    /// Where it differs: nodes, then the VIP.
    public var places: [String] {
      Set(lines.flatMap { $0.places }).sorted { ($0 == "VIP" ? 1 : 0, $0) < ($1 == "VIP" ? 1 : 0, $1) }
    }

    /// What to do.
    public var advice: String { DriftReport.advice(reluctance, pair: pair) }

    /// `pair1: replaced by another certificate: 3 certificates, 1 new (pair1-a, VIP)`.
    public var title: String {
      let new = newCount > 0 ? ", \(newCount) new" : ""
      return
        "\(pair): \(kind.title): \(Wording.count(lines.count, "certificate"))\(new) (\(places.joined(separator: ", ")))"
    }
  }

  /// One certificate.
  public struct Line: Sendable, Equatable, Codable {
    /// Which.
    public var spec: SpecID
    /// Its first name.
    public var name: String
    /// Where it differs.
    public var places: [String]
    /// What was seen at the first of them: hostile text.
    public var detail: String
    /// Since when.
    public var since: Date
    /// Whether this run saw it first, or saw it become another class.
    public var isNew: Bool

    /// For people.
    public var text: String { "\(name), since \(Wording.minute(since)) UTC: \(detail)" }
  }

  /// What was put right on one pair.
  public struct Healed: Sendable, Equatable, Codable {
    /// The pair.
    public var pair: PairID
    /// How many certificates.
    public var count: Int
    /// The classes of what had been wrong, as titles.
    public var titles: [String]

    /// For people.
    public var text: String {
      "\(pair): \(Wording.count(count, "certificate")) put back without an order (\(titles.joined(separator: "; ")))"
    }
  }

  /// Whether anything is new or worse: the run ends with exit status 1 for that, once.
  public var hasNews: Bool { groups.contains { $0.newCount > 0 } }

  /// Certificates that differ somewhere.
  public var count: Int { groups.reduce(0) { $0 + $1.lines.count } }

  /// Reads it from the state after a run and the run's records.
  public init(
    after state: FleetState, records: [Record], inventory: Inventory, sweep: SweepID?, since: Date = .distantFuture
  ) {
    struct Key: Hashable {
      var pair: PairID
      var kind: Drift.Kind
      var reluctance: DriftPolicy.Reluctance?
    }
    let policies = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0.drift) })
    var found: [Key: [Line]] = [:]
    for certificate in state.certificates.values {
      let standing = certificate.standingDrift
      guard let first = standing.first else { continue }
      var key = Key(pair: certificate.spec.pair, kind: first.drift.kind)
      if case .report(let kind, let why) = (policies[certificate.spec.pair] ?? .report).verdict(certificate) {
        key.kind = kind
        key.reluctance = why
      }
      found[key, default: []].append(
        Line(
          spec: certificate.spec.id, name: certificate.spec.names.description,
          places: standing.map(\.place.description), detail: first.drift.detail,
          since: standing.map(\.state.since).min() ?? first.state.since,
          isNew: standing.contains { (sweep != nil && $0.state.sweep == sweep) || $0.state.since >= since }))
    }
    groups = found.map { key, lines in
      Group(
        pair: key.pair, kind: key.kind, reluctance: key.reluctance, lines: lines.sorted { $0.spec < $1.spec },
        newCount: lines.count(where: \.isNew))
    }.sorted { left, right in
      (left.reluctance == nil ? 1 : 0, left.pair, left.kind.rawValue)
        < (right.reluctance == nil ? 1 : 0, right.pair, right.kind.rawValue)
    }
    healed = Self.healed(records, state)
  }

  private static func healed(_ records: [Record], _ state: FleetState) -> [Healed] {
    var kinds: [SpecID: [DriftPlace: Drift.Kind]] = [:]
    var titles: [PairID: [SpecID: String]] = [:]
    for record in records {
      switch record.event {
      case .driftSeen(let spec, let place, let drift): kinds[spec, default: [:]][place] = drift.kind
      case .driftGone(let spec, let place, isHealed: true):
        guard let pair = state.certificates[spec]?.spec.pair else { continue }
        let title = kinds[spec]?[place]?.title ?? "seen before"
        if place != .vip || titles[pair]?[spec] == nil { titles[pair, default: [:]][spec] = title }
      default: break
      }
    }
    return titles.sorted { $0.key < $1.key }.map { pair, titles in
      Healed(pair: pair, count: titles.count, titles: Set(titles.values).sorted())
    }
  }

  /// What to do about what is left to a person.
  static func advice(_ reluctance: DriftPolicy.Reluctance?, pair: PairID) -> String {
    switch reluctance {
    case nil: "Nothing to do: what we have is put back with the next rollout, without an order."
    case .stranger:
      "Somebody put another certificate there. To put ours back: certfleet retry NAME, or `drift: heal` at this pair. To leave it: certfleet remove NAME."
    case .livesLonger:
      "What lies there lives longer than ours, so it is left. To put ours back all the same: certfleet retry NAME. To leave it: certfleet remove NAME."
    case .repeated:
      "It was put right less than seven days ago and came back. Find what writes there (another controller, a backup, a configuration tool), then: certfleet retry NAME."
    case .wouldNotHelp:
      "Ours lies there, but another file, list or listener answers for these names. Remove that on the node and reload; certfleet status --pair \(pair) shows what each place holds."
    case .otherController:
      "Another controller works on this pair. End it there, or take the pair over: certfleet takeover \(pair)."
    }
  }
}

extension DriftReport {
  /// Certificates shown under each heading before the rest is only counted.
  private static let shown = 5

  /// For a terminal and the plain part of a mail; empty where all is as it should be.
  public var lines: [String] {
    var lines: [String] = []
    for group in groups {
      lines += ["", "Not what was proved there: \(Printable.terminal(group.title))", "  -> \(group.advice)"]
      lines += group.lines.prefix(Self.shown).map { "    \(Printable.terminal($0.text))" }
      if group.lines.count > Self.shown {
        lines.append("    and \(Wording.grouped(group.lines.count - Self.shown)) more; all are in the JSON")
      }
    }
    if !healed.isEmpty { lines += ["", "Put right:"] + healed.map { "    \(Printable.terminal($0.text))" } }
    return lines
  }

  /// For the page of the mail.
  var cards: [String] {
    var cards = groups.map { group in
      HTMLPage.card(
        for: group.reluctance == nil ? .quiet : .operatorNeeded,
        [HTMLPage.heading("Not what was proved there: \(group.title)"), HTMLPage.paragraph(group.advice)]
          + group.lines.prefix(Self.shown).map { HTMLPage.paragraph($0.text, muted: true) }
          + (group.lines.count > Self.shown
            ? [HTMLPage.paragraph("and \(Wording.grouped(group.lines.count - Self.shown)) more", muted: true)] : []))
    }
    if !healed.isEmpty {
      cards.append(HTMLPage.card([HTMLPage.heading("Put right")] + healed.map { HTMLPage.paragraph($0.text) }))
    }
    return cards
  }
}
