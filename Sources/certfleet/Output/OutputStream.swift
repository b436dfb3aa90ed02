import Glibc

/// stdout or stderr by write(2). Foundation's `FileHandle.write` ends the process where a disk is full or a reader has gone.
struct OutputStream {
  static let standardOutput = OutputStream(descriptor: STDOUT_FILENO)
  static let standardError = OutputStream(descriptor: STDERR_FILENO)

  /// Why something could not be written.
  struct Problem: Error, Equatable {
    let code: Int32

    /// The reader has gone (`| head`): it has all that it wanted.
    var isReaderGone: Bool { code == EPIPE }
    var text: String { String(cString: strerror(code)) }
  }

  /// How long a reader that shares a non-blocking pipe with us may keep it full. Milliseconds.
  private static let patience: Int32 = 10_000

  let descriptor: Int32

  /// Opens /dev/null where one of the three streams was closed (`>&-`): else the next file opened would get what is said.
  static func closeGaps() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Writes all of it, or says why not; never ends the process (SIGPIPE is ignored, see `Certfleet.main`).
  func write(_ text: String) -> Result<Void, Problem> {
    var text = text
    return text.withUTF8 { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeBufferPointer(rebasing: rest)
        let count = Glibc.write(descriptor, part.baseAddress, part.count)
        if count >= 0 {
          rest = rest.dropFirst(count)
          continue
        }
        let code = errno
        if code == EINTR || (code == EAGAIN && hasRoom()) { continue }
        return .failure(Problem(code: code))
      }
      return .success(())
    }
  }

  private func hasRoom() -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&entry, 1, Self.patience) != 0
  }
}
