import Fleet
import Foundation
import Journal

/// What `audit verify` found.
public struct AuditResult: Sendable, Codable {
  /// Whether the chain is whole and the tables are what the journal says.
  public var isSound: Bool
  /// What was found, for people.
  public var text: String
}

extension Workplace {
  /// Checks the journal's hash chain, and folds all events anew to compare with the tables.
  public func verifyJournal() throws(CommandFault) -> AuditResult {
    let chain = try journaled(try journal.verifyChain())
    let differences = try journaled(try journal.refold())
    var lines: [String] = []
    switch chain {
    case .intact(let head): lines.append("The chain of \(head.sequence) rows is whole.")
    case .broken(let sequence, let reason): lines.append("The chain breaks at row \(sequence): \(reason)")
    }
    lines.append(
      differences.isEmpty
        ? "The tables are what the journal says." : "\(differences.count) rows of the tables differ from the journal:"
    )
    lines += differences.prefix(20).map { "  " + Printable.terminal("\($0.table) \($0.key) \($0.column ?? "")") }
    var isSound = differences.isEmpty
    if case .broken = chain { isSound = false }
    return AuditResult(isSound: isSound, text: lines.joined(separator: "\n"))
  }

  /// Copies the journal consistently, also beside a run.
  public func backup(to file: String) throws(CommandFault) {
    guard !PrivateFile.exists(file) else { throw .badInput("\(file) exists; name a file that does not") }
    try journaled(try journal.backup(to: file))
  }
}
