import Glibc
import Synchronization

/// A process of a test, with one socket as its standard input and output.
///
/// Not Foundation's `Process`: it hands the pipes of one child to the next, so that no input ever ends, and its wait needs
/// the run loop of the thread that started it.
final class Child: Sendable {
  struct CannotStart: Error { var program: String }

  private let socket: Int32
  private let process: pid_t
  private let status = Mutex<Int32?>(nil)

  init(_ program: String, _ arguments: [String]) throws {
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutableBytes(of: &ends) { bytes in
      socketpair(
        AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, bytes.bindMemory(to: Int32.self).baseAddress)
    }
    guard made == 0 else { throw CannotStart(program: program) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends.1, 0)
    posix_spawn_file_actions_adddup2(&actions, ends.1, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let spawned = posix_spawn(&process, program, &actions, nil, words, environ)
    posix_spawn_file_actions_destroy(&actions)
    close(ends.1)
    guard spawned == 0 else {
      close(ends.0)
      throw CannotStart(program: program)
    }
    socket = ends.0
    self.process = process
  }

  deinit {
    end()
    close(socket)
  }

  /// Writes all of it, and no more comes after it.
  func write(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { break }
      sent += count
    }
    shutdown(socket, Int32(SHUT_WR))
  }

  /// Reads until it is enough, or the child has ended its output.
  func read(until isEnough: ([UInt8]) -> Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65536)
    while !isEnough(bytes) {
      let count = recv(socket, &part, part.count, 0)
      guard count > 0 else { break }
      bytes += part[..<count]
    }
    return bytes
  }

  /// Ends the child's input, at which every one of ours ends, and waits for it. Answers with its status, 0 for a success.
  @discardableResult
  func end() -> Int32 {
    shutdown(socket, Int32(SHUT_RDWR))
    return status.withLock { known in
      if let known { return known }
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      known = status
      return status
    }
  }
}
