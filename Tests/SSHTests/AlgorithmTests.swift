import Foundation
import Testing

@testable import SSH

/// What libssh2 1.10 cannot negotiate is recognised and said, with the remedy; 1.11.1 simply connects.
@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct AlgorithmTests {
  private let client = SSHClient()

  private func expect(_ word: String, remedy: String, options: [String], hostKeyTypes: [String] = ["ed25519"])
    async throws
  {
    let server = try await SSHServer(host: "127.1.0.9", options: options, hostKeyTypes: hostKeyTypes)

    let error = await failure { () throws(SSHError) in
      let connection = try await client.connect(to: server.target())
      await connection.close()
    }

    guard NativeSession.signsRSAWithSHA1Only else { return #expect(error == nil) }
    guard case .noCommonAlgorithm(let detail, let advice)? = error?.kind else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(detail.contains(word))
    #expect(advice.contains(remedy))
  }

  @Test func aServerWithOnlyEncryptThenMAC() async throws {
    try await expect(
      "MAC", remedy: "hmac-sha2-256", options: ["MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"])
  }

  @Test func aServerWithOnlyAuthenticatedCiphers() async throws {
    try await expect(
      "cipher", remedy: "aes128-ctr", options: ["Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com"])
  }

  @Test func aServerWithOnlyAnRSAHostKey() async throws {
    try await expect("host key", remedy: "ed25519", options: [], hostKeyTypes: ["rsa"])
  }

  /// Neither library knows this one.
  @Test func aServerWithOnlyPostQuantumKeyExchangeIsNamed() async throws {
    let server = try await SSHServer(
      host: "127.1.0.9", options: ["KexAlgorithms sntrup761x25519-sha512@openssh.com"])

    let error = await failure { () throws(SSHError) in try await client.connect(to: server.target()) }

    guard case .noCommonAlgorithm(let detail, let advice)? = error?.kind else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(detail.contains("sntrup761"))
    #expect(advice.contains("curve25519"))
  }

  @Test func anOldServerWithFourteenSHA1StillConnects() async throws {
    let server = try await SSHServer(
      host: "127.1.0.9",
      options: ["KexAlgorithms diffie-hellman-group14-sha1", "MACs hmac-sha1", "Ciphers aes256-ctr"])

    let result = try await client.withConnection(to: server.target()) { connection throws(SSHError) in
      try await connection.run("echo old")
    }

    #expect(result.text == "old\n")
  }

  @Test func aDamagedProposalIsNone() {
    #expect(ServerProposal(opening: []) == nil)
    #expect(ServerProposal(opening: Array("SSH-2.0-x\r\n".utf8)) == nil)
    #expect(ServerProposal(opening: Array("SSH-2.0-x\r\n".utf8) + [255, 255, 255, 255, 4, 20]) == nil)
    #expect(
      ServerProposal(opening: Array("SSH-2.0-x\r\n".utf8) + [0, 0, 0, 30, 4, 20] + [UInt8](repeating: 255, count: 40))
        == nil)
  }
}
