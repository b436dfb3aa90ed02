import ACME
import Appliance
import Fleet
import Foundation
import SSH

/// Answers http-01 through one node's SSH tunnel: open while tokens are presented, closed when none was for a while.
///
/// HAProxy's `backend letsencrypt` leads to a port on the node's loopback; sshd forwards it to us, and the answer is made on the channel itself.
/// No port of the controller is ever joined to it.
actor TunnelDesk {
  private let link: NodeLink
  private let port: UInt16
  private let settings: ResponderSettings
  private var tokens: [String: String] = [:]
  private var isOpen = false
  /// Whether the tunnel that is closing was open: who waits now came after it closed, and gets the next one.
  private var wasOpen = false
  private var isClosed = false
  private var waiters: [CheckedContinuation<Failure?, Never>] = []
  private var lastUsed = ContinuousClock.now
  private let demand: AsyncStream<Void>
  private let bell: AsyncStream<Void>.Continuation

  /// What the responder says besides the key authorization.
  struct ResponderSettings: Sendable {
    var pair: PairID
    var thumbprint: String
  }

  init(link: NodeLink, port: UInt16, responder: ResponderSettings) {
    self.link = link
    self.port = port
    settings = responder
    (demand, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Seconds that the tunnel stays open after its last token was withdrawn: the next order of the pair mostly follows at once.
  private static let linger = Duration.seconds(5)

  /// Makes tokens answerable; returns once the tunnel is open and was looked at from the node.
  func present(_ new: [String]) async -> Failure? {
    for token in new {
      guard let authorization = KeyAuthorization(token: token, thumbprint: settings.thumbprint) else {
        return Failure(.authorityRefused, "the CA's token has characters that RFC 8555 §8.3 forbids")
      }
      tokens[token] = authorization.description
    }
    lastUsed = .now
    if isOpen { return nil }
    if isClosed { return Failure(.interrupted, "the run ended before the tunnel was open", node: link.node.id) }
    bell.yield()
    return await withCheckedContinuation { waiters.append($0) }
  }

  /// Tokens that are no longer asked for.
  func withdraw(_ old: [String]) {
    for token in old { tokens[token] = nil }
    lastUsed = .now
  }

  /// Opens the tunnel whenever somebody presents a token; runs as long as the run does.
  func serve() async {
    for await _ in demand {
      if waiters.isEmpty && tokens.isEmpty { continue }
      wasOpen = false
      let failure = await hold()
      isOpen = false
      guard !wasOpen else { continue }
      settle(failure ?? Failure(.tunnelRefused, "the tunnel closed before it was used", node: link.node.id))
    }
    isClosed = true
    settle(Failure(.interrupted, "the run ended before the tunnel was open", node: link.node.id))
  }

  /// Ends `serve`.
  func close() { bell.finish() }

  private func settle(_ failure: Failure?) {
    for waiter in waiters { waiter.resume(returning: failure) }
    waiters.removeAll()
  }

  private func hold() async -> Failure? {
    let responder = TunnelResponder(pair: settings.pair) { [self] token in await authorization(of: token) }
    do throws(Failure) {
      let connection = try await link.separateConnection()
      do throws(SSHError) {
        try await connection.withForward(
          bind: "127.0.0.1", port: port, maximumInFlight: 32, accept: { await responder.serve($0) },
          body: { (bound) async throws(SSHError) in await watch(bound, connection) })
        await connection.close()
        return refusal
      } catch {
        await connection.close()
        throw await told(error)
      }
    } catch {
      return error
    }
  }

  /// Why sshd took no forward: its rules, or a port that is taken.
  private func told(_ error: SSHError) async -> Failure {
    let failure = Failure(error, node: link.node.id)
    guard failure.kind == .tunnelRefused else { return failure }
    do throws(Failure) {
      let script = TunnelCheck.script(port: port, on: link.node, nonce: .fresh())
      if case .absent = try TunnelCheck.read(try await link.run(script), of: script) { return failure }
    } catch {
      return failure
    }
    return Failure(
      .tunnelRefused,
      "port \(port) of the node is taken: mostly by the session of a run that was killed, which sshd ends when it notices "
        + "(ClientAliveInterval); or by another program, which lsof -i :\(port) names. Forwarding itself may be allowed",
      node: link.node.id)
  }

  private var refusal: Failure?

  /// Looks from the node at what sshd bound: with `GatewayPorts yes` it listens on every interface, and then nothing is answered.
  private func watch(_ bound: UInt16, _ connection: SSHConnection) async {
    refusal = nil
    do throws(Failure) {
      let script = TunnelCheck.script(port: bound, on: link.node, nonce: .fresh())
      switch try TunnelCheck.read(try await link.run(script), of: script) {
      case .loopback: break
      case .absent: throw Failure(.tunnelRefused, "sshd took the forward, but nothing listens on port \(bound)")
      case .exposed(let addresses):
        throw Failure(
          .tunnelRefused,
          "sshd listens on \(addresses.joined(separator: ", ")) for everybody (GatewayPorts yes); the tunnel was closed"
        )
      }
    } catch {
      refusal = error
      return
    }
    (isOpen, wasOpen) = (true, true)
    settle(nil)
    while await connection.isAlive, !Task.isCancelled, !tokens.isEmpty || ContinuousClock.now - lastUsed < Self.linger {
      do { try await Task.sleep(for: .milliseconds(200)) } catch { break }
    }
    // Before anything else is awaited: a token that is presented from now on waits for the next tunnel.
    isOpen = false
  }

  private func authorization(of token: String) -> String? { tokens[token] }
}
