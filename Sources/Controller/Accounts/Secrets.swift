import Fleet
import Foundation

/// Reads secrets from where the inventory says they are. They are never printed, logged or stored.
enum Secrets {
  /// The first line of the file, or the variable's value.
  static func read(_ source: SecretSource) throws(CommandFault) -> String {
    switch source {
    case .environment(let name):
      guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
        throw CommandFault.badInput(
          "the environment variable \(name) is not set; the inventory takes a secret from it")
      }
      return value
    case .credential(let name):
      guard let directory = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"] else {
        throw CommandFault.couldNotRun(
          "the inventory takes a secret from the systemd credential \(name), but no credentials were handed over; "
            + "remedy: LoadCredential=\(name):PATH in the unit")
      }
      return try read(.file(directory + "/" + name))
    case .file(let path):
      let bytes: [UInt8]
      do {
        bytes = try PrivateFile.read(path)
      } catch {
        throw CommandFault.couldNotRun("the secret in \(error.path) \(error.reason)")
      }
      let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
      guard !line.isEmpty else { throw CommandFault.couldNotRun("the secret file \(path) is empty") }
      return String(decoding: line, as: UTF8.self)
    }
  }
}
