extension SSHConnection {
  /// Lets the server listen and answers its connections from here, in this process: no local port is opened.
  ///
  /// Use a connection of its own for this: a command's flood cannot then delay an answer. `GatewayPorts yes` makes sshd
  /// listen on every interface whatever `host` says; who cares looks at the node.
  ///
  /// - Parameters:
  ///   - host: bound literally; libssh2 matches connections by exactly this string.
  ///   - port: 0 lets the server choose.
  ///   - maximumInFlight: connections served at once; more of them wait.
  ///   - handler: serves one connection, which is closed when it returns.
  ///   - body: runs while the server listens, with the port. When it returns, listening ends and handlers under way
  ///     are cancelled.
  public nonisolated func withForward<R>(
    bind host: String, port: UInt16 = 0, maximumInFlight: Int = 64,
    accept handler: @escaping @Sendable (SSHForwardedChannel) async -> Void,
    body: (UInt16) async throws(SSHError) -> R
  ) async throws(SSHError) -> R {
    let listener = ListenHandle(
      operation: ListenOperation(
        host: host, port: port, limit: maximumInFlight, deadlines: target.deadlines))
    let bound = try await listen(listener)
    let result = await withTaskGroup(of: Void.self) { group -> Result<R, SSHError> in
      group.addTask { await self.serve(listener, handler) }
      let result: Result<R, SSHError>
      do throws(SSHError) {
        let returned = try await body(bound)
        result = .success(returned)
      } catch {
        result = .failure(error)
      }
      await self.stop(listener)
      group.cancelAll()
      return result
    }
    return try result.get()
  }

  private nonisolated func serve(
    _ listener: ListenHandle, _ handler: @escaping @Sendable (SSHForwardedChannel) async -> Void
  ) async {
    await withDiscardingTaskGroup { group in
      while let handle = await next(listener) {
        group.addTask {
          let channel = SSHForwardedChannel(self, handle)
          await handler(channel)
          await channel.close()
        }
      }
    }
  }

  private func listen(_ listener: ListenHandle) async throws(SSHError) -> UInt16 {
    try await perform(listener.operation)
  }

  private func next(_ listener: ListenHandle) async -> ForwardedHandle? {
    await withCheckedContinuation { listener.operation.next($0) }
  }

  private func stop(_ listener: ListenHandle) {
    listener.operation.stop()
    turn([])
  }

  func read(_ handle: ForwardedHandle, max: Int, within limit: Duration) async throws(SSHError) -> [UInt8] {
    try await exchange(handle) { handle.operation.read(max, until: .now + limit, $0) }
  }

  func write(_ handle: ForwardedHandle, _ bytes: [UInt8], within limit: Duration) async throws(SSHError) {
    try await exchange(handle) { handle.operation.write(bytes, until: .now + limit, $0) }
  }

  func close(_ handle: ForwardedHandle) {
    handle.operation.giveUp()
    turn([])
  }

  private func exchange<Value: Sendable>(
    _ handle: ForwardedHandle, _ begin: (CheckedContinuation<Result<Value, SSHError>, Never>) -> Void
  ) async throws(SSHError) -> Value {
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        begin(continuation)
        turn([])
      }
    } onCancel: {
      Reactor.shared.submit {
        self.assumeIsolated { connection in
          handle.operation.cancel(on: connection)
          connection.turn([])
        }
      }
    }
    return try result.get()
  }
}
