import Foundation
import Testing

/// A real peer of a test: a script of `Tests/Support/NetPeers` or a program, ended with the test.
final class Peer {
  /// What the tests of Net need, apt names in `tools/packages`. Absent tools fail under CI and skip elsewhere.
  static let isUsable: Bool =
    ProcessInfo.processInfo.environment["CI"] != nil
    || ["/usr/bin/python3", "/usr/bin/openssl", "/usr/lib/python3/dist-packages/aiosmtpd"].allSatisfy {
      FileManager.default.fileExists(atPath: $0)
    }

  /// What counts as soon on a machine that runs every test at once, and is far from any deadline that was not kept.
  static let soon = Duration.seconds(20)

  let port: UInt16
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  /// Starts the script and waits for the line with its port.
  init(_ script: String, _ arguments: [String] = []) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    process.executableURL = URL(filePath: "/usr/bin/python3")
    process.arguments = [folder.appending(path: "Support/NetPeers/\(script)").path(percentEncoded: false)] + arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = Data()
    // The peer writes its first line or ends: either ends this loop.
    while line.last != 0x0A, let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
      line += byte
    }
    port = try #require(UInt16(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit { end() }

  /// Ends the peer and waits until it is gone, and its port with it.
  func end() {
    // Its standard input ends here, or with the test process: the script ends itself then.
    input.fileHandleForWriting.closeFile()
    process.waitUntilExit()
  }

  func url(_ path: String, scheme: String = "http", host: String = "127.0.0.1") -> String {
    "\(scheme)://\(host):\(port)\(path)"
  }
}

/// Runs a program to its end and answers with what it wrote.
@discardableResult
func run(_ program: String, _ arguments: [String], input: Data? = nil) throws -> Data {
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(filePath: program)
  process.arguments = arguments
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  let stdin = Pipe()
  process.standardInput = stdin
  try process.run()
  if let input { try stdin.fileHandleForWriting.write(contentsOf: input) }
  try stdin.fileHandleForWriting.close()
  let data = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0, "\(program) \(arguments)")
  return data
}
