import Fleet
import GRDB

/// Reads the tables of the present state back into the values that the fold works on.
struct StateLoader {
  let database: Database

  /// The whole fleet: one pass over each table.
  func load() throws -> FleetState {
    var state = FleetState()
    let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM certificate") ?? 0
    state.certificates.reserveCapacity(count)
    try each(StateTables.certificate) { reader in
      let certificate = try certificate(&reader)
      state.certificates[certificate.spec.id] = certificate
    }
    try each(StateTables.attempt) { reader in
      let (spec, attempt) = try attempt(&reader)
      state.certificates[spec]?.attempt = attempt
    }
    try each(StateTables.issued) { reader in
      let (spec, issued) = try issued(&reader)
      state.certificates[spec]?.issued = issued
    }
    try each(StateTables.installation) { reader in
      let (spec, node, installation) = try installation(&reader)
      state.certificates[spec]?.installations[node] = installation
    }
    try each(StateTables.pair) { reader in
      let (id, value) = try pair(&reader)
      state.pairs[id] = value
    }
    try each(StateTables.node) { reader in
      let (id, value) = try node(&reader)
      state.nodes[id] = value
    }
    try each(StateTables.account) { reader in
      let (id, value) = account(&reader)
      state.accounts[id] = value
    }
    return state
  }

  /// The part of the fleet that some events may change.
  func load(_ subjects: some Sequence<Subject>) throws -> FleetState {
    var state = FleetState()
    for subject in Set(subjects) {
      switch subject {
      case .certificate(let id): state.certificates[id] = try certificate(id)
      case .pair(let id):
        try each(StateTables.pair, at: id.rawValue) { reader in state.pairs[id] = try pair(&reader).1 }
      case .node(let id):
        try each(StateTables.node, at: id.rawValue) { reader in state.nodes[id] = try node(&reader).1 }
      case .account(let id):
        try each(StateTables.account, at: id.rawValue) { reader in state.accounts[id] = account(&reader).1 }
      }
    }
    return state
  }

  private func certificate(_ id: SpecID) throws -> CertificateState? {
    var found: CertificateState?
    try each(StateTables.certificate, at: id.rawValue) { reader in found = try certificate(&reader) }
    guard found != nil else { return nil }
    try each(StateTables.attempt, at: id.rawValue) { reader in found?.attempt = try attempt(&reader).1 }
    try each(StateTables.issued, at: id.rawValue) { reader in found?.issued = try issued(&reader).1 }
    try each(StateTables.installation, at: id.rawValue) { reader in
      let (_, node, installation) = try installation(&reader)
      found?.installations[node] = installation
    }
    return found
  }

  private func each(_ table: Table, _ body: (inout RowReader) throws -> Void) throws {
    try each(table.rows(database), table, body)
  }

  private func each(_ table: Table, at key: String, _ body: (inout RowReader) throws -> Void) throws {
    try each(table.rows(database, at: .text(key)), table, body)
  }

  private func each(_ rows: RowCursor, _ table: Table, _ body: (inout RowReader) throws -> Void) throws {
    while let row = try rows.next() {
      var reader = RowReader(row, table: table.name)
      try body(&reader)
    }
  }

  private func certificate(_ reader: inout RowReader) throws(JournalError) -> CertificateState {
    let spec = CertificateSpec(
      id: reader.id(), pair: reader.id(), vip: reader.id(), customer: reader.optionalID(), label: reader.text(),
      names: try reader.names(), key: try reader.choice(KeyType.self), profile: reader.optionalText(),
      registeredDomains: try reader.texts(), source: reader.optionalText())
    return CertificateState(
      spec: spec, revision: reader.int(), attemptAuthority: reader.optionalID(), attemptRevision: reader.int(),
      issuedRevision: reader.int(), keyNode: reader.optionalID(), served: reader.optionalID(),
      servedNotAfter: reader.optionalDate(), servedAt: reader.optionalDate(), failures: reader.int(),
      lastFailure: try reader.optionalJSON(Failure.self), lastFailureAt: reader.optionalDate(),
      failingSince: reader.optionalDate(), failingSweep: reader.optionalID(),
      mayOverwrite: reader.int() == 1,
      possibleLeaves: Dictionary(
        uniqueKeysWithValues: try reader.json([String: [String]].self).map { (NodeID($0.key), $0.value) }),
      drifts: try drifts(&reader))
  }

