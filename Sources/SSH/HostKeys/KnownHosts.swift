import Foundation

/// Reads OpenSSH's known_hosts for import. It is not our trust store: the inventory's pins are.
///
/// Limits, each reported as a `Line.Skipped`: `@revoked` and `@cert-authority` lines, patterns with wildcards or negation,
/// and SSH-1 keys are not imported. Hashed names (`|1|…`) are found by `keys(for:port:)` only, since they cannot be listed.
public struct KnownHosts: Sendable {
  /// One usable line: some names of a host, and a key of it.
  public struct Entry: Sendable, Equatable {
    /// The name as it stands in the file: `node1`, `192.0.2.7`, `[node1]:2222`, or a hash.
    public let hostPattern: String
    /// The key.
    public let key: HostKey
    /// The line's number, from 1.
    public let line: Int
    /// True for `|1|salt|hash`.
    public var isHashed: Bool { hostPattern.hasPrefix("|1|") }
  }

  /// A line that was left out, and why.
  public struct Skipped: Sendable, Equatable {
    /// The line's number, from 1.
    public let line: Int
    /// In words, for a person.
    public let reason: String
  }

  /// What can be imported.
  public let entries: [Entry]
  /// What cannot.
  public let skipped: [Skipped]
  /// Keys that a `@revoked` line forbids: never to be pinned, whatever another line says.
  public let revoked: [HostKey]

  /// Reads the text of a known_hosts file; no line can make the others fail.
  public static func parse(_ text: String) -> KnownHosts {
    var entries: [Entry] = []
    var skipped: [Skipped] = []
    var revoked: [HostKey] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      func skip(_ reason: String) { skipped.append(Skipped(line: index + 1, reason: reason)) }
      var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      let marker = first.hasPrefix("@") ? String(words.removeFirst()) : nil
      guard words.count >= 3, let key = HostKey(openSSH: words[1] + " " + words[2]) else {
        skip("no host name, key type and key")
        continue
      }
      switch marker {
      case nil: break
      case "@revoked":
        revoked.append(key)
        skip("@revoked: the key is not imported and must not be pinned")
        continue
      case "@cert-authority":
        skip("@cert-authority: host certificates are not supported; pin the host's own key")
        continue
      case let other?:
        skip("unknown marker \(SSHError.printable(other))")
        continue
      }
      for name in words[0].split(separator: ",") {
        if name.contains(where: { "*?!".contains($0) }) {
          skip("pattern \(SSHError.printable(String(name))): only plain names can be pinned")
        } else {
          entries.append(Entry(hostPattern: String(name), key: key, line: index + 1))
        }
      }
    }
    return KnownHosts(
      entries: entries.filter { !revoked.contains($0.key) }, skipped: skipped, revoked: revoked)
  }

  /// The keys of a host, by plain or hashed name, each once; a port other than 22 is looked up as `[host]:port`.
  public func keys(for host: String, port: UInt16 = 22) -> [HostKey] {
    let name = port == 22 ? host.lowercased() : "[\(host.lowercased())]:\(port)"
    var keys: [HostKey] = []
    for entry in entries where KnownHosts.matches(entry, name) && !keys.contains(entry.key) { keys.append(entry.key) }
    return keys
  }

  /// `|1|salt|hash`: HMAC-SHA1 of the name under the salt, both in base64.
  private static func matches(_ entry: Entry, _ name: String) -> Bool {
    guard entry.isHashed else { return entry.hostPattern.lowercased() == name }
    let parts = entry.hostPattern.split(separator: "|")
    guard parts.count == 3, let salt = Data(base64Encoded: String(parts[1])),
      let hash = Data(base64Encoded: String(parts[2]))
    else { return false }
    return SHA1.authenticate(Array(name.utf8), key: Array(salt)) == Array(hash)
  }
}
