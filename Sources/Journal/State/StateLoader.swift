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
      let (id, value) = try account(&reader)
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
        try each(StateTables.account, at: id.rawValue) { reader in state.accounts[id] = try account(&reader).1 }
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
      id: try reader.id(), pair: try reader.id(), vip: try reader.id(), customer: try reader.optionalID(),
      label: try reader.text(),
      names: try reader.names(), key: try reader.choice(KeyType.self), profile: try reader.optionalText(),
      registeredDomains: try reader.texts(), source: try reader.optionalText())
    return CertificateState(
      spec: spec, revision: try reader.int(), attemptAuthority: try reader.optionalID(),
      attemptRevision: try reader.int(),
      issuedRevision: try reader.int(), keyNode: try reader.optionalID(), served: try reader.optionalID(),
      servedNotAfter: try reader.optionalDate(), servedAt: try reader.optionalDate(), failures: try reader.int(),
      lastFailure: try reader.optionalJSON(Failure.self), lastFailureAt: try reader.optionalDate(),
      failingSince: try reader.optionalDate(), failingSweep: try reader.optionalID(),
      mayOverwrite: try reader.int() == 1,
      possibleLeaves: Dictionary(
        uniqueKeysWithValues: try reader.json([String: [String]].self).map { (NodeID($0.key), $0.value) }),
      drifts: try drifts(&reader))
  }

  /// Nearly every certificate has none: 10,000 empty objects are not worth a decoder each.
  private func drifts(_ reader: inout RowReader) throws(JournalError) -> [DriftPlace: DriftState] {
    let text = try reader.text()
    if text == "{}" { return [:] }
    let stored = try JournalText.decode([String: DriftState].self, text, table: "certificate")
    return Dictionary(uniqueKeysWithValues: stored.map { (DriftPlace(rawValue: $0.key), $0.value) })
  }

  /// An attempt is brought back by the same occurrences that once led it there: its machine stays the only way to a state.
  private func attempt(_ reader: inout RowReader) throws(JournalError) -> (SpecID, Attempt) {
    let spec: SpecID = try reader.id()
    var attempt = Attempt(id: try reader.id(), spec: spec, names: try reader.names())
    let state = try reader.text()
    let steps = ["makingKey", "requestingOrder", "ordering", "validating", "finalizing"]
    guard let reached = steps.firstIndex(of: state) else { throw reader.unreadable("\(state) is no state") }
    let key = Attempt.Key(node: try reader.id(), request: try reader.text())
    let occurrences: [Attempt.Occurrence] = [
      .keyMade(key), .orderRequested, .orderCreated(url: try reader.text()), .finalizeRequested,
    ]
    for occurrence in occurrences.prefix(reached) {
      do throws(IllegalTransition) { try attempt.apply(occurrence) } catch { throw reader.unreadable("\(error)") }
    }
    return (spec, attempt)
  }

  private func issued(_ reader: inout RowReader) throws(JournalError) -> (SpecID, IssuedCertificate) {
    let spec: SpecID = try reader.id()
    let issued = IssuedCertificate(
      attempt: try reader.id(), sha256: try reader.text(), serial: try reader.text(), notBefore: try reader.date(),
      notAfter: try reader.date(), issuer: try reader.text(), chain: try reader.texts(),
      publicKeySHA256: try reader.text())
    return (spec, issued)
  }

  private func installation(
    _ reader: inout RowReader
  ) throws(JournalError) -> (SpecID, NodeID, Installation) {
    let spec: SpecID = try reader.id()
    let node: NodeID = try reader.id()
    let installation = Installation(
      attempt: try reader.id(), sha256: try reader.text(), proof: try reader.choice(Proof.self),
      reason: try reader.text(),
      at: try reader.date())
    return (spec, node, installation)
  }

  private func pair(_ reader: inout RowReader) throws(JournalError) -> (PairID, PairState) {
    let id: PairID = try reader.id()
    let isHeld = try reader.int() == 1
    var pair = PairState(trouble: try reader.optionalJSON(Failure.self), troubledAt: try reader.optionalDate())
    let (since, until, reason) = (try reader.optionalDate(), try reader.optionalDate(), try reader.optionalText())
    if isHeld {
      guard let since else { throw reader.unreadable("a pause without its beginning") }
      pair.hold = PairHold(since: since, until: until, reason: reason)
    }
    return (id, pair)
  }

  private func node(_ reader: inout RowReader) throws(JournalError) -> (NodeID, NodeState) {
    let id: NodeID = try reader.id()
    let node = NodeState(
      hostKeys: try reader.texts(), facts: try reader.optionalText(), trouble: try reader.optionalJSON(Failure.self),
      troubledAt: try reader.optionalDate(), troubledSweep: try reader.optionalID())
    return (id, node)
  }

  private func account(_ reader: inout RowReader) throws -> (AuthorityID, AccountState) {
    let id: AuthorityID = try reader.id()
    return (id, AccountState(url: try reader.text(), thumbprint: try reader.text()))
  }
}
