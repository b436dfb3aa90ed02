public import Fleet
public import Foundation

/// What `doctor` found: a row for each thing that it looked at.
public struct DoctorReport: Sendable, Encodable {
  /// One thing that was looked at.
  public struct Row: Sendable, Encodable {
    /// The pair; nil for the controller's own.
    public var pair: PairID?
    /// What it is about: `controller`, a node, a VIP or a name.
    public var subject: String
    /// What was looked at.
    public var check: String
    /// How it stands.
    public var verdict: Verdict
    /// What was seen. Hostile text.
    public var evidence: String
    /// What to do; nil where all is well.
    public var remedy: String?

    init(
      _ verdict: Verdict, _ check: String, of subject: String, pair: PairID? = nil, _ evidence: String,
      remedy: String? = nil
    ) {
      self.pair = pair
      self.subject = subject
      self.check = check
      self.verdict = verdict
      self.evidence = evidence
      self.remedy = remedy
    }

    /// A failure, with its own advice.
    init(_ failure: Failure, _ check: String, of subject: String, pair: PairID?) {
      self.init(.bad, check, of: subject, pair: pair, failure.detail, remedy: failure.kind.advice)
    }

    init(_ finding: Finding) {
      let verdict: Verdict =
        switch finding.verdict {
        case .passes: .good
        case .unknown: .unknown
        case .fails, .certain, .vetoes: .bad
        }
      self.init(
        verdict, Self.title(finding.check), of: finding.name, pair: finding.vip.pair, finding.evidence,
        remedy: finding.verdict.kind?.advice)
    }

    /// What the last sweep saw that differs from what was proved there.
    init(_ drift: DriftReport.Group) {
      let names = drift.lines.prefix(3).map(\.name).joined(separator: ", ") + (drift.lines.count > 3 ? ", …" : "")
      self.init(
        drift.reluctance == nil ? .note : .bad, "seen by the last look", of: drift.pair.rawValue, pair: drift.pair,
        "\(drift.kind.title) at \(drift.places.joined(separator: ", ")): \(names)", remedy: drift.advice)
    }

    private static func title(_ check: Finding.Check) -> String {
      switch check {
      case .addresses: "DNS"
      case .caa: "CAA"
      case .vip: "challenge at the VIP"
      case .route: "challenge from outside"
      case .files: "files on the nodes"
      }
    }
  }

  /// How a thing stands.
  public enum Verdict: String, Sendable, Encodable {
    /// Nothing stands in the way.
    case good = "ok"
    /// It works, and should be mended.
    case note
    /// It could not be seen from here.
    case unknown
    /// It stands in the way.
    case bad
  }

  /// When.
  public var at: Date
  /// What was looked at, controller first, then pair by pair.
  public var rows: [Row]
  /// How many names were looked at.
  public var names: Int

  /// Whether something must be mended.
  public var needsAttention: Bool { rows.contains { $0.verdict == .bad } }

  /// For people: machines always, names only where something is the matter, unless all is wanted.
  public func text(isVerbose: Bool) -> String {
    let nameRows = Set(rows.filter { row in row.pair != nil && isAboutName(row) }.map(\.subject))
    let shown = rows.filter { isVerbose || !isAboutName($0) || $0.verdict == .bad || $0.verdict == .note }
    var table = TextTable("pair", "of", "check", "", "what was seen")
    for row in shown {
      table.add(
        row.pair?.rawValue ?? "", row.subject, row.check, row.verdict.rawValue, Printable.short(row.evidence, 120))
    }
    var lines = table.lines
    let bad = Set(rows.filter { isAboutName($0) && $0.verdict == .bad }.map(\.subject))
    if names > 0 {
      lines += ["", "\(Wording.count(nameRows.count, "name")) looked at, \(Wording.grouped(bad.count)) will fail"]
    }
    lines += remedies
    if !needsAttention { lines += ["", "Nothing stands in the way."] }
    return lines.joined(separator: "\n")
  }

  /// Equal remedies are one line, however many need them.
  private var remedies: [String] {
    var order: [String] = []
    var subjects: [String: [String]] = [:]
    for row in rows where row.verdict == .bad || row.verdict == .note {
      guard let remedy = row.remedy else { continue }
      if subjects[remedy] == nil { order.append(remedy) }
      if subjects[remedy]?.contains(row.subject) != true { subjects[remedy, default: []].append(row.subject) }
    }
    guard !order.isEmpty else { return [] }
    return ["", "What to do:"]
      + order.flatMap { remedy in
        let all = subjects[remedy] ?? []
        let more = all.count > 5 ? " and \(Wording.grouped(all.count - 5)) more" : ""
        return [
          "  " + Printable.terminal(remedy),
          "      " + all.prefix(5).map(Printable.terminal).joined(separator: ", ") + more,
        ]
      }
  }

  /// The rows about names, which may be thousands, are those of the five checks and of what is served.
  private func isAboutName(_ row: Row) -> Bool { row.check == Self.served || Self.nameChecks.contains(row.check) }

  static let served = "served certificate"
  private static let nameChecks: Set<String> = [
    "DNS", "CAA", "challenge at the VIP", "challenge from outside", "files on the nodes",
  ]
}
