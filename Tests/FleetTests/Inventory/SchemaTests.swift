import Foundation
import Testing

@testable import Fleet

/// `inventory/schema.json` and the readers must know the same keys, else an editor praises what `check` refuses.
@Suite struct SchemaTests {
  private func schema() throws -> [String: Any] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("inventory/schema.json")
    return try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  private func keys(_ definition: String?) throws -> Set<String> {
    let schema = try schema()
    guard let definition else { return Set(try #require(schema["properties"] as? [String: Any]).keys) }
    let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
    let properties = try #require(definitions[definition]?["properties"] as? [String: Any], "\(definition)")
    return Set(properties.keys)
  }

  @Test func theSchemaAndTheReadersKnowTheSameKeys() throws {
    let known: [(String?, [String])] = [
      (nil, InventoryReader.rootKeys), ("pace", InventoryReader.paceKeys), ("mail", MailReader.keys),
      ("authority", AuthorityReader.keys), ("customer", CustomerReader.keys), ("pair", PairReader.keys),
      ("vip", PairReader.vipKeys), ("node", NodeReader.keys), ("ssh", NodeReader.sshKeys),
      ("haproxy", TerminationReader.haproxyKeys), ("stunnel", TerminationReader.stunnelKeys),
      ("probe", TerminationReader.probeKeys), ("window", MaintenanceReader.windowKeys),
      ("freeze", MaintenanceReader.freezeKeys), ("override", OverrideReader.keys),
      ("controllerKeys", InventoryReader.controllerKeysKeys),
    ]
    for (definition, keys) in known { #expect(try self.keys(definition) == Set(keys), "\(definition ?? "root")") }
  }

  @Test func theSchemaKnowsEveryWordOfOurs() throws {
    let definitions = try #require(try schema()["$defs"] as? [String: [String: Any]])
    let appliances = try #require(definitions["appliance"]?["enum"] as? [String])
    #expect(appliances == Pair.Appliance.allCases.map(\.rawValue))
    let pair = try #require(definitions["pair"]?["properties"] as? [String: [String: Any]])
    #expect(pair["degraded"]?["enum"] as? [String] == Pair.DegradedPolicy.allCases.map(\.rawValue))
    let override = try #require(definitions["override"]?["properties"] as? [String: [String: Any]])
    #expect(override["limit"]?["enum"] as? [String] == Limit.allCases.map(\.rawValue))
    for closed in ["window", "freeze"] {
      let properties = try #require(definitions[closed]?["properties"] as? [String: [String: Any]])
      #expect(properties["danger"]?["enum"] as? [String] == DangerRule.allCases.map(\.rawValue))
    }
    #expect(pair["keys"]?["enum"] as? [String] == Pair.KeyPlace.allCases.map(\.rawValue))
    let mail = try #require(definitions["mail"]?["properties"] as? [String: [String: Any]])
    #expect(mail["tls"]?["enum"] as? [String] == MailSettings.Security.allCases.map(\.rawValue))
  }
}
