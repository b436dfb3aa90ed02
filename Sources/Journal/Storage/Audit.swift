import Fleet
import GRDB

/// One way in which the tables differ from what the journal gives.
public struct Difference: Sendable, Equatable {
  /// The table.
  public var table: String
  /// The row's key; hostile text, as all that comes from rows.
  public var key: String
  /// The column; nil where the whole row is missing or too much.
  public var column: String?
  /// What the table holds; nil where it has no such row.
  public var kept: String?
  /// What the events give; nil where they give no such row.
  public var refolded: String?
}

extension JournalStore {
  /// Reads the whole chain and says where it first breaks. `anchor` is a head that was written down earlier, in a report for instance: without
  /// one, rows cut off at the end cannot be noticed.
  public func verifyChain(anchor: ChainHead? = nil) throws(JournalError) -> ChainVerdict {
    try read { database in
      var head = ChainHead.empty
      var broken: ChainVerdict?
      try EventTable.each(database) { row in
        guard broken == nil else { return }
        let next = head.sequence + 1
        if row.link.sequence != next {
          broken = .broken(sequence: next, reason: "the row is missing")
        } else if hash(row.link.bytes(after: head.hash)) != row.hash {
          broken = .broken(sequence: next, reason: "the row or its hash was changed")
        } else if row.link.sequence == anchor?.sequence, row.hash != anchor?.hash {
          broken = .broken(sequence: next, reason: "the journal up to here was written anew since its hash was noted")
        }
        head = ChainHead(sequence: next, hash: row.hash)
      }
      if let broken { return broken }
      if let anchor, anchor.sequence > head.sequence {
        return .broken(sequence: head.sequence + 1, reason: "rows were cut off: \(anchor.sequence) were there")
      }
      return .intact(head)
    }
  }

  /// Makes every table anew from the events and compares it row by row with the one that is kept: empty when all is well.
  public func refold() throws(JournalError) -> [Difference] {
    let memory: DatabaseQueue
    do {
      memory = try DatabaseQueue()
      try Schema.migrator.migrate(memory)
    } catch {
      throw JournalError(error, path: path)
    }
    // One read transaction: a runner may append meanwhile.
    return try read { kept in
      try memory.write { fresh in
        try Refolding(kept: kept, fresh: fresh).run()
      }
    }
  }
}

private struct Refolding {
  let kept: Database
  let fresh: Database

  func run() throws -> [Difference] {
    // The rows of runs and mentions refer to event rows, which are not copied.
    try fresh.execute(sql: "PRAGMA defer_foreign_keys = ON")
    var state = FleetState()
    let runs = RunWriter(database: fresh)
    try EventTable.each(kept) { row in
      let record = try row.record()
      do throws(IllegalTransition) {
        try state.apply(record)
      } catch {
        throw JournalError.illegalTransition("event \(record.sequence): \(error.description)")
      }
      try runs.write(record)
    }
    // Folded in one go, not row by row as `append` does it: what `append` left out or wrote twice shows.
    try StateWriter(database: fresh).write(from: FleetState(), to: state)
    let differences = try StateTables.folded.flatMap { try compare($0) }
    for table in ["mention", "leaf", "mark", "rollout", "sweep"] { try fresh.execute(sql: "DELETE FROM \(table)") }
    return differences
  }

  /// Both sides sorted by key, walked side by side.
  private func compare(_ table: Table) throws -> [Difference] {
    var differences: [Difference] = []
    let keptRows = try table.rows(kept)
    let freshRows = try table.rows(fresh)
    var left = try keptRows.next().map(table.cells)
    var right = try freshRows.next().map(table.cells)
    while left != nil || right != nil {
      let leftKey = left.map { Array($0.prefix(table.keyCount)) }
      let rightKey = right.map { Array($0.prefix(table.keyCount)) }
      if let left, let right, leftKey == rightKey {
        for (index, column) in table.columns.enumerated() where left[index] != right[index] {
          differences.append(
            Difference(
              table: table.name, key: name(leftKey), column: column.name, kept: left[index].text,
              refolded: right[index].text))
        }
      } else if let leftKey, rightKey.map({ Cell.precedes(leftKey, $0) }) ?? true {
        differences.append(
          Difference(table: table.name, key: name(leftKey), column: nil, kept: "the row", refolded: nil))
        left = try keptRows.next().map(table.cells)
        continue
      } else {
        differences.append(
          Difference(table: table.name, key: name(rightKey), column: nil, kept: nil, refolded: "the row"))
        right = try freshRows.next().map(table.cells)
        continue
      }
      left = try keptRows.next().map(table.cells)
      right = try freshRows.next().map(table.cells)
    }
    return differences
  }

  private func name(_ key: [Cell]?) -> String { (key ?? []).map(\.text).joined(separator: " ") }
}
