import Appliance
import Fleet
import Foundation
import SSH

/// How a tunnel is opened, and how its port is looked at from the node: over SSH, or as a test says.
struct TunnelWay: Sendable {
  /// Runs while the node listens, with the port that it listens on; asked in between, whether the connection still stands.
  typealias Watch = @Sendable (_ port: UInt16, _ isAlive: @Sendable () async -> Bool) async -> Void

  /// Lets the node listen on a port and answers there as long as `watch` runs. Returns when the tunnel is closed; throws where there was none.
  let hold: @Sendable (_ port: UInt16, _ responder: TunnelResponder, _ watch: Watch) async throws(Failure) -> Void
  /// Where the port is bound on the node.
  let look: @Sendable (_ port: UInt16) async throws(Failure) -> TunnelCheck.Binding
}

extension TunnelWay {
  /// Over a connection of its own with this node.
  init(over link: NodeLink) {
    hold = { (port, responder, watch) async throws(Failure) in
      try await SSHTunnel(link: link, port: port).hold(responder, watch)
    }
    look = { (port) async throws(Failure) -> TunnelCheck.Binding in
      let script = TunnelCheck.script(port: port, on: link.node, nonce: .fresh())
      return try TunnelCheck.read(try await link.run(script), of: script)
    }
  }
}

/// A forward of one node's port to us.
private struct SSHTunnel: Sendable {
  let link: NodeLink
  let port: UInt16

  /// Connections of the CA's validators that are answered at the same time.
  private static let channels = 32

  /// Opens the forward; where a dead session of ours holds the port, that is ended first.
  func hold(_ responder: TunnelResponder, _ watch: TunnelWay.Watch) async throws(Failure) {
    let connection = try await link.separateConnection()
    do throws(Failure) {
      try await hold(responder, watch, over: connection)
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
  }

  private func hold(
    _ responder: TunnelResponder, _ watch: TunnelWay.Watch, over connection: SSHConnection
  ) async throws(Failure) {
    do throws(SSHError) {
      return try await forward(responder, watch, over: connection)
    } catch {
      let failure = Failure(error, node: link.node.id)
      guard failure.kind == .tunnelRefused else { throw failure }
      if let reason = try await remaining(failure, over: connection) { throw reason }
    }
    do throws(SSHError) {
      try await forward(responder, watch, over: connection)
    } catch {
      throw Failure(error, node: link.node.id)
    }
  }

  private func forward(
    _ responder: TunnelResponder, _ watch: TunnelWay.Watch, over connection: SSHConnection
  ) async throws(SSHError) {
    try await connection.withForward(
      bind: "127.0.0.1", port: port, maximumInFlight: Self.channels, accept: { await responder.serve($0) },
      body: { (bound) async throws(SSHError) in await watch(bound) { await connection.isAlive } })
  }

  // MARK: Refused

  /// Why sshd took no forward: its rules, or a port that is taken. Nil where it is free now.
  private func remaining(_ failure: Failure, over connection: SSHConnection) async throws(Failure) -> Failure? {
    let check = TunnelCheck.script(port: port, on: link.node, nonce: .fresh())
    if case .absent = try TunnelCheck.read(try await link.run(check), of: check) { return failure }
    let ask = PortHolder.script(port: port, on: link.node, nonce: .fresh())
    let holders = try PortHolder.read(try await link.run(ask), of: ask)
    let end = await connection.nearEnd
    let here = end.map { PortHolder.SocketAddress(bytes: $0.address, port: $0.port) }
    let verdict = PortHolder.judge(holders, here: here, ours: Self.ownSockets())
    guard case .ownDead(let dead) = verdict else { return taken(verdict) }
    let free = PortHolder.freeing(dead, port: port, on: link.node, nonce: .fresh())
    let isFree = try PortHolder.isFree(try await link.run(free), of: free)
    return isFree ? nil : taken(verdict)
  }

  private func taken(_ verdict: PortHolder.Verdict) -> Failure {
    let why =
      switch verdict {
      case .ownDead(let holders):
        "a dead session of this machine's holds it and could not be ended: kill \(holders.map { "\($0.pid)" }.joined(separator: " "))"
      case .ownAlive:
        "another certfleet command of this machine uses it; it is tried again when that has ended"
      case .other(let holder): "\(holder.name), process \(holder.pid), listens there: give one of the two another port"
      case .unknown:
        "mostly by the session of a run that was cut off, which sshd ends when it notices (ClientAliveInterval); or by another "
          + "program: ss -ltnp 'sport = :\(port)' names it"
      }
    return Failure(
      .tunnelRefused, "port \(port) of the node is taken: \(why). Forwarding itself may be allowed", node: link.node.id)
  }

  /// The near ends of this machine's TCP connections.
  private static func ownSockets() -> Set<PortHolder.SocketAddress> {
    ["/proc/net/tcp", "/proc/net/tcp6"].reduce(into: []) { found, path in
      guard let bytes = FileManager.default.contents(atPath: path) else { return }
      found.formUnion(PortHolder.SocketAddress.near(in: String(decoding: bytes, as: UTF8.self)))
    }
  }
}
