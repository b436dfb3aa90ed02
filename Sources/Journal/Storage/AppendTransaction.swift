import Fleet
import Foundation
import GRDB

/// One transaction: event rows, the tables that they change, buckets and mail, all or nothing.
struct AppendTransaction {
  let database: Database
  let hash: HashFunction

  /// Commits all requests together. A request that the fold forbids fails alone; if a row is refused by the tables' constraints, each is
  /// tried by itself so that only the guilty one fails; a full disk fails them all.
  func commit(_ requests: [AppendRequest], path: String) -> [GroupCommit.Answer] {
    do {
      return try commitTogether(requests)
    } catch {
      let error = JournalError(error, path: path)
      guard requests.count > 1, case .refused = error else { return requests.map { _ in .failure(error) } }
      return requests.map { request in
        do { return try commitTogether([request])[0] } catch { return .failure(JournalError(error, path: path)) }
      }
    }
  }

  private func commitTogether(_ requests: [AppendRequest]) throws -> [GroupCommit.Answer] {
    var answers: [GroupCommit.Answer] = []
    // IMMEDIATE: the head is read under the write lock, so another process can never have moved it.
    try database.inTransaction(.immediate) {
      answers = try record(requests)
      return .commit
    }
    return answers
  }

  private func record(_ requests: [AppendRequest]) throws -> [GroupCommit.Answer] {
    var head = try JournalQueries(database: database).head()
    let subjects = requests.flatMap { $0.events.flatMap { $0.event.subjects } }
    let before = try StateLoader(database: database).load(subjects)
    var after = before
    var answers: [GroupCommit.Answer] = []
    for var request in requests {
      if let mail = request.mail { request.events.append(try queue(mail)) }
      switch fold(request, from: head.sequence, into: &after) {
      case .success(let records):
        head = try insert(records, of: request, after: head)
        if let mail = request.mail { try keep(mail, of: records) }
        answers.append(.success(records))
      case .failure(let illegal):
        answers.append(.failure(.illegalTransition(illegal.description)))
      }
    }
    try StateWriter(database: database).write(from: before, to: after)
    return answers
  }

  /// Applies the request's events, or leaves the state as it was.
  private func fold(
    _ request: AppendRequest, from sequence: Int64, into state: inout FleetState
  ) -> Result<[Fleet.Record], IllegalTransition> {
    let subjects = Set(request.events.flatMap { $0.event.subjects })
    let untouched = state.part(subjects)
    var records: [Fleet.Record] = []
    records.reserveCapacity(request.events.count)
    do throws(IllegalTransition) {
      for event in request.events {
        let record = Fleet.Record(
          sequence: sequence + Int64(records.count) + 1, at: JournalTime.date(request.at), sweep: request.sweep,
          event: event.event)
        try state.apply(record)
        records.append(record)
      }
    } catch {
      state.put(back: untouched, subjects)
      return .failure(error)
    }
    return .success(records)
  }

  private func insert(_ records: [Fleet.Record], of request: AppendRequest, after head: ChainHead) throws -> ChainHead {
    var head = head
    let runs = RunWriter(database: database)
    for (record, event) in zip(records, request.events) {
      let link = ChainLink(
        sequence: record.sequence, at: request.at, sweep: request.sweep?.rawValue, body: event.body)
      head = ChainHead(sequence: record.sequence, hash: hash(link.bytes(after: head.hash)))
      try EventTable.insert(database, link, kind: event.kind, hash: head.hash)
      try runs.write(record)
    }
    try BucketTable(database: database).write(request.buckets)
    return head
  }

  private func queue(_ mail: QueuedMail) throws -> CodedEvent {
    let newest = try Int64.fetchOne(database, sql: "SELECT max(id) FROM mail") ?? 0
    return try CodedEvent(.mailQueued(mail: newest + 1, subject: mail.subject))
  }

  private func keep(_ mail: QueuedMail, of records: [Fleet.Record]) throws {
    for record in records {
      guard case .mailQueued(let id, _) = record.event else { continue }
      try Outbox.message.upsert(
        database,
        [
          .number(id), .text(mail.sender), .text(try TextArray.encode(mail.recipients, table: "message")),
          .bytes(mail.message),
        ])
    }
  }
}

extension FleetState {
  /// A copy of these rows only.
  func part(_ subjects: Set<Subject>) -> FleetState {
    var part = FleetState()
    part.put(back: self, subjects)
    return part
  }

  /// Makes these rows what they are in `other`, absent ones included.
  mutating func put(back other: FleetState, _ subjects: Set<Subject>) {
    for subject in subjects {
      switch subject {
      case .certificate(let id): certificates[id] = other.certificates[id]
      case .pair(let id): pairs[id] = other.pairs[id]
      case .node(let id): nodes[id] = other.nodes[id]
      case .account(let id): accounts[id] = other.accounts[id]
      }
    }
  }
}
