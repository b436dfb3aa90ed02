public import Fleet
import GRDB

extension JournalStore {
  /// Whether this journal left or accepted a mark, on whatever node: words are drawn once, and nodes may be renamed.
  public func knows(_ mark: NodeMark) throws(JournalError) -> Bool {
    try read { database in
      try Bool.fetchOne(
        database,
        sql: "SELECT EXISTS (SELECT 1 FROM mark WHERE word = CAST(? AS TEXT) AND controller = CAST(? AS TEXT))",
        arguments: [Cell.text(mark.word).databaseValue, Cell.text(mark.controller).databaseValue]) ?? false
    }
  }

  /// The newest marks that this journal has of a node, the newest first: a process beside this one may have left one a moment ago.
  public func newestMarks(on node: NodeID, limit: Int = 8) throws(JournalError) -> [AcceptedMark] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: "SELECT word, controller FROM mark WHERE node = CAST(? AS TEXT) ORDER BY sequence DESC LIMIT ?",
        arguments: [Cell.text(node.rawValue).databaseValue, limit])
      var found: [AcceptedMark] = []
      while let row = try rows.next() {
        var reader = RowReader(row, table: "mark")
        let word = try reader.text()
        found.append(AcceptedMark(node: node, controller: try reader.text(), word: word))
      }
      return found
    }
  }
}
