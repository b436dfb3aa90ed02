public import Fleet
public import SSH

/// A node over SSH.
public struct SSHNodeSession: NodeSession {
  private let connection: SSHConnection
  private let node: NodeID

  /// Wraps a live connection; its lender closes it.
  public init(_ connection: SSHConnection, node: NodeID) {
    self.connection = connection
    self.node = node
  }

  /// Runs one script.
  public func run(_ script: RemoteScript) async throws(Failure) -> CommandResult {
    do throws(SSHError) {
      return try await connection.run(
        script.command, stdin: script.stdin, outputLimit: script.outputLimit, bounds: script.bounds)
    } catch {
      throw Failure(error, node: node)
    }
  }
}

extension Failure {
  /// What an SSH error means to the fleet. The one place where it is converted.
  public init(_ error: SSHError, node: NodeID?) {
    let kind: Kind =
      switch error.kind {
      // One that writes without end is broken, as one that does not speak SSH.
      case .nameNotFound, .connectionRefused, .unreachable, .timedOut, .connectionLost, .protocolViolation,
        .outputLimit:
        .nodeUnreachable
      case .hostKeyUnknown: .hostKeyUnknown
      case .hostKeyChanged: .hostKeyChanged
      case .authenticationRefused, .channelRefused, .keyUnreadable, .agentUnavailable: .loginRefused
      case .noCommonAlgorithm: .noCommonAlgorithm
      case .forwardRefused: .tunnelRefused
      case .cancelled, .closed: .interrupted
      case .outOfResources: .internalError
      }
    // About host keys the advice of the kind says all; elsewhere the remedy knows the place.
    let isSaid = kind == .hostKeyUnknown || kind == .hostKeyChanged
    self.init(kind, isSaid ? "\(error)" : "\(error). \(error.remedy)", node: node)
  }
}
