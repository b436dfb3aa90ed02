import Foundation
import Testing

/// `openssl s_server` on a port of 127.0.0.1, one that the system chose unless another is asked for; ends with the value.
final class TLSServer {
  let port: UInt16
  private let process = Process()
  private var isStopped = false

  /// Serves one certificate to everybody, with the chain in the file behind the leaf; the companion, of another kind of key, to those who take
  /// no other.
  init(certificate: String, key: String, chain: String? = nil, companion: String? = nil, port wanted: UInt16 = 0) throws
  {
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments =
      ["s_server", "-accept", "127.0.0.1:\(wanted)", "-cert", certificate, "-key", key, "-naccept", "1000"]
      + (chain.map { ["-cert_chain", $0] } ?? [])
      + (companion.map { ["-dcert", $0 + ".pem", "-dkey", $0 + ".key"] } ?? [])
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // An end of file on its input would end it.
    process.standardInput = Pipe()
    try process.run()
    var said = ""
    while !said.contains("\n") || !said.contains("ACCEPT") {
      let more = output.fileHandleForReading.availableData
      try #require(!more.isEmpty, "openssl s_server ended: \(said)")
      said += String(decoding: more, as: UTF8.self)
    }
    // It tells a port that it did not choose itself to nobody.
    let chosen = said.split(separator: "\n").first { $0.hasPrefix("ACCEPT") }?.split(separator: ":").last
    port = try wanted > 0 ? wanted : #require(chosen.flatMap { UInt16($0.prefix { $0.isNumber }) })
  }

  /// Nobody listens there any more once it is back.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    // It has inherited the mask of a thread that holds SIGTERM back.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  deinit { stop() }
}
