import Glibc

/// From the first SYN to the open door: connect, banner, key exchange, the check of the host key, authentication. Each
/// phase has its own deadline and its own name in the error.
final class StartupOperation: AwaitedOperation {
  enum Goal {
    case logIn
    /// Only look at the host key of this type.
    case hostKey(type: String)
  }

  private enum State {
    case connecting
    case shaking
    case authenticating(Authenticator)
    case finished
  }

  private let target: SSHTarget
  private let goal: Goal
  private var addresses: [Address]
  private var state: State
  private var connectEnd: Instant
  private(set) var deadline: Instant
  var channel: NativeChannel? { nil }
  /// Answered with the host key.
  var waiter: CheckedContinuation<Result<HostKey, SSHError>, Never>?

  /// Without addresses the wire is a tunnel that stands already.
  init(to target: SSHTarget, goal: Goal, addresses: [Address], isTunnel: Bool) {
    self.target = target
    self.goal = goal
    self.addresses = addresses
    state = isTunnel ? .shaking : .connecting
    connectEnd = .now + target.deadlines.connect
    deadline = isTunnel ? .now + target.deadlines.handshake : .now
  }

  var isFinished: Bool { if case .finished = state { true } else { false } }
  var isConnecting: Bool { if case .connecting = state { true } else { false } }

  /// Tells libssh2 what to offer; false when it knows no algorithm of the pinned types.
  func prepare(_ native: NativeSession) -> Bool {
    native.prefer(Algorithms.keyExchange, for: .keyExchange)
      && native.prefer(Algorithms.ciphers, for: .cipherOut) && native.prefer(Algorithms.ciphers, for: .cipherIn)
      && native.prefer(Algorithms.macs, for: .macOut) && native.prefer(Algorithms.macs, for: .macIn)
      && (hostKeys.isEmpty || native.prefer(hostKeys, for: .hostKey))
  }

  /// The signature algorithms that we want of the server; empty means any.
  private var hostKeys: [String] {
    switch goal {
    case .logIn: Algorithms.hostKeys(pinned: target.hostKeys)
    case .hostKey(let type): Algorithms.signatures(of: type)
    }
  }

  // MARK: Driving

  func advance(on connection: isolated SSHConnection) -> Bool {
    switch state {
    case .connecting: connect(on: connection)
    case .shaking: shake(on: connection)
    case .authenticating(let authenticator): authenticate(authenticator, on: connection)
    case .finished: false
    }
  }

  private func connect(on connection: isolated SSHConnection) -> Bool {
    guard connection.wire.isSocket else { return tryNextAddress(on: connection, after: nil) }
    guard connection.writable else { return false }
    let status = connection.wire.connectStatus
    guard status == 0 else { return tryNextAddress(on: connection, after: status) }
    connection.wire.prepareSocket()
    state = .shaking
    deadline = .now + target.deadlines.handshake
    return true
  }

  /// Several addresses share the deadline, so that a dead IPv6 route does not hide a good IPv4 one.
  private func tryNextAddress(on connection: isolated SSHConnection, after failure: Int32?) -> Bool {
    var failure = failure
    connection.dropSocket()
    while let address = addresses.first {
      let now = Instant.now
      guard now < connectEnd else { break }
      let share = (connectEnd.nanoseconds - now.nanoseconds) / UInt64(addresses.count)
      addresses.removeFirst()
      switch address.connect() {
      case .success(let descriptor):
        connection.use(descriptor)
        deadline = now + .nanoseconds(Int64(share))
        return true
      case .failure(let error): failure = error.code
      }
    }
    let code = failure ?? ETIMEDOUT
    connection.die(StartupOperation.kind(of: code), .connect, systemMessage(code))
    return true
  }

  private static func kind(of code: Int32) -> SSHError.Kind {
    switch code {
    case ECONNREFUSED: .connectionRefused
    case ETIMEDOUT: .timedOut
    case EMFILE, ENFILE, ENOMEM, ENOBUFS: .outOfResources
    case ECONNRESET, ECONNABORTED, EPIPE: .connectionLost
    default: .unreachable
    }
  }

  private func shake(on connection: isolated SSHConnection) -> Bool {
    guard let native = connection.native else { return false }
    // A tunnelled session has no socket, but libssh2 wants one, to make it non-blocking: any that is so already.
    let descriptor = connection.wire.isSocket ? connection.wire.descriptor : Reactor.shared.bell
    switch native.handshake(descriptor: descriptor) {
    case .again: return false
    case .failed(let code, let message):
      let reason = HandshakeFailure(connection, code, message, hostKeys: hostKeys, pinned: target.hostKeys)
      connection.die(reason.kind, reason.phase, reason.detail)
    case .done:
      if case .hostKey = goal {
        connection.offeredHostKeys = ServerProposal(opening: connection.wire.opening ?? [])?.hostKeys
      }
      connection.wire.opening = nil
      guard let key = native.hostKey.flatMap(HostKey.init(blob:)) else {
        connection.die(.protocolViolation, .keyExchange, "the host key cannot be read")
        return true
      }
      if case .hostKey = goal {
        finish(key)
      } else if target.hostKeys.contains(key) {
        state = .authenticating(Authenticator(target, key: key, wake: connection.waker))
        deadline = .now + target.deadlines.authentication
      } else if target.hostKeys.isEmpty {
        connection.die(.hostKeyUnknown(offered: [key]), .keyExchange, "no pinned host key; it shows \(key)")
      } else {
        let pins = target.hostKeys.map(\.description).joined(separator: ", ")
        connection.die(
          .hostKeyChanged(pinned: target.hostKeys, offered: [key]), .keyExchange,
          "the host key is \(key), pinned is \(pins)")
      }
    }
    return true
  }

  private func authenticate(_ authenticator: Authenticator, on connection: isolated SSHConnection) -> Bool {
    guard let native = connection.native else { return false }
    switch authenticator.advance(native) {
    case .again: return false
    case .loggedIn:
      connection.isReady = true
      finish(authenticator.hostKey)
    case .refused(let methods, let detail):
      if connection.wire.end == nil {
        connection.die(.authenticationRefused(methods: methods), .authentication, detail)
      } else {
        connection.die(.connectionLost, .authentication, "the peer closed the connection; \(detail)")
      }
    case .broken(let kind, let detail): connection.die(kind, .authentication, detail)
    }
    return true
  }

  private func finish(_ key: HostKey) {
    state = .finished
    deadline = .never
    answer(.success(key))
  }

  // MARK: Ends

  func expire(on connection: isolated SSHConnection) {
    switch state {
    case .connecting:
      _ = tryNextAddress(on: connection, after: connection.wire.isSocket ? ETIMEDOUT : nil)
    case .shaking:
      let reason = HandshakeFailure(timeoutOf: connection)
      connection.die(reason.kind, reason.phase, reason.detail)
    case .authenticating(let authenticator):
      connection.die(.timedOut, .authentication, "no end of authentication (\(authenticator.description))")
    case .finished: break
    }
  }

  func cancel(on connection: isolated SSHConnection) {
    connection.die(.cancelled, .connect, "cancelled")
  }

  func fail(_ error: SSHError) {
    state = .finished
    answer(.failure(error))
  }
}
