import Fleet
import Glibc
import SSH
import Testing

@testable import Appliance

/// H12: whether the tunnel's port is held by a session of ours that died without a word, and whether it may be ended.
@Suite struct PortHolderTests {
  private typealias End = PortHolder.SocketAddress
  private let here = End(address: "198.51.100.7", port: 40_000)
  private let dead = End(address: "198.51.100.7", port: 31_000)

  private func holder(named name: String = "sshd", _ peers: Set<PortHolder.SocketAddress>) -> PortHolder {
    PortHolder(pid: 77, name: name, peers: peers)
  }

  @Test func aSessionThatThisMachineNoLongerHasIsDead() {
    let local = End(address: "127.0.0.1", port: 5_000)  // HAProxy, on the forwarded port
    let session = holder(named: "sshd-session", [dead, local])

    #expect(PortHolder.judge([session], here: here, ours: [here]) == .ownDead([session]))
  }

  @Test func aSessionThatThisMachineStillHasIsLeftAlone() {
    #expect(PortHolder.judge([holder([dead])], here: here, ours: [here, dead]) == .ownAlive)
  }

  @Test func sessionsOfOthersAndOtherProgramsAreLeftAlone() {
    let stranger = End(address: "203.0.113.9", port: 31_000)
    let program = holder(named: "nginx", [])

    #expect(PortHolder.judge([holder([stranger])], here: here, ours: [here]) == .unknown)
    #expect(PortHolder.judge([holder([])], here: here, ours: [here]) == .unknown)
    #expect(PortHolder.judge([program], here: here, ours: [here]) == .other(program))
    #expect(PortHolder.judge([], here: here, ours: [here]) == .unknown)
  }

  @Test func behindAddressTranslationOrAJumpHostNothingIsEnded() {
    // The node sees an address that is not what this machine calls its own.
    #expect(PortHolder.judge([holder([dead])], here: End(address: "10.0.0.5", port: 1), ours: [here]) == .unknown)
    #expect(
      PortHolder.judge(
        [holder([dead])], here: End(address: "10.0.0.5", port: 1), ours: [End(address: "10.0.0.5", port: 1)])
        == .unknown)
    #expect(PortHolder.judge([holder([dead])], here: nil, ours: [here]) == .unknown)
  }

  @Test func theKernelsTableIsReadForBothFamilies() {
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24 1 0 100 0 0 10 0
         1: 0000000000000000FFFF0000076433C6:9C40 0000000000000000FFFF00000100007F:0016 01 00000000:00000000 00:0 0 0 0 1
      """

    #expect(
      End.near(in: table) == [End(address: "127.0.0.1", port: 8_080), End(address: "198.51.100.7", port: 40_000)])
    #expect(End(bytes: [198, 51, 100, 7], port: 40_000) == here)
  }

  @Test(.enabled(if: Tool.areHere(.dash, .busybox), "needs dash and busybox"), arguments: [Tool.dash, .busybox])
  func whoListensAndWithWhomItIsConnectedIsSeenOnANode(_ tool: Tool) async throws {
    let path = try #require(tool.path)
    let node = try TestNode(shell: tool == .busybox ? [path, "sh"] : [path])
    let listener = try Listener(address: "127.0.0.1")
    let client = try #require(connected(to: listener.port))
    defer { close(client.descriptor) }

    let script = PortHolder.script(port: listener.port, on: node.node, nonce: Nonce("t"))
    let holders = try PortHolder.read(try await node.run(script), of: script)

    let own = try #require(holders.first { $0.pid == Int(getpid()) })
    #expect(!own.name.isEmpty)
    // This process has both ends: the peer of its own client is the listener.
    #expect(own.peers.contains(End(address: "127.0.0.1", port: listener.port)))
    // A process that is no session of sshd's is never ended: this one lives to see it.
    let freeing = PortHolder.freeing([own], port: listener.port, on: node.node, nonce: Nonce("t"))
    #expect(try !PortHolder.isFree(try await node.run(freeing), of: freeing))
  }

  private func connected(to port: UInt16) -> (descriptor: Int32, port: UInt16)? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      close(descriptor)
      return nil
    }
    return (descriptor, port)
  }
}
