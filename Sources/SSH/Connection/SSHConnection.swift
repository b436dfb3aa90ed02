/// One SSH session with a node. Its isolation is the SSH reactor's thread; several commands may run at once on it
/// (sshd allows 10 by default).
///
/// An error of a command leaves the connection usable unless `isAlive` says otherwise. It is closed by `close()`, by the
/// scope that lent it, or with its last reference.
public actor SSHConnection {
  /// Where it leads.
  public nonisolated let target: SSHTarget

  let wire = Wire()
  private(set) var native: NativeSession?
  /// Why there is no session any more.
  private(set) var failure: SSHError?
  private var operations: [(id: UInt64, operation: any Operation)] = []
  private var lastOperation: UInt64 = 0
  /// libssh2 keeps the state of opening a channel in the session: one at a time.
  private var opener: (any Operation)?
  private var token: Reactor.Token?
  private var interest: Reactor.Readiness?
  private var isTurning = false
  private var mustTurnAgain = false
  /// Takes what a tunnelled session sends.
  private var carrier: (connection: SSHConnection, handle: TunnelHandle)?
  private var whenClosed: (@Sendable () -> Void)?
  private var spare: SpareOperation?
  private(set) var writable = false
  /// True when channels may be opened.
  var isReady = false
  /// What a scan learns about the server's other keys.
  var offeredHostKeys: [String]?

  /// The reactor's thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { Reactor.shared.asUnownedSerialExecutor() }

  init(to target: SSHTarget) { self.target = target }

  isolated deinit {
    tearDown(SSHError(.closed, phase: .channel, host: target.host, port: target.port, detail: "dropped"))
  }

  // MARK: State

  /// False once the connection broke or was closed. A dead peer is noticed when it is spoken to, or by TCP keepalive
  /// after about a minute.
  public var isAlive: Bool { native != nil }

  /// This machine's end of the connection: an address of four or sixteen bytes, and the port. Nil through a jump host.
  public var nearEnd: (address: [UInt8], port: UInt16)? { native == nil ? nil : wire.nearEnd }

  /// The server's version line, `SSH-2.0-OpenSSH_9.2p1 …`, with control characters escaped.
  public var serverBanner: String? { native?.banner.map(SSHError.printable) }

  /// What was negotiated: key exchange, host key, cipher and MAC.
  public var algorithms: [String] {
    [.keyExchange, .hostKey, .cipherOut, .macOut].compactMap { native?.negotiated($0) }
  }

  /// Says goodbye and closes; commands under way end with `.closed`.
  public func close() async { closeNow() }

  func error(_ kind: SSHError.Kind, _ phase: SSHError.Phase, _ detail: String) -> SSHError {
    SSHError(kind, phase: phase, host: target.host, port: target.port, detail: detail)
  }

  // MARK: Operations

  func perform<O: AwaitedOperation>(_ operation: O) async throws(SSHError) -> O.Value {
    if let failure { throw failure }
    lastOperation += 1
    let id = lastOperation
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        operation.waiter = continuation
        start(operation, id: id)
      }
    } onCancel: {
      Reactor.shared.submit { self.assumeIsolated { $0.cancel(id) } }
    }
    return try result.get()
  }

  /// Starts an operation for which nobody waits.
  func start(_ operation: any Operation) {
    lastOperation += 1
    start(operation, id: lastOperation)
  }

  private func start(_ operation: any Operation, id: UInt64) {
    operations.append((id, operation))
    turn([])
  }

  private func cancel(_ id: UInt64) {
    guard let found = operations.first(where: { $0.id == id }) else { return }
    found.operation.cancel(on: self)
    turn([])
  }

  /// Opens a channel for `operation` when it is its turn.
  func open(for operation: any Operation, _ step: (NativeSession) -> Step<NativeChannel>) -> Step<NativeChannel> {
    guard let native, opener == nil || opener === operation else { return .again }
    let result = step(native)
    if case .again = result { opener = operation } else { opener = nil }
    return result
  }

  /// Asks the server to listen when it is `operation`'s turn.
  func listen(
    for operation: any Operation, host: String, port: UInt16, queue: Int
  ) -> Step<(listener: NativeListener, port: UInt16)> {
    guard let native, opener == nil || opener === operation else { return .again }
    let result = native.listen(host: host, port: port, queue: queue)
    if case .again = result { opener = operation } else { opener = nil }
    return result
  }

  /// A session channel that was opened to keep an idle connection answering.
  func takeSpare() -> NativeChannel? {
    defer { spare = nil }
    return spare?.release()
  }

  // MARK: Driving

  /// Makes the session; from now on the connection must be closed.
  func begin() throws(SSHError) -> NativeSession {
    guard let native = NativeSession(wire: wire) else { throw error(.outOfResources, .connect, "no memory") }
    self.native = native
    token = Reactor.shared.register(
      Reactor.Handlers(
        ready: { [weak self] readiness in self?.assumeIsolated { $0.turn(readiness) } },
        timer: { [weak self] in self?.assumeIsolated { $0.expire() } }))
    return native
  }

  func carry(over connection: SSHConnection, _ handle: TunnelHandle) { carrier = (connection, handle) }

  /// Makes the connection look again, from anywhere.
  nonisolated var waker: @Sendable () -> Void {
    { [weak self] in Reactor.shared.submit { [weak self] in self?.assumeIsolated { $0.turn([]) } } }
  }

  func onClose(_ call: @escaping @Sendable () -> Void) { whenClosed = call }

  /// The socket of a new attempt to connect; the one before is closed.
  func use(_ descriptor: Int32) {
    writable = false
    wire.close()
    wire.attach(descriptor)
    interest = nil
  }

  func dropSocket() {
    wire.close()
    interest = nil
  }

  /// One turn: everything that can move moves, until nothing does.
  func turn(_ readiness: Reactor.Readiness) {
    if isTurning {
      mustTurnAgain = true
      return
    }
    guard native != nil else { return }
    isTurning = true
    wire.beginTurn(readable: readiness.contains(.read))
    writable = readiness.contains(.write)
    repeat {
      mustTurnAgain = false
      // What one operation reads from the transport may be meant for one before it.
      let received = wire.received
      let wasFull = wire.isFull
      for (_, operation) in operations where native != nil {
        if operation.advance(on: self) { mustTurnAgain = true }
      }
      operations.removeAll { $0.operation.isFinished }
      wire.flush()
      flushTunnel()
      if wire.received != received || (wasFull && !wire.isFull) { mustTurnAgain = true }
      if !mustTurnAgain, wire.hasUnread { readForNobody() }
    } while mustTurnAgain && native != nil
    isTurning = false
    settle()
  }

  /// Somebody must read what comes while no command runs: a server that probes us (ClientAliveInterval) hangs up when
  /// it gets no answer, and an unread socket would spin the loop. libssh2 reads only on behalf of a channel.
  private func readForNobody() {
    if let channel = operations.lazy.compactMap({ $0.operation.channel }).first {
      if case .failed(_, let message) = channel.read(stream: 2, into: Scratch.byte) {
        die(.connectionLost, .channel, message)
      }
    } else if opener == nil, isReady {
      let operation = SpareOperation(deadline: .now + target.deadlines.channel)
      spare = operation
      lastOperation += 1
      operations.append((lastOperation, operation))
      mustTurnAgain = true
    }
  }

  private func settle() {
    guard native != nil, let token else { return }
    if let end = wire.end {
      switch end {
      case .closedByPeer: die(.connectionLost, .channel, "the peer closed the connection")
      case .failed(let code): die(.connectionLost, .channel, systemMessage(code))
      }
      return
    }
    if wire.isSocket {
      var wanted: Reactor.Readiness = isConnecting ? [] : .read
      if isConnecting || !wire.outbound.isEmpty { wanted.insert(.write) }
      if wanted != interest {
        Reactor.shared.watch(wire.descriptor, for: token, wanted, isNew: interest == nil)
        interest = wanted
      }
    }
    let next = operations.lazy.map { $0.operation.deadline }.min() ?? .never
    if next != .never { Reactor.shared.wake(token, at: next) }
  }

  private var isConnecting: Bool {
    operations.contains { ($0.operation as? StartupOperation)?.isConnecting ?? false }
  }

  private func expire() {
    let now = Instant.now
    for (_, operation) in operations where native != nil && operation.deadline <= now { operation.expire(on: self) }
    turn([])
  }

  func flushTunnel() {
    guard let carrier, !wire.outbound.isEmpty else { return }
    carrier.connection.assumeIsolated { $0.turn([]) }
  }

  // MARK: The end

  /// The session cannot go on. The server's own words, if it said any, are the better explanation.
  func die(_ kind: SSHError.Kind, _ phase: SSHError.Phase, _ detail: String) {
    let said = native?.disconnectMessage.map { ": the server said \"\($0)\"" } ?? ""
    tearDown(error(kind, phase, detail + said))
  }

  func tearDown(_ error: SSHError) {
    guard failure == nil else { return }
    failure = error
    wire.hangUp()
    let ended = operations
    operations = []
    opener = nil
    spare = nil
    for (_, operation) in ended { operation.fail(error) }
    native = nil  // frees the session; the wire is dead, so nothing in it can wait
    wire.close()
    if let token { Reactor.shared.unregister(token) }
    token = nil
    if let (connection, handle) = carrier { connection.assumeIsolated { handle.tunnel.innerEnded(on: $0) } }
    carrier = nil
    whenClosed?()
    whenClosed = nil
  }
}
