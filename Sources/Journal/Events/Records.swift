public import Fleet
import GRDB

/// The present state with the row of the journal up to which it holds.
public struct JournalSnapshot: Sendable {
  /// What is.
  public var state: FleetState
  /// The ledger's buckets, by key.
  public var buckets: [BucketRow]
  /// The newest row that is folded in; go on with `recordsAfter(sequence)`.
  public var sequence: Int64
}

extension JournalStore {
  /// The present state of the whole fleet.
  public func fleetState() throws(JournalError) -> FleetState { try read { try StateLoader(database: $0).load() } }

  /// State, buckets and position, all of the same moment.
  public func snapshot() throws(JournalError) -> JournalSnapshot {
    try read { database in
      JournalSnapshot(
        state: try StateLoader(database: database).load(), buckets: try BucketTable(database: database).load(),
        sequence: try JournalQueries(database: database).head().sequence)
    }
  }

  /// What was recorded after this row, by any process, in order.
  public func recordsAfter(_ sequence: Int64) throws(JournalError) -> [Fleet.Record] {
    try read { try EventTable.records($0, where: "sequence > ?", [.number(sequence)]) }
  }

  /// What one run recorded, in order.
  public func records(of sweep: SweepID) throws(JournalError) -> [Fleet.Record] {
    try read { try EventTable.records($0, where: "sweep = CAST(? AS TEXT)", [.text(sweep.rawValue)]) }
  }

  /// All that was ever recorded of one certificate, rollouts included, in order.
  public func history(of spec: SpecID) throws(JournalError) -> [Fleet.Record] {
    try records(mentioning: "certificate", spec.rawValue)
  }

  /// All that was ever recorded of one pair, rollouts included, in order.
  public func history(of pair: PairID) throws(JournalError) -> [Fleet.Record] {
    try records(mentioning: "pair", pair.rawValue)
  }

  /// All that was ever recorded of one node, in order.
  public func history(of node: NodeID) throws(JournalError) -> [Fleet.Record] {
    try records(mentioning: "node", node.rawValue)
  }

  /// The newest reload of one node.
  public func lastReload(of node: NodeID) throws(JournalError) -> Fleet.Record? {
    try read { database in
      try EventTable.records(
        database,
        where: """
          sequence = (SELECT max(event.sequence) FROM mention JOIN event USING (sequence) \
          WHERE mention.kind = 'node' AND mention.id = CAST(? AS TEXT) AND event.kind = 'reloaded')
          """, [.text(node.rawValue)])
    }.first
  }

  /// All that was recorded of one rollout, in order.
  public func history(of rollout: RolloutID) throws(JournalError) -> [Fleet.Record] {
    try records(mentioning: "rollout", rollout.rawValue)
  }

  /// How many rows there are of each kind of event, in the whole journal or in one run.
  public func counts(in sweep: SweepID? = nil) throws(JournalError) -> [String: Int] {
    try read { database in
      let condition = sweep == nil ? "TRUE" : "sweep = CAST(? AS TEXT)"
      let arguments = sweep.map { StatementArguments([Cell.text($0.rawValue).databaseValue]) }
      let rows = try Row.fetchCursor(
        database.cachedStatement(
          sql: "SELECT kind, count(*) FROM event WHERE \(condition) GROUP BY kind"),
        arguments: arguments ?? StatementArguments())
      var counts: [String: Int] = [:]
      while let row = try rows.next() {
        var reader = RowReader(row, table: "event")
        let kind = try reader.text()
        counts[kind] = try reader.int()
      }
      return counts
    }
  }

  /// The tries whose order may exist at the CA though nobody knows its URL: they ended with `orderLost`, in the whole journal or in one run.
  public func lostOrders(in sweep: SweepID? = nil) throws(JournalError) -> [Fleet.Record] {
    let condition = """
      kind = 'attemptFailed' AND json_extract(body, '$.attemptFailed.failure.kind') = 'orderLost' \
      AND \(sweep == nil ? "TRUE" : "sweep = CAST(? AS TEXT)")
      """
    return try read { database in
      try EventTable.records(database, where: condition, sweep.map { [.text($0.rawValue)] } ?? [])
    }
  }

  /// The same of runs that were killed before they could tell: since the last run that came to its end.
  public func untoldLostOrders() throws(JournalError) -> [Fleet.Record] {
    try read { database in
      try EventTable.records(
        database,
        where: """
          kind = 'attemptFailed' AND json_extract(body, '$.attemptFailed.failure.kind') = 'orderLost' \
          AND sequence > COALESCE((SELECT max(sequence) FROM event WHERE kind = 'sweepEnded'), 0)
          """, [])
    }
  }

  /// The newest row and its hash, to be written down where nobody can change both.
  public func head() throws(JournalError) -> ChainHead { try read { try JournalQueries(database: $0).head() } }

  private func records(mentioning kind: String, _ id: String) throws(JournalError) -> [Fleet.Record] {
    try read { database in
      try EventTable.records(
        database,
        where: """
          sequence IN (SELECT sequence FROM mention WHERE kind = CAST(? AS TEXT) AND id = CAST(? AS TEXT))
          """, [.text(kind), .text(id)])
    }
  }
}
