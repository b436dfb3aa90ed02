extension SSHConnection {
  /// From nothing to an open door, directly or through a jump host.
  func start(goal: StartupOperation.Goal, over jump: SSHConnection?) async throws(SSHError) -> HostKey {
    let addresses = jump == nil ? try await resolve() : []
    let native = try begin()
    if let jump {
      let tunnel = TunnelOperation(
        to: target.host, port: target.port, for: self, wire: wire, deadlines: target.deadlines)
      let handle = try await jump.perform(tunnel)
      carry(over: jump, handle)
    }
    let operation = StartupOperation(to: target, goal: goal, addresses: addresses, isTunnel: jump != nil)
    guard operation.prepare(native) else {
      let types = target.hostKeys.map(\.type).joined(separator: ", ")
      throw error(
        .noCommonAlgorithm(
          detail: "libssh2 \(NativeSession.libraryVersion) knows no host key of type \(types)",
          remedy: "Pin an ed25519 key of the node."), .keyExchange, "no usable pinned host key: \(types)")
    }
    return try await perform(operation)
  }

  private func resolve() async throws(SSHError) -> [Address] {
    let lookup = Lookup()
    let host = target.host
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        lookup.begin(host: host, port: target.port, until: .now + target.deadlines.connect, waiter)
      }
    } onCancel: {
      Reactor.shared.submit { lookup.end(.failure(.cancelled)) }
    }
    switch answer {
    case .success(let addresses): return addresses
    case .failure(let failure):
      switch failure {
      case .late: throw error(.timedOut, .resolve, "no answer about the name \(host)")
      case .cancelled: throw error(.cancelled, .resolve, "cancelled")
      case .refused(let reason):
        throw error(reason.isTemporary ? .timedOut : .nameNotFound, .resolve, "\(host): \(reason.message)")
      }
    }
  }

  /// Closes from the reactor's thread, without waiting.
  func closeNow() {
    native?.disconnect()
    wire.flush()
    flushTunnel()
    tearDown(error(.closed, .channel, "closed"))
  }
}
