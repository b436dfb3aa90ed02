import Foundation
import Glibc
import Synchronization
import Testing

/// Real tools of this machine. A missing one fails where `CI` is set and skips with its name elsewhere.
enum Tool: String, CaseIterable {
  case haproxy, stunnel, openssl, socat, dash, bash, busybox, python3, perl

  /// Where it is, if it is.
  var path: String? {
    let places = ["/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/"]
    return places.map { $0 + rawValue }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether a test that needs these tools can run; in CI it runs and fails.
  static func areHere(_ tools: Tool...) -> Bool {
    ProcessInfo.processInfo.environment["CI"] != nil || tools.allSatisfy { $0.path != nil }
  }
}

/// What a finished local program left.
struct Finished {
  var status: Int32
  var stdout: [UInt8]
  var stderr: [UInt8]
  var text: String { String(decoding: stdout, as: UTF8.self) }
}

enum Run {
  /// Runs a program to its end, its streams through files so that no pipe can fill.
  @discardableResult
  static func program(
    _ path: String, _ arguments: [String], stdin: [UInt8] = [], environment: [String: String]? = nil,
    during: ((Int32) -> Void)? = nil
  ) throws -> Finished {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "cf-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { do { try FileManager.default.removeItem(at: scratch) } catch { Issue.record(error) } }
    let names = ["in", "out", "err"].map { scratch.appending(path: $0) }
    try Data(stdin).write(to: names[0])
    try Data().write(to: names[1])
    try Data().write(to: names[2])
    let pid = try spawn(path, arguments, names.map { $0.path() }, environment)
    var status: Int32 = 0
    if let during {
      while waitpid(pid, &status, WNOHANG) == 0 { during(pid) }
    } else {
      waitpid(pid, &status, 0)
    }
    return Finished(
      status: status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f,
      stdout: Array(try Data(contentsOf: names[1])),
      stderr: Array(try Data(contentsOf: names[2])))
  }

  /// Foundation's `Process` waits for every descendant that holds its socket, so for ever once a program becomes a daemon; hence by hand.
  private static func spawn(
    _ path: String, _ arguments: [String], _ streams: [String], _ environment: [String: String]?
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, file) in streams.enumerated() {
      posix_spawn_file_actions_addopen(&actions, Int32(number), file, number == 0 ? O_RDONLY : O_WRONLY | O_APPEND, 0)
    }
    let variables = (environment ?? ProcessInfo.processInfo.environment).map { "\($0.key)=\($0.value)" }
    let argv = ([path] + arguments).map { strdup($0) } + [nil]
    let envp = variables.map { strdup($0) } + [nil]
    defer { (argv + envp).forEach { free($0) } }
    // libdispatch's threads block every signal, and a child would inherit that: a daemon deaf to SIGHUP.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid: pid_t = 0
    let code = starting.withLock { _ in posix_spawn(&pid, path, &actions, &attributes, argv, envp) }
    try #require(code == 0, "cannot start \(path): \(code)")
    return pid
  }

  /// A program that another test's child still holds open for writing cannot be started (ETXTBSY): nobody forks while one is written.
  private static let starting = Mutex(())

  /// Makes a program of shell text.
  static func install(_ script: String, at path: String) throws {
    let file = URL(filePath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try starting.withLock { _ in try Data("#!/bin/sh\n\(script)".utf8).write(to: file) }
    chmod(path, 0o755)
  }

  /// Runs openssl and demands success.
  @discardableResult
  static func openssl(_ arguments: String..., stdin: String = "") throws -> String {
    let path = try #require(Tool.openssl.path, "openssl is not installed")
    let finished = try program(path, arguments, stdin: Array(stdin.utf8))
    try #require(finished.status == 0, "\(arguments): \(String(decoding: finished.stderr, as: UTF8.self))")
    return finished.text
  }

  /// Waits until a condition holds, or fails after the deadline.
  static func until(_ what: String, seconds: Double = 60, _ condition: () throws -> Bool) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while try !condition() {
      try #require(Date() < deadline, "waited too long: \(what)")
      usleep(20_000)  // between two looks
    }
  }
}