  /// Nearly every certificate has none: 10,000 empty objects are not worth a decoder each.
  private func drifts(_ reader: inout RowReader) throws(JournalError) -> [DriftPlace: DriftState] {
    let text = reader.text()
    if text == "{}" { return [:] }
    let stored = try JournalText.decode([String: DriftState].self, text, table: "certificate")
    return Dictionary(uniqueKeysWithValues: stored.map { (DriftPlace(rawValue: $0.key), $0.value) })
  }

  /// An attempt is brought back by the same occurrences that once led it there: its machine stays the only way to a state.
  private func attempt(_ reader: inout RowReader) throws(JournalError) -> (SpecID, Attempt) {
    let spec: SpecID = reader.id()
    var attempt = Attempt(id: reader.id(), spec: spec, names: try reader.names())
    let state = reader.text()
    let steps = ["makingKey", "requestingOrder", "ordering", "validating", "finalizing"]
    guard let reached = steps.firstIndex(of: state) else { throw reader.unreadable("\(state) is no state") }
    let key = Attempt.Key(node: reader.id(), request: reader.text())
    let occurrences: [Attempt.Occurrence] = [
      .keyMade(key), .orderRequested, .orderCreated(url: reader.text()), .finalizeRequested,
    ]
    for occurrence in occurrences.prefix(reached) {
      do throws(IllegalTransition) { try attempt.apply(occurrence) } catch { throw reader.unreadable("\(error)") }
    }
    return (spec, attempt)
  }

  private func issued(_ reader: inout RowReader) throws(JournalError) -> (SpecID, IssuedCertificate) {
    let spec: SpecID = reader.id()
    let issued = IssuedCertificate(
      attempt: reader.id(), sha256: reader.text(), serial: reader.text(), notBefore: reader.date(),
      notAfter: reader.date(), issuer: reader.text(), chain: try reader.texts(), publicKeySHA256: reader.text())
    return (spec, issued)
  }

  private func installation(
    _ reader: inout RowReader
  ) throws(JournalError) -> (SpecID, NodeID, Installation) {
    let spec: SpecID = reader.id()
    let node: NodeID = reader.id()
    let installation = Installation(
      attempt: reader.id(), sha256: reader.text(), proof: try reader.choice(Proof.self), reason: reader.text(),
      at: reader.date())
    return (spec, node, installation)
  }

  private func pair(_ reader: inout RowReader) throws(JournalError) -> (PairID, PairState) {
    let id: PairID = reader.id()
    let isHeld = reader.int() == 1
    var pair = PairState(trouble: try reader.optionalJSON(Failure.self), troubledAt: reader.optionalDate())
    let (since, until, reason) = (reader.optionalDate(), reader.optionalDate(), reader.optionalText())
    if isHeld {
      guard let since else { throw reader.unreadable("a pause without its beginning") }
      pair.hold = PairHold(since: since, until: until, reason: reason)
    }
    return (id, pair)
  }

  private func node(_ reader: inout RowReader) throws(JournalError) -> (NodeID, NodeState) {
    let id: NodeID = reader.id()
    let node = NodeState(
      hostKeys: try reader.texts(), facts: reader.optionalText(), trouble: try reader.optionalJSON(Failure.self),
      troubledAt: reader.optionalDate(), troubledSweep: reader.optionalID())
    return (id, node)
  }

  private func account(_ reader: inout RowReader) -> (AuthorityID, AccountState) {
    let id: AuthorityID = reader.id()
    return (id, AccountState(url: reader.text(), thumbprint: reader.text()))
  }
}
