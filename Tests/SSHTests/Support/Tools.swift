import Foundation

@testable import SSH

/// Runs a program to its end and gives what it wrote. Foundation's Process is not used: its children inherit the blocked
/// signals of a worker thread, and an sshd that cannot be ended by SIGTERM would outlive the tests.
@discardableResult
func tool(_ words: String...) throws -> String {
  let output = try Scratchpad()
  let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
  defer { close(null) }
  let child = try ChildProcess.spawn(
    ["/bin/sh", "-c", "out=$1; shift; exec \"$@\" >\"$out\" 2>&1", "sh", output.path + "/out"] + words, stdin: null,
    environment: []
  ).get()
  let status = ChildProcess.wait(child, until: .now + .seconds(20))
  let text = try output.read("out")
  if status != 0 { throw ToolFailure(text: "\(words[0]): \(text)") }
  return text
}

struct ToolFailure: Error, CustomStringConvertible {
  let text: String
  var description: String { text }
}

/// A directory that goes away with its owner.
final class Scratchpad: Sendable {
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/certfleet-ssh-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw ToolFailure(text: "mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
  }

  func write(_ text: String, to name: String, mode: Int = 0o600) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path + "/" + name)
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
  }
}

/// Waits until `condition` holds, at most `limit`; the answer says whether it did.
func eventually(within limit: Duration = .seconds(10), _ condition: () async throws -> Bool) async rethrows -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return true }
    do { try await Task.sleep(for: .milliseconds(5)) } catch { break }  // between two looks
  }
  return try await condition()
}

/// True where sshd and its tools stand. In CI they must.
let hasOpenSSH: Bool = {
  let found = ["/usr/sbin/sshd", "/usr/bin/ssh-keygen", "/usr/bin/ssh-agent", "/usr/bin/ssh-add"].allSatisfy {
    FileManager.default.isExecutableFile(atPath: $0)
  }
  return found || ProcessInfo.processInfo.environment["CI"] != nil
}()
