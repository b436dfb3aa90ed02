import Foundation

/// Equal failures as one line: 400 names that moved away are not 400 lines.
public struct FailureGroup: Sendable, Equatable, Codable {
  /// What they have in common.
  public var kind: Failure.Kind
  /// How many are new in this run.
  public var newCount: Int
  /// The certificates, longest failing first.
  public var rows: [CertificateRow]

  /// A short title.
  public var title: String { kind.title }
  /// What to do.
  public var advice: String { kind.advice }

  /// The groups of a report that lists the troubles of nodes and pairs, and the quarantine, by themselves: what merely waits for one of these is
  /// counted there.
  public static func groupsBesideTroubles(of rows: [CertificateRow]) -> [FailureGroup] {
    groups(of: rows.filter { $0.failingSince != nil && $0.quarantine == nil })
  }

  /// Groups rows by cause: what needs an operator first, then what the customer must do, then the rest; larger groups first.
  public static func groups(of rows: [CertificateRow]) -> [FailureGroup] {
    var byKind: [Failure.Kind: [CertificateRow]] = [:]
    for row in rows {
      if let kind = row.cause?.kind { byKind[kind, default: []].append(row) }
    }
    let groups = byKind.map { kind, rows in
      FailureGroup(
        kind: kind, newCount: rows.count(where: \.isNewFailure),
        rows: rows.sorted {
          ($0.failingSince ?? .distantFuture, $0.spec) < ($1.failingSince ?? .distantFuture, $1.spec)
        })
    }
    return groups.sorted { left, right in
      if left.kind.loudness != right.kind.loudness { return left.kind.loudness > right.kind.loudness }
      if left.rows.count != right.rows.count { return left.rows.count > right.rows.count }
      return left.kind.rawValue < right.kind.rawValue
    }
  }
}
