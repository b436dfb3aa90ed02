public import Fleet
public import Foundation
import GRDB

/// What happened, and what is: an append-only journal of events, and tables of the present state that change in the same transaction.
///
/// Any number of processes may append; `SweepLock` decides which of them sweeps. A runner that must see what others said asks `changeToken()`
/// and, where that moved, `recordsAfter(_:)`, and folds those records in their order: they hold its own ones too.
public final class JournalStore: Sendable {
  /// The database file.
  public let path: String
  let hash: HashFunction
  private let reader: any DatabaseReader
  private let watcher: DatabaseQueue
  private let group: GroupCommit?
  private let writer: DatabasePool?

  /// Opens the journal in a directory, making both where they are missing: the directory 0700, its files 0600.
  ///
  /// - Parameter hash: SHA-256, for the chain.
  public static func open(directory: String, hash: @escaping HashFunction) throws(JournalError) -> JournalStore {
    try open(directory: directory, hash: hash, tuning: Tuning())
  }

  /// What only tests turn: a small disk, and an ear at the writer's SQL.
  struct Tuning: Sendable {
    var maximumPages: Int?
    var trace: (@Sendable (String) -> Void)?
    /// Longer than any transaction of another process; a slow disk under an import of 10,000 rows was seen to take some seconds.
    var busySeconds: Double = 30
  }

  static func open(
    directory path: String, hash: @escaping HashFunction, tuning: Tuning
  ) throws(JournalError) -> JournalStore {
    let directory = StateDirectory(path: path)
    try directory.prepare()
    // Two processes that make or change the tables at once would trip over each other.
    let lock = try FileLock.acquire(directory.openingLock, within: 30)
    let store = try openAlone(directory, hash, tuning)
    lock.release()
    return store
  }

  private static func openAlone(
    _ directory: StateDirectory, _ hash: @escaping HashFunction, _ tuning: Tuning
  ) throws(JournalError) -> JournalStore {
    try directory.createJournalFile()
    do {
      var configuration = Configuration()
      configuration.busyMode = .timeout(tuning.busySeconds)
      configuration.maximumReaderCount = 4
      configuration.prepareDatabase { database in
        if let trace = tuning.trace { database.trace { trace("\($0)") } }
      }
      let pool = try DatabasePool(path: directory.journal, configuration: configuration)
      try refuseNewer(pool, path: directory.journal)
      try Schema.migrator.migrate(pool)
      try pool.writeWithoutTransaction { database in
        // GRDB asks for NORMAL, which may lose the last transactions when the power fails: an order would be forgotten that the CA has counted.
        try database.execute(sql: "PRAGMA synchronous = FULL")
        // After a large import the log shrinks again at the next checkpoint.
        try database.execute(sql: "PRAGMA journal_size_limit = 16777216")
        if let pages = tuning.maximumPages { try database.execute(sql: "PRAGMA max_page_count = \(pages)") }
      }
      let group = GroupCommit { requests in
        await withCheckedContinuation { done in
          // Not GRDB's `async` write: that one gives up when the caller's task is cancelled.
          pool.asyncWriteWithoutTransaction { database in
            let transaction = AppendTransaction(database: database, hash: hash)
            done.resume(returning: transaction.commit(requests, path: directory.journal))
          }
        }
      }
      return JournalStore(
        path: directory.journal, hash: hash, reader: pool, watcher: try readOnlyQueue(directory.journal),
        group: group, writer: pool)
    } catch {
      throw JournalError(error, path: directory.journal)
    }
  }

  /// Opens a journal for reading beside whoever writes it; answers at once, and never makes or changes anything.
  public static func openReadOnly(
    directory path: String, hash: @escaping HashFunction
  ) throws(JournalError) -> JournalStore {
    let directory = StateDirectory(path: path)
    guard try directory.hasJournal() else { throw .missing(path: directory.journal) }
    do {
      let queue = try readOnlyQueue(directory.journal)
      try refuseNewer(queue, path: directory.journal)
      guard try queue.read(Schema.migrator.hasCompletedMigrations) else {
        throw JournalError.olderSchema(path: directory.journal)
      }
      return JournalStore(
        path: directory.journal, hash: hash, reader: queue, watcher: try readOnlyQueue(directory.journal),
        group: nil, writer: nil)
    } catch {
      throw JournalError(error, path: directory.journal)
    }
  }

  /// A backup, of whatever age: nothing but its events is read.
  static func openBackup(_ file: String, hash: @escaping HashFunction) throws(JournalError) -> JournalStore {
    do {
      let queue = try readOnlyQueue(file)
      try refuseNewer(queue, path: file)
      return JournalStore(
        path: file, hash: hash, reader: queue, watcher: try readOnlyQueue(file), group: nil, writer: nil)
    } catch {
      throw JournalError(error, path: file)
    }
  }

