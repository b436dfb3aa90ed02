public import Fleet
import Foundation
public import SSH

/// What one termination of a node holds of one certificate; what its listener shows is for the controller to see.
public struct SeenOnNode: Sendable, Equatable {
  /// The certificate.
  public var spec: SpecID
  /// The termination's place in the node's list.
  public var termination: Int
  /// Disk, list and memory.
  public var sighting: NodeSighting
}

extension RolloutWork {
  /// Says what lies on the disk, what the list names and what memory holds, for each certificate: one exec, whatever their number. Changes
  /// nothing and leaves nothing behind.
  public func look(nonce: Nonce) -> RemoteScript {
    look(LookShell.library, "", verb: "see", locks: false, nonce: nonce)
  }

  /// Reads the answer to `look`.
  public func readLook(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> [SeenOnNode] {
    let transcript = try transcript(result, script)
    var odd: [Int: SeenLeaf] = [:]
    for record in transcript.all("odd") {
      let words = record.words(2)
      if let index = Int(words[0]) { odd[index] = Self.leaf(words[1]) }
    }
    var seen: [Int: SeenOnNode] = [:]
    for record in transcript.all("item") {
      let words = record.words(7)
      guard let index = Int(words[0]), items.indices.contains(index), seen[index] == nil else {
        throw Failure(.interrupted, "the node's evidence is garbled: \(record.rest)", node: node.id)
      }
      let item = items[index]
      seen[index] = SeenOnNode(
        spec: item.file.spec, termination: item.termination.index,
        sighting: NodeSighting(
          disk: Self.disk(words[1], serial: words[2], odd[index]), listing: Self.listing(words[6]),
          memory: Self.memory(words[3], serial: words[4], sha1: words[5])))
    }
    guard seen.count == items.count else {
      throw Failure(.interrupted, "the node told of \(seen.count) of \(items.count) files", node: node.id)
    }
    return seen.sorted { $0.key < $1.key }.map(\.value)
  }

  private static func disk(_ word: String, serial: String, _ odd: SeenLeaf?) -> NodeSighting.Disk {
    switch word {
    case "none": return .nothing
    case "unreadable": return .leaf(.unreadable)
    default:
      return .leaf(
        SeenLeaf(
          sha256: word, serial: serial == "-" ? "" : serial, issuer: odd?.issuer, notAfter: odd?.notAfter))
    }
  }

  private static func listing(_ word: String) -> NodeSighting.Listing {
    switch word {
    case "named": .named
    case "missing": .missing
    default: .notAsked
    }
  }

  private static func memory(_ word: String, serial: String, sha1: String) -> NodeSighting.Memory {
    let leaf = SeenLeaf(sha1: sha1.lowercased(), serial: serial == "-" ? "" : serial)
    switch word {
    case "used": return .leaf(leaf)
    case "unused": return .unused(leaf)
    case "absent": return .nothing
    default: return .notAsked
    }
  }

  /// `Feb 26 10:30:00 2027 GMT|Issuer`, as openssl says it.
  private static func leaf(_ text: String) -> SeenLeaf {
    let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let issuer = parts.count > 1 && !parts[1].isEmpty ? parts[1] : nil
    return SeenLeaf(serial: "", issuer: issuer, notAfter: parts.first.flatMap(date))
  }

  static func date(_ text: String) -> Date? {
    let words = text.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count >= 4, let month = months.firstIndex(of: String(words[0])), let day = Int(words[1]),
      let year = Int(words[3])
    else { return nil }
    let clock = words[2].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3 else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return calendar.date(
      from: DateComponents(
        year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2]))
  }
}
