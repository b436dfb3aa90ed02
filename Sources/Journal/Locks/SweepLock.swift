public import Fleet
public import Foundation

/// Leave to sweep: one process at a time, and gone with it, even after `kill -9`.
///
/// *Writing* needs no such lock: every command appends in short transactions beside a running sweep.
public struct SweepLock: ~Copyable, Sendable {
  private let lock: FileLock
  /// What is written in the file for others to read.
  public let holder: Holder

  /// Who sweeps.
  public struct Holder: Sendable, Equatable, Codable {
    /// The process.
    public var pid: Int32
    /// When it took the lock.
    public var since: Date
    /// What it does.
    public var purpose: SweepPurpose
    /// The kernel's start time of that process in clock ticks: tells a living holder from a dead one whose pid was given again.
    var processStart: UInt64
  }

  /// Takes the lock for this process, or answers nil while another one sweeps; `holder(directory:)` then says who.
  public static func tryAcquire(
    directory: String, purpose: SweepPurpose, at now: Date
  ) throws(JournalError) -> SweepLock? {
    let directory = StateDirectory(path: directory)
    try directory.prepare()
    guard let lock = try FileLock.tryAcquire(directory.sweepLock) else { return nil }
    let pid = getpid()
    let holder = Holder(
      pid: pid, since: JournalTime.date(JournalTime.seconds(now)), purpose: purpose,
      processStart: processStart(of: pid) ?? 0)
    try lock.write(Array(try JournalText.encode(holder, table: "sweep.lock").utf8))
    return SweepLock(lock: lock, holder: holder)
  }

  /// Whether somebody sweeps, without disturbing anybody.
  public static func isHeld(directory: String) throws(JournalError) -> Bool {
    try FileLock.isHeld(StateDirectory(path: directory).sweepLock)
  }

  /// Who sweeps now; nil when nobody does. In the instant between taking the lock and writing the name it may be nil though the lock is held.
  public static func holder(directory: String) throws(JournalError) -> Holder? {
    let path = StateDirectory(path: directory).sweepLock
    guard try FileLock.isHeld(path), let bytes = FileManager.default.contents(atPath: path) else { return nil }
    do {
      let holder = try JournalText.decode(Holder.self, Array(bytes), table: "sweep.lock")
      return processStart(of: holder.pid) == holder.processStart ? holder : nil
    } catch {
      return nil
    }
  }

  /// Lets go. Dropping the value does the same; calling this says where.
  public consuming func release() {}

  /// Field 22 of /proc/PID/stat (proc(5)); the second field may hold spaces and parentheses, so counting starts behind its last `)`.
  private static func processStart(of pid: Int32) -> UInt64? {
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? UInt64(fields[19]) : nil
  }
}

extension SweepLock.Holder: CustomStringConvertible {
  /// `a run is going on (pid 4711, since 2026-07-30T01:02:03Z)`.
  public var description: String {
    let what =
      switch purpose {
      case .run: "a run"
      case .renew: "a renewal"
      }
    return "\(what) is going on (pid \(pid), since \(since.formatted(.iso8601)))"
  }
}
