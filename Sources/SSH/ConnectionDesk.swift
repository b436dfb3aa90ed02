/// Opens connections for a client and knows those that are open: bounds the handshakes, shares jump hosts.
actor ConnectionDesk {
  /// One connection to a jump host serves all nodes behind it: one login there, not hundreds.
  private final class SharedJump {
    let key: LoginPlace
    var connection: SSHConnection?
    var users = 0
    var waiting: [CheckedContinuation<Void, Never>] = []
    init(_ key: LoginPlace) { self.key = key }
  }

  private let gate: HandshakeGate
  private var open: [ObjectIdentifier: SSHConnection] = [:]
  private var jumps: [LoginPlace: SharedJump] = [:]
  private var carriers: [ObjectIdentifier: SharedJump] = [:]
  private var refusedPasswords = RefusedPasswords()
  private var isShut = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { Reactor.shared.asUnownedSerialExecutor() }

  init(handshakeLimit: Int) { gate = HandshakeGate(handshakeLimit) }

  var openConnections: Int { open.count }

  func shutDown() async {
    isShut = true
    for connection in Array(open.values) { await connection.close() }
  }

  /// An open connection, logged in; or, for `.hostKey`, the key that the host showed.
  func connect(
    to target: SSHTarget, goal: StartupOperation.Goal
  ) async throws(SSHError) -> (connection: SSHConnection, hostKey: HostKey) {
    func failed(_ kind: SSHError.Kind, _ detail: String) -> SSHError {
      SSHError(kind, phase: .connect, host: target.host, port: target.port, detail: detail)
    }
    if isShut { throw failed(.closed, "the client was shut down") }
    let permitted = try refusedPasswords.permitted(target, at: .now)
    // The jump host first: a handshake slot held while waiting for another one could block for ever.
    let jump: SharedJump? = if let jump = target.jump { try await borrow(jump) } else { nil }
    let connection = SSHConnection(to: permitted)
    let id = ObjectIdentifier(connection)
    open[id] = connection
    carriers[id] = jump
    await connection.onClose { [weak self] in self?.assumeIsolated { $0.closed(id) } }
    do throws(SSHError) {
      guard await gate.enter() else { throw failed(.cancelled, "cancelled") }
      let hostKey: HostKey
      do throws(SSHError) {
        hostKey = try await connection.start(goal: goal, over: jump?.connection)
        await gate.leave()
      } catch {
        await gate.leave()
        throw error
      }
      if isShut { throw failed(.closed, "the client was shut down") }
      return (connection, hostKey)
    } catch {
      refusedPasswords.learn(error, from: permitted, at: .now)
      await connection.close()
      throw error
    }
  }

  private func closed(_ id: ObjectIdentifier) {
    open[id] = nil
    guard let jump = carriers.removeValue(forKey: id) else { return }
    jump.users -= 1
    guard jump.users == 0 else { return }
    if jumps[jump.key] === jump { jumps[jump.key] = nil }
    jump.connection?.assumeIsolated { $0.closeNow() }
  }

  /// A connection to the jump host, counted as used once more.
  private func borrow(_ target: SSHTarget) async throws(SSHError) -> SharedJump {
    let key = LoginPlace(target)
    while let jump = jumps[key] {
      if let connection = jump.connection {
        let isAlive = await connection.isAlive
        guard jumps[key] === jump else { continue }
        if isAlive {
          jump.users += 1
          return jump
        }
        jumps[key] = nil
      } else {
        await withCheckedContinuation { jump.waiting.append($0) }
      }
    }
    let jump = SharedJump(key)
    jumps[key] = jump
    defer { for waiter in jump.waiting { waiter.resume() } }
    do throws(SSHError) {
      jump.connection = try await connect(to: target, goal: .logIn).connection
      jump.users = 1
      return jump
    } catch {
      if jumps[key] === jump { jumps[key] = nil }
      throw error
    }
  }
}
