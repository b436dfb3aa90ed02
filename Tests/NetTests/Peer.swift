import Foundation
import Testing

/// A real peer of a test: a script of `Tests/Support/NetPeers`, ended with the test.
final class Peer: Sendable {
  /// What the tests of Net need, apt names in `tools/packages`. Absent tools fail under CI and skip elsewhere.
  static let isUsable: Bool =
    ProcessInfo.processInfo.environment["CI"] != nil
    || ["/usr/bin/python3", "/usr/bin/openssl", "/usr/lib/python3/dist-packages/aiosmtpd"].allSatisfy {
      FileManager.default.fileExists(atPath: $0)
    }

  /// What counts as soon on a machine that runs every test at once, and is far from any deadline that was not kept.
  static let soon = Duration.seconds(20)

  let port: UInt16
  private let child: Child

  /// Starts the script and waits for the line with its port.
  static func start(_ script: String, _ arguments: [String] = []) async throws -> Peer {
    try await offPool { try Peer(script, arguments) }
  }

  private init(_ script: String, _ arguments: [String]) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let path = folder.appending(path: "Support/NetPeers/\(script)").path(percentEncoded: false)
    child = try Child("/usr/bin/python3", [path] + arguments)
    let line = child.read { $0.last == 0x0A }
    port = try #require(UInt16(String(decoding: line.dropLast(), as: UTF8.self)), "\(script) did not start")
  }

  /// Ends the peer and waits until it is gone, and its port with it.
  func end() { child.end() }

  func url(_ path: String, scheme: String = "http", host: String = "127.0.0.1") -> String {
    "\(scheme)://\(host):\(port)\(path)"
  }
}

/// Does blocking work on a thread of its own: the tests share Swift's two threads with what they measure.
func offPool<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    Thread { continuation.resume(with: Swift.Result(catching: work)) }.start()
  }
}

/// Runs a program to its end and answers with what it wrote.
@discardableResult
func run(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws -> [UInt8] {
  try await offPool {
    let child = try Child(program, arguments)
    child.write(input)
    let output = child.read { _ in false }
    try #require(child.end() == 0, "\(program) \(arguments)")
    return output
  }
}
