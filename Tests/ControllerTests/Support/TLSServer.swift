import Foundation
import Testing

/// `openssl s_server` on a port of 127.0.0.1 that the system chose; ends with the value.
final class TLSServer {
  let port: UInt16
  private let process = Process()

  /// Serves one certificate to everybody, with the chain in the file behind the leaf.
  init(certificate: String, key: String, chain: String? = nil) throws {
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments =
      ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-naccept", "1000"]
      + (chain.map { ["-cert_chain", $0] } ?? [])
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
    let line = try #require(said.split(separator: "\n").first { $0.hasPrefix("ACCEPT") })
    port = try #require(line.split(separator: ":").last.flatMap { UInt16($0.prefix { $0.isNumber }) })
  }

  deinit { process.terminate() }
}
