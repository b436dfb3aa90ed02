import Foundation
import Testing

/// A case that lies in a JSON file of its own; its name is the file's.
protocol CaseFile: Decodable, Sendable, CustomTestStringConvertible {
  var note: String { get }
  var name: String? { get set }
}

extension CaseFile {
  var testDescription: String { name ?? note }

  /// Every case of a folder of `Tests/Support/ApplianceCases`, by name.
  static func all(in folder: String) throws -> [Self] {
    let folder = applianceCases.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix(".json") }.sorted()
      .map { name in
        var one = try JSONDecoder().decode(Self.self, from: Data(contentsOf: folder.appending(path: name)))
        one.name = String(name.dropLast(5))
        return one
      }
  }
}

/// The folder of the cases, and of what stands in for a node's programs in them.
let applianceCases = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Support/ApplianceCases")
