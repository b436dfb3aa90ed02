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
    var lines: [String] = []
    var isSound = true
    do throws(JournalError) {
      switch try journal.verifyChain() {
      case .intact(let head): lines.append("The chain of \(head.sequence) rows is whole.")
      case .broken(let sequence, let reason):
        lines.append("The chain breaks at row \(sequence): \(reason)")
        isSound = false
      }
    } catch {
      lines.append("The chain cannot be read to its end: \(try damage(error))")
      isSound = false
    }
    do throws(JournalError) {
      let differences = try journal.refold()
      lines.append(
        differences.isEmpty
          ? "The tables are what the journal says." : "\(differences.count) rows of the tables differ from the journal:"
      )
      lines += differences.prefix(20).map { "  " + Printable.terminal("\($0.table) \($0.key) \($0.column ?? "")") }
      if !differences.isEmpty { isSound = false }
    } catch {
      lines.append("The tables cannot be compared with the journal: \(try damage(error))")
      isSound = false
    }
    if !isSound { lines.append("Docs/Recovery.md says what to do; a backup of the journal is the usual way back.") }
    return AuditResult(isSound: isSound, text: lines.joined(separator: "\n"))
  }

  /// What an audit is there to find; anything else, such as a locked file, says nothing about the journal.
  private func damage(_ error: JournalError) throws(CommandFault) -> String {
    switch error {
    case .corrupt, .unreadable, .illegalTransition, .refused: return Printable.terminal(error.description)
    case .notADirectory, .missing, .readOnly, .newerSchema, .olderSchema, .diskFull, .busy, .untrusted, .system, .inUse:
      throw .couldNotRun(error.description)
    }
  }

  /// Copies the journal consistently, also beside a run.
  public func backup(to file: String) throws(CommandFault) {
    guard !PrivateFile.exists(file) else { throw .badInput("\(file) exists; name a file that does not") }
    try journaled(try journal.backup(to: file))
  }
}
