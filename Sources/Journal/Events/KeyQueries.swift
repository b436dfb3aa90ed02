public import Fleet
public import Foundation
import GRDB

extension JournalStore {
  /// The attempts at this certificate whose keys nobody needs any more.
  public func spentKeys(of spec: SpecID) throws(JournalError) -> [AttemptID] {
    let history = try read { database in
      try EventTable.records(
        database,
        where: """
          kind IN ('attemptStarted', 'attemptFailed', 'issued') \
          AND sequence IN (SELECT sequence FROM mention WHERE kind = 'certificate' AND id = CAST(? AS TEXT))
          """, [.text(spec.rawValue)])
    }
    return SpentKeys.attempts(in: history, of: spec)
  }

  /// Attempts at the certificates of a pair that go on or came to their end: what becomes of their keys is decided by ``spentKeys(of:)``.
  public func knownAttempts(of pair: PairID) throws(JournalError) -> Set<AttemptID> {
    try read { database in
      let rows = try String.fetchAll(
        database,
        sql: """
          SELECT attempt.id FROM attempt JOIN certificate ON certificate.id = attempt.certificate \
          WHERE certificate.pair = CAST(?1 AS TEXT) UNION ALL \
          SELECT leaf.attempt FROM leaf JOIN certificate ON certificate.id = leaf.certificate \
          WHERE certificate.pair = CAST(?1 AS TEXT)
          """, arguments: [pair.rawValue])
      return Set(rows.map { AttemptID($0) })
    }
  }

  /// Certificates that a person asked to be tried and that were not tried since.
  public func insisted() throws(JournalError) -> Set<SpecID> {
    let asked = try read { database in
      try EventTable.records(
        database,
        where: """
          kind = 'retryAsked' AND NOT EXISTS (\
          SELECT TRUE FROM mention JOIN event AS later ON later.sequence = mention.sequence \
          WHERE mention.kind = 'certificate' AND mention.id = json_extract(event.body, '$.retryAsked.spec') \
          AND mention.sequence > event.sequence AND later.kind = 'attemptStarted')
          """, [])
    }
    return Set(
      asked.compactMap { record in
        if case .retryAsked(let spec) = record.event { spec } else { nil }
      })
  }

  /// When each certificate that was ever taken out was taken out last.
  public func removals() throws(JournalError) -> [SpecID: Date] {
    let removed = try read { database in try EventTable.records(database, where: "kind = 'specRemoved'", []) }
    return removed.reduce(into: [:]) { moments, record in
      if case .specRemoved(let spec) = record.event { moments[spec] = record.at }
    }
  }

  /// The attempts at certificates that are no longer wanted, with the nodes from which their keys are gone already.
  public func unwantedKeys() throws(JournalError) -> UnwantedKeys {
    let history = try read { database in
      try EventTable.records(
        database,
        where: """
          kind = 'keysRemoved' OR kind IN ('specAdded', 'specMoved', 'attemptStarted') AND sequence IN \
          (SELECT sequence FROM mention WHERE kind = 'certificate' AND id IN \
          (SELECT json_extract(body, '$.specRemoved.spec') FROM event WHERE kind = 'specRemoved') \
          AND id NOT IN (SELECT id FROM certificate) \
          AND id NOT IN (SELECT json_extract(body, '$.specMoved.from') FROM event WHERE kind = 'specMoved'))
          """, [])
    }
    return UnwantedKeys(history)
  }
}
