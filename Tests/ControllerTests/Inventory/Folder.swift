import Controller
import Fleet
import Foundation

/// A folder of its own for one test, removed with it.
final class Folder {
  let path: String

  init() {
    let url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("certfleet-test-" + UUID().uuidString)
    path = url.path
    write("keep", [])
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      print("left behind: \(path)")
    }
  }

  func write(_ name: String, _ bytes: [UInt8]) {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: url)
    } catch {
      print("not written: \(name)")
    }
  }

  /// What came of an inventory, and where it lay.
  struct Loaded {
    var inventory: Inventory?
    var diagnostics: [Diagnostic]
    var folder: String
  }

  static func load(_ text: String, _ others: [String: String] = [:]) throws -> Loaded {
    try load(bytes: Array(text.utf8), others)
  }

  static func load(bytes: [UInt8], _ others: [String: String] = [:]) throws -> Loaded {
    let folder = Folder()
    folder.write("fleet.yaml", bytes)
    for (name, content) in others { folder.write(name, Array(content.utf8)) }
    let loaded = try InventoryLoader.load(path: folder.path + "/fleet.yaml", home: "/home/ops")
    return Loaded(inventory: loaded.inventory, diagnostics: loaded.diagnostics, folder: folder.path)
  }
}
