import Appliance
import Fleet
import SSH

/// One SSH session with one node, opened when first needed and kept for the whole run.
actor NodeLink: NodeSession {
  nonisolated let node: Node
  private let client: SSHClient
  private let target: @Sendable () async throws(Failure) -> SSHTarget
  private let nodes: Gate
  /// Who worked on the node last; nil where nothing is checked or left there.
  private let marks: MarkKeeper?
  private let turn = Gate(limit: 1)
  private var connection: SSHConnection?

  /// - Parameters:
  ///   - target: Asked before each connection, so that a host key pinned meanwhile counts.
  ///   - nodes: Bounds how many nodes are worked on at the same time.
  ///   - marks: What is checked and left on the node by each script that changes something there.
  init(
    node: Node, client: SSHClient, nodes: Gate, marks: MarkKeeper? = nil,
    target: @escaping @Sendable () async throws(Failure) -> SSHTarget
  ) {
    self.node = node
    self.marks = marks
    self.client = client
    self.nodes = nodes
    self.target = target
  }

  /// Runs one script. A session that died since the last script is opened anew, once: what a broken one did is for the caller to find out.
  func run(_ script: RemoteScript) async throws(Failure) -> CommandResult { try await run(script) {} }

  /// The same, with something to be done right before: others may have to be waited for.
  func run(_ script: RemoteScript, after prelude: @Sendable () async -> Void) async throws(Failure) -> CommandResult {
    try await turn.run { () async throws(Failure) in
      try await nodes.run { () async throws(Failure) in
        let session = try await open()
        let script = try await marks?.guarded(script, on: node) ?? script
        await prelude()
        do throws(SSHError) {
          return try await session.run(
            script.command, stdin: script.stdin, outputLimit: script.outputLimit, bounds: script.bounds)
        } catch {
          if await !session.isAlive { await forget() }
          throw Failure(error, node: node.id)
        }
      }
    }
  }

  /// Opens a session of its own, for a forward that must not wait behind scripts. The caller closes it.
  func separateConnection() async throws(Failure) -> SSHConnection {
    let target = try await target()
    do throws(SSHError) {
      return try await client.connect(to: target)
    } catch {
      throw Failure(error, node: node.id)
    }
  }

  /// Closes the session.
  func close() async {
    await connection?.close()
    connection = nil
  }

  private func forget() { connection = nil }

  private func open() async throws(Failure) -> SSHConnection {
    if let connection, await connection.isAlive { return connection }
    let fresh = try await separateConnection()
    connection = fresh
    return fresh
  }
}

extension NodeLink {
  /// What the node can do.
  func facts(_ clock: any TimeSource) async -> Result<NodeFacts, Failure> {
    do throws(Failure) {
      let script = Survey.script(for: node, nonce: .fresh())
      let sentAt = clock.now
      let result = try await run(script)
      return .success(try Survey.read(result, of: script, for: node, sentAt: sentAt, receivedAt: clock.now))
    } catch {
      return .failure(error)
    }
  }

  /// Whether the node is active for each of these VIPs.
  func roles(of vips: [VIP]) async -> Result<[VIPID: Role], Failure> {
    do throws(Failure) {
      let script = RoleQuery.script(for: node, vips: vips, nonce: .fresh())
      let answer = try await run(script)
      return .success(try RoleQuery.read(answer, of: script, vips: vips))
    } catch {
      return .failure(error)
    }
  }
}
