import Foundation
import SSH
import Testing

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"))
struct KnownHostsTests {
  private func keys(_ count: Int) throws -> [HostKey] { try keys(Array(repeating: "ed25519", count: count)) }

  private func keys(_ types: [String]) throws -> [HostKey] {
    try types.map { type in
      let pad = try Scratchpad()
      try tool("/usr/bin/ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", pad.path + "/key")
      return try #require(HostKey(openSSH: try pad.read("key.pub")))
    }
  }

  @Test func plainNamesListsAndPortsAreFound() throws {
    let keys = try keys(2)

    let hosts = KnownHosts.parse(
      """
      # a comment
      node1,192.0.2.1 \(keys[0].openSSH) note

      [node2]:2222 \(keys[1].openSSH)
      """)

    #expect(hosts.keys(for: "node1") == [keys[0]])
    #expect(hosts.keys(for: "192.0.2.1") == [keys[0]])
    #expect(hosts.keys(for: "NODE2", port: 2222) == [keys[1]])
    #expect(hosts.keys(for: "node2").isEmpty)
    #expect(hosts.skipped.isEmpty)
  }

  @Test func namesHashedBySSHKeygenAreFoundByHost() throws {
    let keys = try keys(2)
    let pad = try Scratchpad()
    try pad.write("node1 \(keys[0].openSSH)\n[node2]:2222 \(keys[1].openSSH)\n", to: "known")
    try tool("/usr/bin/ssh-keygen", "-H", "-f", pad.path + "/known")

    let hosts = KnownHosts.parse(try pad.read("known"))

    #expect(hosts.entries.allSatisfy { $0.isHashed })
    #expect(hosts.keys(for: "node1") == [keys[0]])
    #expect(hosts.keys(for: "node2", port: 2222) == [keys[1]])
    #expect(hosts.keys(for: "node3").isEmpty)
  }

  /// libssh2's own reader takes these for literal names, and one short line makes it fail altogether.
  @Test func whatCannotBeImportedIsReportedByLine() throws {
    let keys = try keys(3)

    let hosts = KnownHosts.parse(
      """
      short
      @revoked * \(keys[0].openSSH)
      @cert-authority *.example.com \(keys[1].openSSH)
      *.example.com,!bad.example.com,good.example.com \(keys[2].openSSH)
      node1 \(keys[0].openSSH)
      node2 ssh-ed25519 notbase64
      """)

    #expect(hosts.skipped.map(\.line) == [1, 2, 3, 4, 4, 6])
    #expect(hosts.revoked == [keys[0]])
    #expect(hosts.keys(for: "node1").isEmpty, "a revoked key is not imported under another name either")
    #expect(hosts.keys(for: "good.example.com") == [keys[2]])
  }

  // F1: of two keys that a node shows, a file with one of them pins that one; a revoked key pins nothing.
  @Test func aFileOfOneKeyPinsOnlyThatKey() throws {
    let keys = try keys(["ed25519", "ecdsa"])
    func decide(_ file: String, pinned: [String] = [], accepts: Bool = false) -> HostKeyComparison {
      HostKeyComparison.decide(
        shown: keys, pinned: pinned, file: KnownHosts.parse(file), host: "node1", port: 22, accepts: accepts)
    }

    #expect(decide("node1 \(keys[0].openSSH)\n") == .pin([keys[0]]))
    #expect(decide("other \(keys[0].openSSH)\n") == .unknown)
    #expect(decide("node1 \(keys[0].openSSH)\n@revoked * \(keys[1].openSSH)\n") == .revoked(keys[1]))
    #expect(decide("@revoked * \(keys[1].openSSH)\n", accepts: true) == .revoked(keys[1]))
    #expect(decide("", accepts: true) == .pin(keys))
    #expect(decide("node1 \(keys[0].openSSH)\n", pinned: [keys[0].openSSH]) == .pinned)
  }
}
