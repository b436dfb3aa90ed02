public import Fleet
public import Foundation
import GRDB

/// One run, as its first and last rows tell it.
public struct SweepSummary: Sendable, Equatable, Identifiable {
  /// Which.
  public var id: SweepID
  /// What it was for.
  public var purpose: SweepPurpose
  /// All the chance that it used.
  public var seed: UInt64
  /// Its first row.
  public var started: Int64
  /// When that was.
  public var startedAt: Date
  /// Its last row; nil while it runs, and for one that was killed.
  public var ended: Int64?
  /// When that was.
  public var endedAt: Date?
  /// How it ended.
  public var end: SweepEnd?
}

/// A rollout that was started and did not end: of a runner that works, or of one that was killed.
public struct OpenRollout: Sendable, Equatable, Identifiable {
  /// Which.
  public var id: RolloutID
  /// Onto which pair.
  public var pair: PairID
  /// The certificates in it, those ejected since included.
  public var batch: [AttemptReference]
  /// The node whose turn was first.
  public var first: NodeID
  /// Its peer.
  public var second: NodeID?
  /// The run that started it.
  public var sweep: SweepID?
  /// When.
  public var startedAt: Date
  /// Each step that was recorded, in order; the failure where it failed.
  public var steps: [RolloutStepOutcome]
}

/// A step of a rollout that was done.
public struct RolloutStepOutcome: Sendable, Equatable {
  /// What was done.
  public var step: Rollout.Step
  /// Why it failed, if it did.
  public var failure: Failure?
}

extension JournalStore {
  /// The newest run, whether it ended or not.
  public func lastSweep() throws(JournalError) -> SweepSummary? { try sweeps(newest: 1).first }

  /// The newest runs, newest first.
  public func sweeps(newest count: Int) throws(JournalError) -> [SweepSummary] {
    try read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT \(StateTables.sweep.list) FROM sweep ORDER BY started DESC LIMIT ?")
      var sweeps: [SweepSummary] = []
      let rows = try Row.fetchCursor(statement, arguments: [count])
      while let row = try rows.next() {
        var reader = RowReader(row, table: "sweep")
        sweeps.append(
          SweepSummary(
            id: try reader.id(), purpose: try reader.choice(SweepPurpose.self),
            seed: UInt64(bitPattern: try reader.number()),
            started: try reader.number(), startedAt: try reader.date(), ended: try reader.optionalNumber(),
            endedAt: try reader.optionalDate(), end: try reader.optionalChoice(SweepEnd.self)))
      }
      return sweeps
    }
  }

  /// The rollouts that were started and did not end, oldest first. After a crash each needs a look at its nodes and a `rolloutEnded`.
  public func openRollouts() throws(JournalError) -> [OpenRollout] {
    try read { database in
      let records = try EventTable.records(
        database,
        where: """
          sequence IN (SELECT sequence FROM mention JOIN rollout ON mention.kind = 'rollout' AND mention.id = rollout.id \
          WHERE rollout.ended IS NULL)
          """, [])
      return OpenRollout.gather(records)
    }
  }
}

extension JournalStore {
  /// Those of these rollouts that this journal knows and that came to an end.
  public func endedRollouts(among names: [String]) throws(JournalError) -> Set<RolloutID> {
    guard !names.isEmpty else { return [] }
    return try read { database in
      let statement = try database.cachedStatement(sql: "SELECT ended FROM rollout WHERE id = CAST(? AS TEXT)")
      var found: Set<RolloutID> = []
      for name in names {
        let row = try Row.fetchOne(statement, arguments: [name])
        if let row, row["ended"] != nil { found.insert(RolloutID(name)) }
      }
      return found
    }
  }
}

extension OpenRollout {
  fileprivate static func gather(_ records: [Fleet.Record]) -> [OpenRollout] {
    var open: [OpenRollout] = []
    for record in records {
      if case .rolloutStarted(let id, let pair, let batch, let first, let second) = record.event {
        open.append(
          OpenRollout(
            id: id, pair: pair, batch: batch, first: first, second: second, sweep: record.sweep,
            startedAt: record.at, steps: []))
      } else if case .rolloutStepped(let id, let step, let failure) = record.event,
        let index = open.firstIndex(where: { $0.id == id })
      {
        open[index].steps.append(RolloutStepOutcome(step: step, failure: failure))
      }
    }
    return open
  }
}
