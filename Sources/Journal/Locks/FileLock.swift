import Glibc

/// An exclusive lock on a whole file that the kernel drops when the process dies, however it dies.
///
/// An open-file-description lock (fcntl(2)): unlike a plain POSIX lock it is not lost when some other part of the process closes the same
/// file, and unlike flock(2) it can be asked about without being taken.
struct FileLock: ~Copyable, Sendable {
  private let descriptor: Int32

  // <asm-generic/fcntl.h>, the same on every Linux architecture; Glibc's Swift overlay leaves them out.
  private static let queryCommand: Int32 = 36  // F_OFD_GETLK
  private static let setCommand: Int32 = 37  // F_OFD_SETLK

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Takes the lock, or answers nil when somebody else has it.
  static func tryAcquire(_ path: String) throws(JournalError) -> FileLock? {
    let descriptor = try OwnFile.open(path, O_RDWR | O_CREAT)
    let lock = FileLock(descriptor: descriptor)
    var request = flock()
    request.l_type = Int16(F_WRLCK)
    request.l_whence = Int16(SEEK_SET)
    if withUnsafeMutablePointer(to: &request, { fcntl(descriptor, setCommand, UnsafeMutableRawPointer($0)) }) == 0 {
      return lock
    }
    switch errno {
    case EAGAIN, EACCES: return nil
    default: throw .system(path: path, detail: StateDirectory.errorText(errno))
    }
  }

  /// Waits for the lock; for short, local critical sections only.
  static func acquire(_ path: String, within seconds: Int) throws(JournalError) -> FileLock {
    for _ in 0..<(seconds * 200) {
      if let lock = try tryAcquire(path) { return lock }
      usleep(5_000)
    }
    throw .busy(path: path)
  }

  /// Whether anybody holds the lock, without touching it.
  static func isHeld(_ path: String) throws(JournalError) -> Bool {
    guard access(path, F_OK) == 0 || errno != ENOENT else { return false }
    let descriptor = try OwnFile.open(path, O_RDWR)
    defer { close(descriptor) }
    var request = flock()
    request.l_type = Int16(F_WRLCK)
    request.l_whence = Int16(SEEK_SET)
    guard withUnsafeMutablePointer(to: &request, { fcntl(descriptor, queryCommand, UnsafeMutableRawPointer($0)) }) == 0
    else { throw .system(path: path, detail: StateDirectory.errorText(errno)) }
    return request.l_type != Int16(F_UNLCK)
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
