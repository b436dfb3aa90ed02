import Fleet
import Foundation
import PKI
import Testing

@testable import Controller

@Suite struct ControllerKeysTests {
  private static let passphrase = PKISecret("a passphrase for a test")

  /// Keys in a directory of their own, gone after the body.
  private func withKeys(_ body: (ControllerKeys, String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.path + "/cf-ck-\(UUID().uuidString.prefix(8))"
    defer { do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record(error) } }
    try await body(ControllerKeys(directory: directory, passphrase: Self.passphrase), directory)
  }

  private func names() throws -> NameSet { try #require(NameSet(["a.example", "*.b.example"])) }

  @Test(arguments: KeyType.allCases)
  func aKeyOfEveryKindIsKeptEncryptedAndItsRequestNamesEverything(_ type: KeyType) async throws {
    try await withKeys { keys, directory in
      let made = try await keys.make(AttemptID("a1"), names: try names(), key: type, reuse: nil).get()

      let request = try CertificateRequest(pem: made.request)
      #expect(made.node == .controller)
      #expect(Set(request.dnsNames) == ["a.example", "*.b.example"])
      #expect(request.signatureIsValid)
      let pem = try String(contentsOfFile: directory + "/a1.key.pem", encoding: .utf8)
      #expect(pem.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
      #expect(throws: PKIError.passphraseNeeded) { try SigningKey(pem: PKISecret(pem)) }
      let opened = try SigningKey(pem: PKISecret(pem), passphrase: Self.passphrase)
      #expect(opened.publicKeySHA256 == request.publicKeySHA256)
      #expect(opened.kind == type.kind)
      let mode = try FileManager.default.attributesOfItem(atPath: directory + "/a1.key.pem")[.posixPermissions]
      #expect(mode as? Int == 0o600)
    }
  }

  @Test func eachAttemptHasAKeyOfItsOwnUnlessItTakesAnOldOne() async throws {
    try await withKeys { keys, _ in
      func key(_ attempt: String, reuse: String? = nil) async throws -> [UInt8] {
        let made = await keys.make(
          AttemptID(attempt), names: try names(), key: .ecdsaP256, reuse: reuse.map { AttemptID($0) })
        return try CertificateRequest(pem: try made.get().request).publicKeySHA256
      }

      let first = try await key("a1")

      #expect(try await key("a1") == first, "asked again it is the same")
      #expect(try await key("a2") != first, "a renewal has a new one")
      #expect(try await key("a3", reuse: "a1") == first)
    }
  }

  @Test func aKeyToTakeAgainThatIsGoneIsSaid() async throws {
    try await withKeys { keys, directory in
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)

      let made = await keys.make(AttemptID("a2"), names: try names(), key: .ecdsaP256, reuse: AttemptID("gone"))

      #expect(throws: Failure.self) { try made.get() }
      #expect(!FileManager.default.fileExists(atPath: directory + "/a2.key.pem"))
    }
  }

  @Test func onlyTheCertificatesOwnKeyIsSealed() async throws {
    try await withKeys { keys, directory in
      let made = try await keys.make(AttemptID("a1"), names: try names(), key: .ecdsaP256, reuse: nil).get()
      let right = hex(try CertificateRequest(pem: made.request).publicKeySHA256)
      let recipient = try Self.recipient(in: directory)

      let sealed = await keys.seal(AttemptID("a1"), publicKeySHA256: right, for: recipient)
      let wrong = await keys.seal(
        AttemptID("a1"), publicKeySHA256: String(repeating: "0", count: 64), for: recipient)
      let other = ControllerKeys(directory: directory, passphrase: PKISecret("another"))
      let locked = await other.seal(AttemptID("a1"), publicKeySHA256: right, for: recipient)

      #expect(try sealed.get().hasPrefix("-----BEGIN CMS-----"))
      for result in [wrong, locked] {
        guard case .failure(let failure) = result else {
          Issue.record("sealed")
          continue
        }
        #expect(failure.kind == .keyLost)
        #expect(!failure.detail.contains("another passphrase"))
      }
    }
  }

  private static func recipient(in directory: String) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = [
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=r", "-keyout", directory + "/r.key",
      "-out", directory + "/r.pem",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return try String(contentsOfFile: directory + "/r.pem", encoding: .utf8)
  }
}
