import Fleet
import Foundation
import PKI
import Testing

@testable import Controller

@Suite struct AccountKeysTests {
  @Test func aKeyIsMadeOnceEncryptedAndForItsOwnerAlone() throws {
    let state = try temporaryState()
    defer { remove(state) }
    let authority = Authority(id: AuthorityID("lab"), directory: "https://ca.example/dir")

    let first = try AccountKeys(state: state).key(of: authority)
    let second = try AccountKeys(state: state).key(of: authority)

    let path = state + "/accounts/lab.key.pem"
    let pem = try String(contentsOfFile: path, encoding: .utf8)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(first.thumbprint == second.thumbprint)
    #expect(pem.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test func aPassphraseThatOthersCanReadIsRefusedWithTheRemedy() throws {
    let state = try temporaryState()
    defer { remove(state) }
    let secret = state + "/secret"
    try Data("not for everybody\n".utf8).write(to: URL(filePath: secret))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: secret)
    let authority = Authority(id: AuthorityID("lab"), directory: "https://ca.example/dir", keyPassphrase: .file(secret))

    let fault = #expect(throws: CommandFault.self) { try AccountKeys(state: state).key(of: authority) }

    #expect(fault?.text.contains("chmod 600") == true)
    #expect(fault?.exitStatus == 3)
  }

  @Test func aKeyUnderAnotherPassphraseIsNotReplaced() throws {
    let state = try temporaryState()
    defer { remove(state) }
    let authority = Authority(id: AuthorityID("lab"), directory: "https://ca.example/dir")
    _ = try AccountKeys(state: state).key(of: authority)
    let before = try Data(contentsOf: URL(filePath: state + "/accounts/lab.key.pem"))
    try PrivateFile.write(Array("another".utf8), to: state + "/accounts/passphrase")

    #expect(throws: CommandFault.self) { try AccountKeys(state: state).key(of: authority) }

    #expect(try Data(contentsOf: URL(filePath: state + "/accounts/lab.key.pem")) == before)
  }

  // G13: eight first runs at once make one key and one passphrase, and all of them have these.
  @Test func firstRunsAtTheSameTimeShareOneKey() async throws {
    let state = try temporaryState()
    defer { remove(state) }
    let authority = Authority(id: AuthorityID("lab"), directory: "https://ca.example/dir")

    let prints = await withTaskGroup(of: String.self) { group in
      for _ in 0..<8 {
        group.addTask {
          do throws(CommandFault) {
            return try AccountKeys(state: state).key(of: authority).thumbprint
          } catch {
            return error.text
          }
        }
      }
      return await group.reduce(into: Set<String>()) { $0.insert($1) }
    }

    #expect(prints == [try AccountKeys(state: state).key(of: authority).thumbprint])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: state + "/accounts").sorted() == [
        "lab.key.pem", "passphrase",
      ])
  }

  private func temporaryState() throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/cf-keys-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  private func remove(_ path: String) {
    do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
  }
}
