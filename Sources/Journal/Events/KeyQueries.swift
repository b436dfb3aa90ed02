public import Fleet

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
}
