/// Why the journal could not do its one job. Only this error stops a sweep: what cannot be recorded must not be done.
public enum JournalError: Error, Sendable, Equatable {
  /// The state path is a file or something else.
  case notADirectory(path: String)
  /// There is no journal yet, and this command only reads.
  case missing(path: String)
  /// We may not write there, or the journal was opened for reading.
  case readOnly(path: String)
  /// A newer certfleet has changed the tables.
  case newerSchema(path: String, migration: String)
  /// An older certfleet made the tables, and this command only reads.
  case olderSchema(path: String)
  /// The file is damaged or is no journal.
  case corrupt(path: String, detail: String)
  /// No room is left.
  case diskFull(path: String)
  /// Another process held the write lock all the time that we waited.
  case busy(path: String)
  /// Something lies there that is not ours, or that others may change.
  case untrusted(path: String, detail: String)
  /// The operating system refused a file of the state directory.
  case system(path: String, detail: String)
  /// An event that the state machine forbids: a fault in certfleet. Nothing was recorded.
  case illegalTransition(String)
  /// A row that the tables' constraints forbid: a fault in certfleet. Nothing was recorded.
  case refused(String)
  /// Something else is going on that this would disturb; nothing was done.
  case inUse(String)
  /// A stored row cannot be read back.
  case unreadable(table: String, detail: String)
}

extension JournalError: CustomStringConvertible {
  /// What happened and what to do about it.
  public var description: String {
    switch self {
    case .notADirectory(let path): "\(path) is not a directory; name a directory for the state."
    case .missing(let path): "There is no journal at \(path) yet; `certfleet run` or `certfleet import` makes it."
    case .readOnly(let path): "\(path) cannot be written; check its owner, its mode and the mount."
    case .newerSchema(let path, let migration):
      "\(path) was changed by a newer certfleet (“\(migration)”); use that version, or restore a backup."
    case .olderSchema(let path):
      "\(path) was made by an older certfleet; any command that writes, such as `import`, updates it."
    case .corrupt(let path, let detail): "\(path) is damaged or no journal (\(detail)); restore a backup."
    case .diskFull(let path): "No room is left for \(path); free some and run again: nothing was lost."
    case .busy(let path): "Another process kept \(path) locked; try again when it has ended."
    case .untrusted(let path, let detail): "\(path) is not used: \(detail)."
    case .system(let path, let detail): "\(path): \(detail)"
    case .illegalTransition(let detail): "An event came out of order and was not recorded: \(detail)"
    case .refused(let detail): "A row was refused and nothing was recorded: \(detail)"
    case .inUse(let reason): reason
    case .unreadable(let table, let detail): "A row of \(table) cannot be read back: \(detail)"
    }
  }
}
