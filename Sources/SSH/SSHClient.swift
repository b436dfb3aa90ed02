/// Opens SSH connections, with a bound on the handshakes in flight. One client serves a whole fleet.
public final class SSHClient: Sendable {
  private let desk: ConnectionDesk

  /// More than `handshakeLimit` connections being opened at once wait for their turn; open ones are not limited.
  public init(handshakeLimit: Int = 32) { desk = ConnectionDesk(handshakeLimit: handshakeLimit) }

  /// Opens a connection and logs in. Whoever calls this closes it.
  public func connect(to target: SSHTarget) async throws(SSHError) -> SSHConnection {
    try await desk.connect(to: target, goal: .logIn).connection
  }

  /// Lends a connection to `body` and closes it after.
  public func withConnection<R>(
    to target: SSHTarget, _ body: (SSHConnection) async throws(SSHError) -> R
  ) async throws(SSHError) -> R {
    let connection = try await connect(to: target)
    do throws(SSHError) {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// The host keys that a server shows, one of each type that it offers and libssh2 can check. They are not yet believed:
  /// a person compares the fingerprints. Nothing is logged in to, except on the jump host.
  public func scanHostKeys(
    host: String, port: UInt16 = 22, jump: SSHTarget? = nil, deadlines: SSHDeadlines = SSHDeadlines()
  ) async throws(SSHError) -> [HostKey] {
    let target = SSHTarget(
      host: host, port: port, user: "", authentications: [], hostKeys: [], jump: jump, deadlines: deadlines)
    var keys: [HostKey] = []
    var failure: SSHError?
    var offered: [String]?
    for type in Algorithms.hostKeyTypes {
      // Every connection without a login counts against us (PerSourcePenalties of OpenSSH 9.8): none more than needed.
      if let offered, !Algorithms.signatures(of: type).contains(where: offered.contains) { continue }
      do throws(SSHError) {
        let (connection, key) = try await desk.connect(to: target, goal: .hostKey(type: type))
        offered = await connection.offeredHostKeys ?? offered
        await connection.close()
        keys.append(key)
      } catch {
        switch error.kind {
        case .noCommonAlgorithm, .hostKeyChanged: failure = error
        case .nameNotFound, .connectionRefused, .unreachable, .timedOut, .connectionLost, .hostKeyUnknown,
          .authenticationRefused, .channelRefused, .forwardRefused, .outputLimit, .protocolViolation, .keyUnreadable,
          .agentUnavailable, .outOfResources, .cancelled, .closed:
          throw error
        }
      }
    }
    if keys.isEmpty, let failure { throw failure }
    return keys
  }

  /// How many connections are open or being opened, jump hosts included.
  public var openConnections: Int { get async { await desk.openConnections } }

  /// Closes every connection and opens no more.
  public func shutdown() async { await desk.shutDown() }
}
