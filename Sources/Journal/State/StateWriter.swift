import Fleet
import GRDB

/// Writes what changed between two states, and nothing else: an event of an attempt must not write a chain of PEMs again.
struct StateWriter {
  let database: Database

  /// Brings the tables from `before` to `after`; both hold the same part of the fleet.
  func write(from before: FleetState, to after: FleetState) throws {
    // Removed ones first, so that nothing that is new stands in the way of what goes.
    for id in before.certificates.keys where after.certificates[id] == nil {
      try remove(id)
    }
    for (id, certificate) in after.certificates where before.certificates[id] != certificate {
      try write(certificate, replacing: before.certificates[id])
    }
    for id in before.pairs.keys where after.pairs[id] == nil {
      try StateTables.pair.delete(database, key: [.text(id.rawValue)])
    }
    for id in before.nodes.keys where after.nodes[id] == nil {
      try StateTables.node.delete(database, key: [.text(id.rawValue)])
    }
    for (id, pair) in after.pairs where before.pairs[id] != pair { try write(pair, id) }
    for (id, node) in after.nodes where before.nodes[id] != node { try write(node, id) }
    for (id, account) in after.accounts where before.accounts[id] != account {
      try StateTables.account.upsert(
        database, [.text(id.rawValue), .text(account.url), .text(account.thumbprint)])
    }
  }

  private func remove(_ id: SpecID) throws {
    for table in [StateTables.attempt, StateTables.issued] {
      try table.delete(database, key: [.text(id.rawValue)])
    }
    try database.cachedStatement(sql: "DELETE FROM installation WHERE certificate = CAST(? AS TEXT)")
      .execute(arguments: [Cell.text(id.rawValue).databaseValue])
    try StateTables.certificate.delete(database, key: [.text(id.rawValue)])
  }

  private func write(_ certificate: CertificateState, replacing old: CertificateState?) throws {
    let key = Cell.text(certificate.spec.id.rawValue)
    try StateTables.certificate.upsert(database, cells(certificate))
    if certificate.attempt != old?.attempt {
      if let attempt = certificate.attempt {
        try StateTables.attempt.upsert(database, cells(attempt, key: key))
      } else {
        try StateTables.attempt.delete(database, key: [key])
      }
    }
    if certificate.issued != old?.issued {
      if let issued = certificate.issued {
        try StateTables.issued.upsert(database, cells(issued, key: key))
      } else {
        try StateTables.issued.delete(database, key: [key])
      }
    }
    for (node, installation) in certificate.installations where old?.installations[node] != installation {
      try StateTables.installation.upsert(
        database,
        [
          key, .text(node.rawValue), .text(installation.attempt.rawValue), .text(installation.sha256),
          .text(installation.proof.rawValue), .text(installation.reason), Cell(installation.at),
        ])
    }
    for node in (old?.installations ?? [:]).keys where certificate.installations[node] == nil {
      try StateTables.installation.delete(database, key: [key, .text(node.rawValue)])
    }
  }

  private func cells(_ certificate: CertificateState) throws(JournalError) -> [Cell] {
    let spec = certificate.spec
    return [
      .text(spec.id.rawValue), .text(spec.pair.rawValue), .text(spec.vip.rawValue), Cell(spec.customer?.rawValue),
      .text(spec.label), .text(try TextArray.encode(spec.names.names, table: "certificate")), .text(spec.key.rawValue),
      Cell(spec.profile), .text(try TextArray.encode(spec.registeredDomains, table: "certificate")), Cell(spec.source),
      .number(Int64(certificate.revision)), Cell(certificate.attemptAuthority?.rawValue),
      .number(Int64(certificate.attemptRevision)), .number(Int64(certificate.issuedRevision)),
      Cell(certificate.keyNode?.rawValue), Cell(certificate.served?.rawValue), Cell(certificate.servedNotAfter),
      Cell(certificate.servedAt), .number(Int64(certificate.failures)), try cell(certificate.lastFailure),
      Cell(certificate.lastFailureAt), Cell(certificate.failingSince), Cell(certificate.failingSweep?.rawValue),
      .number(certificate.mayOverwrite ? 1 : 0),
      .text(
        try JournalText.encode(
          Dictionary(uniqueKeysWithValues: certificate.possibleLeaves.map { ($0.key.rawValue, $0.value) }),
          table: "certificate")),
      .text(
        certificate.drifts.isEmpty
          ? "{}"
          : try JournalText.encode(
            Dictionary(uniqueKeysWithValues: certificate.drifts.map { ($0.key.rawValue, $0.value) }),
            table: "certificate")),
    ]
  }

  private func cells(_ attempt: Attempt, key: Cell) throws(JournalError) -> [Cell] {
    let stored: (state: String, key: Attempt.Key?, order: String?) =
      switch attempt.state {
      case .makingKey: ("makingKey", nil, nil)
      case .requestingOrder(let key): ("requestingOrder", key, nil)
      case .ordering(let key): ("ordering", key, nil)
      case .validating(let key, let order): ("validating", key, order)
      case .finalizing(let key, let order): ("finalizing", key, order)
      // The fold never keeps an attempt that has ended.
      case .issued, .failed: throw .illegalTransition("attempt \(attempt.id) has ended and is still kept")
      }
    return [
      key, .text(attempt.id.rawValue), .text(try TextArray.encode(attempt.names.names, table: "attempt")),
      .text(stored.state), Cell(stored.key?.node.rawValue), Cell(stored.key?.request), Cell(stored.order),
    ]
  }

  private func cells(_ issued: IssuedCertificate, key: Cell) throws(JournalError) -> [Cell] {
    [
      key, .text(issued.attempt.rawValue), .text(issued.sha256), .text(issued.serial), Cell(issued.notBefore),
      Cell(issued.notAfter), .text(issued.issuer), .text(try TextArray.encode(issued.chain, table: "issued")),
      .text(issued.publicKeySHA256),
    ]
  }

  private func write(_ pair: PairState, _ id: PairID) throws {
    try StateTables.pair.upsert(
      database,
      [
        .text(id.rawValue), .number(pair.hold == nil ? 0 : 1), try cell(pair.trouble), Cell(pair.troubledAt),
        Cell(pair.hold?.since), Cell(pair.hold?.until), Cell(pair.hold?.reason),
      ])
  }

  private func write(_ node: NodeState, _ id: NodeID) throws {
    try StateTables.node.upsert(
      database,
      [
        .text(id.rawValue), .text(try TextArray.encode(node.hostKeys, table: "node")), Cell(node.facts),
        try cell(node.trouble), Cell(node.troubledAt), Cell(node.troubledSweep?.rawValue),
      ])
  }

  private func cell(_ failure: Failure?) throws(JournalError) -> Cell {
    guard let failure else { return .null }
    return .text(try JournalText.encode(failure, table: "failure"))
  }
}
