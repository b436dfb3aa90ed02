public import Fleet
public import Foundation
import GRDB

/// What the preflight found last about each name: no event, because nothing follows from it but an order of work, and a look at ten thousand
/// names every night would bury what happened.
enum FindingTable {
  static let table = Table("finding", key: 4, "name pair vip finding_check verdict kind evidence at# since#")

  static let sql = """
    CREATE TABLE finding (
      name TEXT NOT NULL,
      pair TEXT NOT NULL,
      vip TEXT NOT NULL,
      finding_check TEXT NOT NULL CHECK (finding_check IN ('addresses', 'caa', 'vip', 'route')),
      verdict TEXT NOT NULL CHECK (verdict IN ('passes', 'unknown', 'fails', 'vetoes')),
      kind TEXT,
      evidence TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (name, pair, vip, finding_check),
      CHECK ((kind IS NULL) = (verdict IN ('passes', 'unknown')))
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX finding_by_age ON finding (at);
    """

  /// SQLite cannot change a CHECK: the table is made anew.
  static let certainSQL = """
    CREATE TABLE finding_anew (
      name TEXT NOT NULL,
      pair TEXT NOT NULL,
      vip TEXT NOT NULL,
      finding_check TEXT NOT NULL CHECK (finding_check IN ('addresses', 'caa', 'vip', 'route', 'files')),
      verdict TEXT NOT NULL CHECK (verdict IN ('passes', 'unknown', 'fails', 'certain', 'vetoes')),
      kind TEXT,
      evidence TEXT NOT NULL,
      at INTEGER NOT NULL,
      since INTEGER NOT NULL,
      PRIMARY KEY (name, pair, vip, finding_check),
      CHECK ((kind IS NULL) = (verdict IN ('passes', 'unknown')))
    ) STRICT, WITHOUT ROWID;
    INSERT INTO finding_anew (name, pair, vip, finding_check, verdict, kind, evidence, at, since)
      SELECT name, pair, vip, finding_check, verdict, kind, evidence, at, at FROM finding;
    DROP TABLE finding;
    ALTER TABLE finding_anew RENAME TO finding;
    CREATE INDEX finding_by_age ON finding (at);
    """

  /// Puts a finding in place of the last one about the same; `since` stays while the same is seen.
  static func keep(_ finding: Finding, _ database: Database) throws {
    let statement = try database.cachedStatement(
      sql: """
        INSERT INTO finding (name, pair, vip, finding_check, verdict, kind, evidence, at, since)
        VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT), ?, ?)
        ON CONFLICT DO UPDATE SET
          since = CASE WHEN verdict = excluded.verdict AND kind IS excluded.kind
            THEN since ELSE excluded.since END,
          verdict = excluded.verdict, kind = excluded.kind, evidence = excluded.evidence, at = excluded.at
        """)
    try statement.execute(arguments: StatementArguments(row(finding).map(\.databaseValue)))
  }

  static func row(_ finding: Finding) -> [Cell] {
    [
      .text(finding.name), .text(finding.vip.pair.rawValue), .text(finding.vip.vip.rawValue),
      .text(finding.check.rawValue), .text(word(finding.verdict)), Cell(finding.verdict.kind?.rawValue),
      .text(finding.evidence), Cell(finding.at), Cell(finding.since),
    ]
  }

  static func load(_ database: Database) throws -> [Finding] {
    var findings: [Finding] = []
    let rows = try table.rows(database)
    while let row = try rows.next() {
      var reader = RowReader(row, table: table.name)
      let name = try reader.text()
      let vip = VIPReference(pair: try reader.id(), vip: try reader.id())
      let check = try reader.choice(Finding.Check.self)
      let word = try reader.text()
      let kind = try reader.optionalChoice(Failure.Kind.self)
      let verdict: Finding.Verdict
      switch (word, kind) {
      case ("passes", nil): verdict = .passes
      case ("unknown", nil): verdict = .unknown
      case ("fails", let kind?): verdict = .fails(kind)
      case ("certain", let kind?): verdict = .certain(kind)
      case ("vetoes", let kind?): verdict = .vetoes(kind)
      default: throw reader.unreadable("\(word) is no verdict")
      }
      findings.append(
        Finding(
          vip: vip, name: name, check: check, verdict: verdict, evidence: try reader.text(), at: try reader.date(),
          since: try reader.date()))
    }
    return findings
  }

  private static func word(_ verdict: Finding.Verdict) -> String {
    switch verdict {
    case .passes: "passes"
    case .unknown: "unknown"
    case .fails: "fails"
    case .certain: "certain"
    case .vetoes: "vetoes"
    }
  }
}

extension JournalStore {
  /// Findings that nobody renewed for 90 days are of names that are no longer wanted.
  private static let keptSeconds: Int64 = 90 * 86_400

  /// Keeps what was found, in place of what was found before about the same.
  public func keep(_ findings: [Finding], at now: Date) async throws(JournalError) {
    guard !findings.isEmpty else { return }
    try await write { database in
      for finding in findings { try FindingTable.keep(finding, database) }
      try database.execute(
        sql: "DELETE FROM finding WHERE at < ?", arguments: [JournalTime.seconds(now) - Self.keptSeconds])
    }
  }

  /// Forgets what was found about these names, as a person said that it is mended.
  public func forgetFindings(of names: [String]) async throws(JournalError) {
    guard !names.isEmpty else { return }
    try await write { database in
      for name in names {
        try database.cachedStatement(sql: "DELETE FROM finding WHERE name = CAST(? AS TEXT)")
          .execute(arguments: [Cell.text(name).databaseValue])
      }
    }
  }

  /// The latest finding about each name and check.
  public func findings() throws(JournalError) -> Findings { try read { Findings(try FindingTable.load($0)) } }
}
