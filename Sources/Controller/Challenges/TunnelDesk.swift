import ACME
import Appliance
import Fleet
import Foundation

/// Answers http-01 through one node's SSH tunnel: open while tokens are presented, closed when none was for a while.
///
/// HAProxy's `backend letsencrypt` leads to a port on the node's loopback; sshd forwards it to us, and the answer is made on the channel itself.
/// No port of the controller is ever joined to it.
actor TunnelDesk {
  private let node: NodeID
  private let way: TunnelWay
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

  init(node: NodeID, way: TunnelWay, port: UInt16, responder: ResponderSettings) {
    self.node = node
    self.way = way
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
    if isClosed { return Failure(.interrupted, "the run ended before the tunnel was open", node: node) }
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
      // Its connection broke while the CA still asks: the next one answers the rest.
      if wasOpen, !tokens.isEmpty { bell.yield() }
      guard !wasOpen else { continue }
      settle(failure ?? Failure(.tunnelRefused, "the tunnel closed before it was used", node: node))
    }
    isClosed = true
    settle(Failure(.interrupted, "the run ended before the tunnel was open", node: node))
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
      try await way.hold(port, responder) { [self] bound, isAlive in await watch(bound, isAlive) }
      return refusal
    } catch {
      return error
    }
  }

  private var refusal: Failure?

  /// Looks from the node at what sshd bound: with `GatewayPorts yes` it listens on every interface, and then nothing is answered.
  private func watch(_ bound: UInt16, _ isAlive: @Sendable () async -> Bool) async {
    refusal = nil
    do throws(Failure) {
      switch try await way.look(bound) {
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
    while await isAlive(), !Task.isCancelled, !tokens.isEmpty || ContinuousClock.now - lastUsed < Self.linger {
      do { try await Task.sleep(for: .milliseconds(200)) } catch { break }
    }
    // Before anything else is awaited: a token that is presented from now on waits for the next tunnel.
    isOpen = false
  }

  /// Whether a token waits to be asked for.
  func isAsked(_ token: String) -> Bool { tokens[token] != nil }

  private func authorization(of token: String) -> String? { tokens[token] }
}