  private init(
    path: String, hash: @escaping HashFunction, reader: any DatabaseReader, watcher: DatabaseQueue, group: GroupCommit?,
    writer: DatabasePool?
  ) {
    self.path = path
    self.hash = hash
    self.reader = reader
    self.watcher = watcher
    self.group = group
    self.writer = writer
  }

  private static func readOnlyQueue(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(10)
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static func refuseNewer(_ reader: any DatabaseReader, path: String) throws {
    let known = Schema.migrator.migrations
    let unknown = try reader.read { try Schema.migrator.appliedIdentifiers($0) }.subtracting(known)
    if let migration = unknown.min() { throw JournalError.newerSchema(path: path, migration: migration) }
  }

  /// Records events and everything they change, together with the buckets that they moved, in one transaction; returns after it is on the
  /// disk. Buckets may come alone.
  ///
  /// Calls at the same time share one transaction. The events of one call stand together, in order, without a stranger between them. Being
  /// cancelled does not stop it: what was done must be recorded. Of two calls that overlap either may come first, so a bucket, which is stored
  /// as it is given, belongs to the one task that owns the ledger.
  ///
  /// - Returns: the records as they were stored: dates without fractions, numbered without gaps.
  public func append(
    _ events: [Event], sweep: SweepID?, at now: Date, buckets: [BucketRow] = []
  ) async throws(JournalError) -> [Fleet.Record] {
    guard !events.isEmpty || !buckets.isEmpty else { return [] }
    var coded: [CodedEvent] = []
    coded.reserveCapacity(events.count)
    for event in events {
      if case .mailQueued = event { throw .refused("a mail is queued with its text, by queueMail") }
      coded.append(try CodedEvent(event))
    }
    return try await append(
      AppendRequest(events: coded, sweep: sweep, at: JournalTime.seconds(now), buckets: buckets))
  }

  func append(_ request: AppendRequest) async throws(JournalError) -> [Fleet.Record] {
    guard let group else { throw .readOnly(path: path) }
    return try await group.append(request)
  }

  /// A number that is different after any process, this one included, has recorded something. Costs microseconds.
  public func changeToken() throws(JournalError) -> Int64 {
    do {
      // On a connection that reads nothing else; within a transaction it would stand still.
      return try watcher.unsafeRead { try Int64.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    } catch {
      throw JournalError(error, path: path)
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(JournalError) -> Value {
    do { return try reader.read(body) } catch { throw JournalError(error, path: path) }
  }

  /// A short transaction of its own, for what is no event.
  func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws(JournalError) {
    guard let writer else { throw .readOnly(path: path) }
    let result: Result<Void, JournalError> = await withCheckedContinuation { done in
      writer.asyncWriteWithoutTransaction { [path] database in
        do {
          try database.inTransaction(.immediate) {
            try body(database)
            return .commit
          }
          done.resume(returning: .success(()))
        } catch {
          done.resume(returning: .failure(JournalError(error, path: path)))
        }
      }
    }
    try result.get()
  }

  /// A pragma of the connection that writes, which no other connection can tell.
  func writerPragma(_ name: String) async throws(JournalError) -> Int64 {
    guard let writer else { throw .readOnly(path: path) }
    let result: Result<Int64, JournalError> = await withCheckedContinuation { done in
      writer.asyncWriteWithoutTransaction { [path] database in
        do {
          done.resume(returning: .success(try Int64.fetchOne(database, sql: "PRAGMA \(name)") ?? -1))
        } catch {
          done.resume(returning: .failure(JournalError(error, path: path)))
        }
      }
    }
    return try result.get()
  }

  /// For copying the database while others write.
  func withReader<Value>(_ body: (any DatabaseReader) throws -> Value) throws(JournalError) -> Value {
    do { return try body(reader) } catch { throw JournalError(error, path: path) }
  }
}

extension JournalError {
  /// The one place where SQLite's codes become ours.
  init(_ error: any Error, path: String) {
    if let error = error as? JournalError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self = .system(path: path, detail: "\(error)")
      return
    }
    let detail = error.message ?? "\(error.resultCode)"
    switch error.resultCode {
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path, detail: detail)
    case .SQLITE_FULL: self = .diskFull(path: path)
    case .SQLITE_READONLY, .SQLITE_PERM: self = .readOnly(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    case .SQLITE_CONSTRAINT: self = .refused(detail)
    // The shared-memory file could not grow.
    case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_SHMSIZE: self = .diskFull(path: path)
    default: self = .system(path: path, detail: detail)
    }
  }
}
