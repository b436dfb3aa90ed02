import Fleet
import Foundation
import Testing

@testable import Controller

@Suite struct YAMLReaderTests {
  private func read(_ text: String) -> (root: ConfigurationNode?, faults: [Diagnostic]) {
    YAMLReader.read(text, SourceText(name: "fleet.yaml", bytes: Array(text.utf8), hidesSecrets: true))
  }

  /// H9: aliases of aliases as keys and as values, which a tree's library hashes or copies for minutes.
  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      #"{x: a"b, *a: 1}"#, "? *a\n: 1", "{*a: 1}", "- *a", "{? [*a, *a] : 1}", "<<: *a", "{x: {<<: [*a, *a]}}",
    ])
  func aliasesThatGrowAreStopped(_ end: String) {
    var text = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let inner = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "- &a\(level) [\(inner)]\n"
    }
    let (root, faults) = read(text + "- " + end.replacing("*a", with: "*a12"))

    #expect(root == nil)
    #expect(faults.contains { $0.message.contains("values, counting what aliases stand for") }, "\(faults)")
  }

  /// H9: 8 MiB of equal keys took a reading of the whole text for each.
  @Test(.timeLimit(.minutes(1))) func aFileOfEqualKeysIsReadOnce() {
    let (_, faults) = read(String(repeating: "a: 1\n", count: 160_000))

    #expect(faults.count == 200)
    #expect(faults.first?.message == "“a” stands in this mapping twice; first at line 1")
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["[", "{a: ", "- ", "{? "]) func whatNestsWithoutEndIsStopped(
    _ piece: String
  ) {
    let (root, faults) = read(String(repeating: piece, count: 200_000))

    #expect(root == nil)
    #expect(faults.count == 1)
  }

  @Test func whatAnAliasStandsForIsThere() {
    let (root, faults) = read("a: &x {k: 1, l: [2]}\nb: *x\nc:\n  <<: *x\n  k: 3\n*y : 1\n")

    #expect(root == nil)
    #expect(faults.map(\.message) == ["found undefined alias"])
    let (whole, none) = read("a: &x {k: 1, l: [2]}\nb: *x\nc:\n  <<: *x\n  k: 3\n")
    #expect(none.isEmpty)
    guard case .mapping(let entries)? = whole?.value, entries.count == 3,
      case .mapping(let merged) = entries[2].value.value
    else {
      Issue.record("\(String(describing: whole))")
      return
    }
    #expect(entries[1].value == entries[0].value)
    #expect(merged.map(\.key) == ["k", "l"])
    #expect(merged[0].value.value == .scalar("3", isPlain: true))
  }

  /// H10: however the line of a secret is broken, and wherever the secret goes on, no fault holds a piece of it.
  @Test(arguments: [
    "password:\"SECRETWORD\"", "password: !SECRETWORD", "password: !SECRETWORD x", "password: *SECRETWORD",
    "password: \"SECRET\n    WORD\"", "password: [SECRETWORD\n]", "password: {SECRETWORD: 1}",
    "password: {SECRETWORD: 1, SECRETWORD: 2}",
    "password: SECRETWORD: x", "password: |\nSECRETWORD", "password: 'SECRETWORD", "password: @SECRETWORD",
    "password: \"\\SECRETWORD\"",
    "password:\nSECRETWORD", "\"password: SECRETWORD", "password: SECRETWORD\n      port: SECRETWORD",
    "password_file: SECRETWORD\u{7f}",
    "eab: {kid: a, hmac: SECRETWORD, hmac: SECRETWORD}", "password_env: SECRETWORD-x", "password: &SECRETWORD\n  [",
    "password_env: [SECRETWORD]", "password SECRETWORD: 1", "smtp://u:SECRETWORD@host: 1",
    "user: {password: x, y: [SECRETWORD\nSECRETWORD: 2]}",
    "{password:\"SECRETWORD\", user: x}", "{user: x, password: \"a\nSECRETWORD\nb\", port: y}", "passwordSECRETWORD",
  ])
  func noFaultHoldsASecret(_ line: String) throws {
    for indent in ["", "  ", "      "] {
      let text = """
        state: state
        mail:
          server: smtp://mail.example
        defaults:
          ssh:
        \(indent)\(line)
        pairs:
          - id: web1
        """
      let loaded = try Folder.load(text)
      for fault in loaded.diagnostics {
        let whole = "\(fault.message) \(fault.remedy ?? "") \(fault.excerpt ?? "")"
        #expect(!whole.contains("SECRET") && !whole.contains("WORD"), "\(whole)\n\(text)")
      }
    }
  }

  /// H10: 4,000 mutations of an inventory around its secrets.
  @Test func noMutationMakesAFaultTellASecret() throws {
    let text = """
      authorities:
        - id: le
          directory: https://ca.example/dir
          eab: {kid: one, hmac: SECRETWORD}
      mail:
        to: ops@example.org
        password: "SECRETWORD"
      defaults:
        ssh: { user: certfleet, password: 'SECRETWORD', port: 22 }
      """
    var random = SeededGenerator(seed: 10)
    let pieces = Array("\"'{}[]:,!&*|> -?#%@`~\n\t\\<0a".unicodeScalars)
    // Where the secrets' lines begin behind their keys: what stands before names them as secrets.
    for _ in 0..<4_000 {
      var scalars = Array(text.unicodeScalars)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<scalars.count, using: &random)
        let around = String(String.UnicodeScalarView(scalars[max(0, place - 11)..<min(scalars.count, place + 11)]))
        // A key that is no longer one, or a secret that is another, is not what is tried here.
        if around.contains("password") || around.contains("hmac") && !around.contains(":")
          || around.contains("SECRETWORD")
        {
          continue
        }
        let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
        if Bool.random(using: &random) { scalars[place] = piece } else { scalars.insert(piece, at: place) }
      }
      let mutated = String(String.UnicodeScalarView(scalars))
      guard mutated.contains("hmac") else { continue }
      let loaded = try Folder.load(mutated)
      for fault in loaded.diagnostics {
        let whole = "\(fault.message) \(fault.remedy ?? "") \(fault.excerpt ?? "")"
        #expect(!whole.contains("SECRETW"), "\(whole)\n\(mutated)")
      }
    }
  }
}
