import Fleet
import Foundation

/// The inventory as it was last read without faults, kept in the state directory: a sweep goes on with it while the files have a fault.
///
/// It holds the parsed files without their comments, and the files of limits that they name. An inventory without faults has no secrets in it,
/// only the places of secrets.
struct KeptInventory: Codable {
  /// A file of another form is read as if there were none.
  static let version = 1

  /// The form of this file.
  var version = Self.version
  /// When the files were read.
  var readAt: Date
  /// What `~/` meant in them.
  var home: String
  /// The root file first.
  var files: [File]
  /// The text of each file of limits, by its path.
  var limits: [String: String]

  /// One parsed file.
  struct File: Codable {
    /// As people name it.
    var name: String
    /// Absolute.
    var path: String
    /// Where its relative paths start from.
    var directory: String
    /// What is in it.
    var root: ConfigurationNode?
  }

  /// Collects what was read.
  init(_ documents: [ConfigurationDocument], of inventory: Inventory, home: String, at now: Date) {
    readAt = now
    self.home = home
    files = documents.map { File(name: $0.source.name, path: $0.path, directory: $0.directory, root: $0.root) }
    limits = [:]
    for authority in inventory.authorities {
      guard case .file(let path) = authority.limits else { continue }
      do throws(TextFile.Fault) {
        limits[path] = String(decoding: try TextFile.read(path, limit: LimitTables.maximumBytes), as: UTF8.self)
      } catch {
        // It was read a moment ago; without its text a later sweep goes by the file itself.
        limits[path] = nil
      }
    }
  }

  static func path(in state: String) -> String { state + "/inventory.json" }

  /// Keeps it, private to its owner.
  func save(in state: String) throws(PrivateFile.Fault) {
    let bytes: [UInt8]
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      bytes = Array(try encoder.encode(self))
    } catch {
      throw PrivateFile.Fault(path: Self.path(in: state), reason: "\(error)")
    }
    try PrivateFile.write(bytes, to: Self.path(in: state))
  }

  /// What is kept there of the inventory with this root file; nil where nothing is, or nothing that this certfleet understands.
  static func load(from state: String, root: String) -> KeptInventory? {
    do {
      let bytes = try PrivateFile.read(path(in: state))
      let kept = try JSONDecoder().decode(KeptInventory.self, from: Data(bytes))
      return kept.version == version && kept.files.first?.path == root ? kept : nil
    } catch {
      return nil
    }
  }

  /// The inventory again; lists of domains are looked for anew by whoever wants them. Nil where a newer certfleet finds faults in it.
  var inventory: Inventory? {
    let documents = files.map { file in
      ConfigurationDocument(
        source: SourceText(name: file.name, bytes: []), path: file.path, directory: file.directory,
        root: file.root?.placed(in: file.name))
    }
    return InventoryReader.read(documents, home: home).inventory
  }
}
