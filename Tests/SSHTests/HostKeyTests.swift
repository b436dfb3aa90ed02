import Foundation
import Testing

@testable import SSH

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct HostKeyTests {
  private let client = SSHClient()

  @Test func withoutAPinNothingIsTrustedAndTheKeyIsShown() async throws {
    let server = try await SSHServer(host: "127.1.0.3", options: ["LogLevel INFO"])

    let error = await failure { () throws(SSHError) in try await client.connect(to: server.target(hostKeys: [])) }
    let log = try server.directory.read("log")

    #expect(error?.kind == .hostKeyUnknown(offered: server.hostKeys))
    #expect(error?.phase == .keyExchange)
    #expect(!log.contains("Accepted") && !log.contains("Failed"), "a login was tried: \(log)")
  }

  @Test func aChangedKeyIsRefusedBeforeAnyLogin() async throws {
    let server = try await SSHServer(host: "127.1.0.3")
    let other = try await SSHServer(host: "127.1.0.3")

    let error = await failure { () throws(SSHError) in
      try await client.connect(to: server.target(hostKeys: other.hostKeys))
    }

    #expect(error?.kind == .hostKeyChanged(pinned: other.hostKeys, offered: server.hostKeys))
    #expect(error?.remedy.contains("do not connect") ?? false)
  }

  /// libssh2's own order has ecdsa first: a pinned ed25519 key would look changed.
  @Test(arguments: ["ssh-ed25519", "ecdsa-sha2-nistp256"])
  func thePinnedTypeIsAskedForWhateverElseTheServerHas(type: String) async throws {
    let server = try await SSHServer(host: "127.1.0.3", hostKeyTypes: ["rsa", "ecdsa", "ed25519"])

    let connection = try await client.connect(to: server.target(hostKeys: server.hostKeys.filter { $0.type == type }))
    let algorithms = await connection.algorithms
    await connection.close()

    #expect(algorithms.contains(type))
    #expect(algorithms.first?.hasPrefix("curve25519-sha256") ?? false)
  }

  @Test func aPinnedTypeThatIsGoneIsAChangedKey() async throws {
    let server = try await SSHServer(host: "127.1.0.3", hostKeyTypes: ["ecdsa"])
    let other = try await SSHServer(host: "127.1.0.3", hostKeyTypes: ["ed25519"])

    let error = await failure { () throws(SSHError) in
      try await client.connect(to: server.target(hostKeys: other.hostKeys))
    }

    #expect(error?.kind == .hostKeyChanged(pinned: other.hostKeys, offered: []))
    #expect(error?.detail.contains("ecdsa-sha2-nistp256") ?? false)
  }

  @Test func scanningShowsEveryKeyThatCanBeChecked() async throws {
    let server = try await SSHServer(host: "127.1.0.3", hostKeyTypes: ["ecdsa", "ed25519"])

    let keys = try await client.scanHostKeys(host: server.host, port: server.port)

    #expect(Set(keys) == Set(server.hostKeys))
    #expect(await client.openConnections == 0)
  }

  @Test(arguments: ["ed25519", "ecdsa", "rsa"])
  func aFingerprintIsTheOneOfSSHKeygen(type: String) async throws {
    let pad = try Scratchpad()
    try tool("/usr/bin/ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", pad.path + "/key")

    let key = try #require(HostKey(openSSH: try pad.read("key.pub")))
    let shown = try tool("/usr/bin/ssh-keygen", "-l", "-f", pad.path + "/key.pub")

    #expect(shown.split(separator: " ").dropFirst().first.map(String.init) == key.fingerprint)
    #expect(try JSONDecoder().decode(HostKey.self, from: JSONEncoder().encode(key)) == key)
  }

  @Test func aLineWhoseTypeDoesNotFitItsKeyIsNoHostKey() async throws {
    let server = try await SSHServer(host: "127.1.0.3")
    let base64 = server.hostKeys[0].openSSH.split(separator: " ")[1]

    #expect(HostKey(openSSH: "ssh-rsa \(base64)") == nil)
    #expect(HostKey(openSSH: "ssh-ed25519 AAAA") == nil)
    #expect(HostKey(openSSH: "ssh-ed25519") == nil)
    #expect(HostKey(openSSH: "ssh-ed25519 \(base64) a comment") == server.hostKeys[0])
  }

  @Test func shaOfTheStandardsExamples() {
    func hex(_ bytes: [UInt8]) -> String {
      bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    #expect(hex(SHA256.hash([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hex(SHA256.hash(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hex(SHA256.hash([UInt8](repeating: 97, count: 1_000)))
        == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
    #expect(hex(SHA1.hash(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
  }
}
