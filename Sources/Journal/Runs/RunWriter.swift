import Fleet
import GRDB

/// Keeps the tables that `FleetState` does not hold: which rows of the journal speak of what, runs, rollouts and mails.
struct RunWriter {
  let database: Database

  func write(_ record: Fleet.Record) throws {
    for (kind, id) in mentions(of: record.event) {
      try StateTables.mention.upsert(database, [.text(kind), .text(id), .number(record.sequence)])
    }
    let sequence = Cell.number(record.sequence)
    switch record.event {
    case .sweepStarted(let sweep, let seed, let purpose):
      try insert(
        StateTables.sweep,
        [
          .text(sweep.rawValue), .text(purpose.rawValue), .number(Int64(bitPattern: seed)), sequence, Cell(record.at),
          .null, .null, .null,
        ])
    case .sweepEnded(let sweep, let end):
      try update(
        "UPDATE sweep SET ended = ?, ended_at = ?, end_reason = CAST(? AS TEXT) WHERE id = CAST(? AS TEXT)",
        [sequence, Cell(record.at), .text(end.rawValue), .text(sweep.rawValue)], "sweep \(sweep)")
    case .rolloutStarted(let rollout, let pair, _, _, _):
      try insert(
        StateTables.rollout, [.text(rollout.rawValue), .text(pair.rawValue), sequence, .null, .null, .null])
    case .rolloutStepped(let rollout, _, _):
      try update(
        "UPDATE rollout SET last_step = ? WHERE id = CAST(? AS TEXT)", [sequence, .text(rollout.rawValue)],
        "rollout \(rollout)")
    case .rolloutEnded(let rollout, let end, _):
      try update(
        "UPDATE rollout SET ended = ?, end_reason = CAST(? AS TEXT) WHERE id = CAST(? AS TEXT)",
        [sequence, .text(end.rawValue), .text(rollout.rawValue)], "rollout \(rollout)")
    case .mailQueued(let mail, let subject):
      try insert(StateTables.mail, [.number(mail), Cell(record.at), .text(subject), .number(0), .null, .null, .null])
    case .mailSent(let mail):
      try update(
        "UPDATE mail SET attempts = attempts + 1, last_attempt_at = ?, last_detail = NULL, sent_at = ? WHERE id = ?",
        [Cell(record.at), Cell(record.at), .number(mail)], "mail \(mail)")
    case .mailFailed(let mail, let detail):
      try update(
        "UPDATE mail SET attempts = attempts + 1, last_attempt_at = ?, last_detail = CAST(? AS TEXT) WHERE id = ?",
        [Cell(record.at), .text(detail), .number(mail)], "mail \(mail)")
    case .issued(let of, let certificate):
      try StateTables.leaf.upsert(
        database, [.text(certificate.sha256), .text(of.spec.rawValue), .text(of.attempt.rawValue), sequence])
    case .marked(let node, let controller, let word):
      try StateTables.mark.upsert(database, [.text(word), .text(controller), .text(node.rawValue), sequence])
    case .takenOver(_, _, let marks, _):
      for mark in marks {
        try StateTables.mark.upsert(
          database, [.text(mark.word), .text(mark.controller), .text(mark.node.rawValue), sequence])
      }
    case .specMoved(let from, let spec):
      // Whose a leaf is must not be forgotten with the id.
      try database.cachedStatement(
        sql: "UPDATE leaf SET certificate = CAST(? AS TEXT) WHERE certificate = CAST(? AS TEXT)"
      ).execute(arguments: [Cell.text(spec.id.rawValue).databaseValue, Cell.text(from.rawValue).databaseValue])
    case .nodeMoved(let from, let to, _):
      try database.cachedStatement(
        sql: "UPDATE OR REPLACE mark SET node = CAST(? AS TEXT) WHERE node = CAST(? AS TEXT)"
      ).execute(arguments: [Cell.text(to.rawValue).databaseValue, Cell.text(from.rawValue).databaseValue])
    case .specAdded, .specChanged, .pairMoved, .specRemoved, .pairPaused, .pairHeld, .pairResumed, .retryAsked,
      .hostKeysPinned, .renewalAsked,
      .nodeSurveyed, .nodeTroubled, .nodeHealed, .pairTroubled, .pairHealed, .accountRegistered, .attemptStarted,
      .keyMade, .orderRequested, .orderCreated, .finalizeRequested, .attemptFailed, .authorityFailing, .specVetoed,
      .ejected,
      .installed, .served, .reloaded, .rollbackStarted, .rolledBack, .rollbackFailed, .keysRemoved,
      .driftSeen, .driftGone:
      break
    }
  }

  /// What a row speaks of: the rows it may change, and for rollouts more than that.
  private func mentions(of event: Event) -> [(String, String)] {
    var mentions = event.subjects.map { subject in
      switch subject {
      case .certificate(let id): ("certificate", id.rawValue)
      case .pair(let id): ("pair", id.rawValue)
      case .node(let id): ("node", id.rawValue)
      case .account(let id): ("account", id.rawValue)
      }
    }
    switch event {
    case .rolloutStarted(let rollout, let pair, _, let first, let second):
      mentions.append(("rollout", rollout.rawValue))
      mentions.append(("pair", pair.rawValue))
      mentions.append(contentsOf: ([first] + (second.map { [$0] } ?? [])).map { ("node", $0.rawValue) })
    case .rolloutStepped(let rollout, _, _), .rolloutEnded(let rollout, _, _), .ejected(let rollout, _, _):
      mentions.append(("rollout", rollout.rawValue))
    case .reloaded(let rollout, let node, _):
      mentions.append(contentsOf: [("rollout", rollout.rawValue), ("node", node.rawValue)])
    case .installed(let node, _, _, _), .rollbackStarted(_, _, let node, _), .rolledBack(_, let node, _, _, _),
      .rollbackFailed(_, let node, _, _), .keysRemoved(let node, _), .marked(let node, _, _):
      mentions.append(("node", node.rawValue))
    case .takenOver(_, let pairs, let marks, _):
      mentions.append(contentsOf: pairs.map { ("pair", $0.rawValue) })
      mentions.append(contentsOf: Set(marks.map(\.node)).sorted().map { ("node", $0.rawValue) })
    case .driftSeen(_, let place, _), .driftGone(_, let place, _):
      if let node = place.node { mentions.append(("node", node.rawValue)) }
    case .mailQueued(let mail, _), .mailSent(let mail), .mailFailed(let mail, _):
      mentions.append(("mail", String(mail)))
    case .specAdded, .specChanged, .specMoved, .pairMoved, .nodeMoved, .specRemoved, .pairPaused, .pairHeld,
      .pairResumed, .retryAsked, .hostKeysPinned, .renewalAsked,
      .nodeSurveyed, .nodeTroubled, .nodeHealed, .pairTroubled, .pairHealed, .accountRegistered, .sweepStarted,
      .sweepEnded, .attemptStarted, .keyMade, .orderRequested, .orderCreated, .finalizeRequested, .issued,
      .attemptFailed, .authorityFailing, .specVetoed, .served:
      break
    }
    return mentions
  }

  private func insert(_ table: Table, _ row: [Cell]) throws {
    let isThere = try table.rows(database, at: row[0]).first(of: table.name) { _ in true } ?? false
    guard !isThere else { throw JournalError.refused("\(table.name) \(row[0].text) is there already") }
    try table.upsert(database, row)
  }

  private func update(_ sql: String, _ cells: [Cell], _ what: String) throws {
    try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(cells.map(\.databaseValue)))
    guard database.changesCount == 1 else { throw JournalError.refused("there is no \(what)") }
  }
}
