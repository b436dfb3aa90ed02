/// What the readers of the inventory's parts share.
struct ReadingContext {
  /// Where faults go.
  let faults: FaultCollector
  /// The folder of each file, by the file's name as shown.
  let directories: [String: String]
  /// What `~/` means in a path on the controller.
  let home: String
  /// Where the files that are named are noted, so that the caller can look whether they are there.
  let references: ReferenceList

  /// Gathers references during one reading.
  final class ReferenceList {
    var files: [FileReference] = []
  }

  /// A scalar's text: one line, not empty. Booleans and numbers are texts too; their readers decide.
  func text(_ node: ConfigurationNode, _ what: String) -> String? {
    guard case .scalar(let text, _) = node.value, !node.isNull else {
      faults.error(
        at: node.location, "\(what) is \(node.kind), and must be a text", remedy: "write one value on the line")
      return nil
    }
    let trimmed = text.drop { $0.isWhitespace }
    guard !trimmed.isEmpty else {
      faults.error(at: node.location, "\(what) is empty", remedy: "write a value, or leave the key out")
      return nil
    }
    guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
      faults.error(
        at: node.location, "\(what) has a line end or another control character in it", remedy: "write it on one line")
      return nil
    }
    return text
  }

  /// “pair “web1””: how faults name a mapping, from its id where that is one. Finds no faults.
  func title(_ kind: String, of node: ConfigurationNode, otherwise: String) -> String {
    guard case .mapping(let entries) = node.value,
      case .scalar(let id, _)? = entries.first(where: { $0.key == "id" })?.value.value, Identifier.isValid(id)
    else { return otherwise }
    faults.know([id])
    return "\(kind) “\(id)”"
  }

  /// An id, or a fault.
  func identifier(_ text: String, at location: SourceLocation) -> String? {
    if Identifier.isValid(text) { return text }
    faults.error(
      at: location, "“\(Printable.short(text, 64))” is no id",
      remedy:
        "ids start with a letter or digit, go on with letters, digits, “.”, “_” or “-”, and have at most 64 characters")
    return nil
  }

  /// A path on the controller made absolute; noted for the caller when it is one to be read.
  func path(_ text: String, at location: SourceLocation, _ purpose: FileReference.Purpose?) -> String {
    let path = absolute(text, from: directories[location.file] ?? "/")
    if let purpose { references.files.append(FileReference(path: path, location: location, purpose: purpose)) }
    return path
  }

  private func absolute(_ text: String, from directory: String) -> String {
    if text.hasPrefix("/") { return PathText.normalized(text) }
    if text == "~" || text.hasPrefix("~/") { return PathText.normalized(home + text.dropFirst()) }
    return PathText.normalized(directory + "/" + text)
  }
}

/// A file on the controller that the inventory names.
public struct FileReference: Sendable, Equatable {
  /// The absolute path, or a pattern where the purpose is `domains`.
  public var path: String
  /// Where it is named.
  public var location: SourceLocation
  /// What it is for.
  public var purpose: Purpose

  /// What a named file is for.
  public enum Purpose: Sendable, Equatable {
    /// A secret under the given key: must be nobody else's to read, and its name is not repeated in faults, in case it is the secret.
    case secret(key: String)
    /// A private key.
    case privateKey
    /// PEM certificates.
    case certificates
    /// The public suffix list.
    case suffixList
    /// A set of rate limits.
    case limits
    /// CSV files, with `*`, `?` and `[…]`.
    case domains
  }
}

/// Paths as text: nothing is looked up on a disk.
enum PathText {
  /// Without `.`, `..` and double slashes. Symbolic links are not followed.
  static func normalized(_ path: some StringProtocol) -> String {
    var parts: [Substring] = []
    for part in String(path).split(separator: "/") {
      switch part {
      case ".": continue
      case "..": parts = parts.dropLast()
      default: parts.append(part)
      }
    }
    return "/" + parts.joined(separator: "/")
  }
}
