import Foundation

/// Runs a program to its end and gives what it wrote.
func tool(_ path: String, _ arguments: String..., input: String = "") throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = arguments
  let output = Pipe()
  let inlet = Pipe()
  process.standardOutput = output
  process.standardError = output
  process.standardInput = inlet
  try process.run()
  try inlet.fileHandleForWriting.write(contentsOf: Data(input.utf8))
  try inlet.fileHandleForWriting.close()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  let text = String(decoding: data, as: UTF8.self)
  if process.terminationStatus != 0 { throw ToolFailure(text: "\(path): \(text)") }
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
    await Task.yield()
    usleep(2_000)  // between two looks
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
