import Foundation
import Glibc
import Synchronization

/// An exclusive lock on a whole file that the kernel drops when the process dies, however it dies.
///
/// An open-file-description lock (fcntl(2)): unlike a plain POSIX lock it is not lost when some other part of the process closes the same
/// file, and unlike flock(2) it can be asked about without being taken.
struct FileLock: ~Copyable, Sendable {
  private let descriptor: Int32

  // <asm-generic/fcntl.h>, the same on every Linux architecture; Glibc's Swift overlay leaves them out.
  private static let queryCommand: Int32 = 36  // F_OFD_GETLK
  private static let setCommand: Int32 = 37  // F_OFD_SETLK
  private static let waitCommand: Int32 = 38  // F_OFD_SETLKW

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Takes the lock, or answers nil when somebody else has it.
  static func tryAcquire(_ path: String) throws(JournalError) -> FileLock? {
    let descriptor = try OwnFile.open(path, O_RDWR | O_CREAT)
    let lock = FileLock(descriptor: descriptor)
    if control(descriptor, setCommand) != nil { return lock }
    switch errno {
    case EAGAIN, EACCES: return nil
    default: throw .system(path: path, detail: StateDirectory.errorText(errno))
    }
  }

  /// Hands a lock of the whole file to fcntl(2); what the kernel answers, or nil with `errno` set.
  private static func control(_ descriptor: Int32, _ command: Int32) -> flock? {
    var request = flock()
    request.l_type = Int16(F_WRLCK)
    request.l_whence = Int16(SEEK_SET)
    let status = withUnsafeMutablePointer(to: &request) { fcntl(descriptor, command, UnsafeMutableRawPointer($0)) }
    return status == 0 ? request : nil
  }

  /// Waits for the lock; for short, local critical sections only. The kernel wakes a thread of its own, which nobody waits for too long.
  static func acquire(_ path: String, within seconds: Int) throws(JournalError) -> FileLock {
    if let lock = try tryAcquire(path) { return lock }
    let waiting = Waiting(descriptor: try OwnFile.open(path, O_RDWR | O_CREAT))
    Thread.detachNewThread { waiting.wait() }
    switch waiting.outcome(within: seconds) {
    case .got: return FileLock(descriptor: waiting.descriptor)
    case .failed(let code): throw .system(path: path, detail: StateDirectory.errorText(code))
    case .givenUp: throw .busy(path: path)
    }
  }

  /// A wait for the lock on a thread of its own.
  private final class Waiting: Sendable {
    enum Outcome: Sendable, Equatable {
      case got, givenUp
      case failed(Int32)
    }

    let descriptor: Int32
    private let state = Mutex<Outcome?>(nil)
    private let bell = DispatchSemaphore(value: 0)

    init(descriptor: Int32) { self.descriptor = descriptor }

    func wait() {
      var found: Outcome
      repeat {
        found = FileLock.control(descriptor, FileLock.waitCommand) != nil ? .got : .failed(errno)
      } while found == .failed(EINTR)
      let isWanted = state.withLock { state in
        if state == .givenUp { return false }
        state = found
        return true
      }
      // With the descriptor goes a lock that came too late.
      if !isWanted || found != .got { close(descriptor) }
      bell.signal()
    }

    func outcome(within seconds: Int) -> Outcome {
      _ = bell.wait(timeout: .now() + .seconds(seconds))
      return state.withLock { state in
        if let state { return state }
        state = .givenUp
        return .givenUp
      }
    }
  }

  /// Whether anybody holds the lock, without touching it.
  static func isHeld(_ path: String) throws(JournalError) -> Bool {
    guard access(path, F_OK) == 0 || errno != ENOENT else { return false }
    let descriptor = try OwnFile.open(path, O_RDWR)
    defer { close(descriptor) }
    guard let found = control(descriptor, queryCommand) else {
      throw .system(path: path, detail: StateDirectory.errorText(errno))
    }
    return found.l_type != Int16(F_UNLCK)
  }

  /// Lets go.
  consuming func release() {}

  /// Replaces what the file says.
  func write(_ bytes: [UInt8]) throws(JournalError) {
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      throw .system(path: "lock file", detail: StateDirectory.errorText(errno))
    }
  }
}
