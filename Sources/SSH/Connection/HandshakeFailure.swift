/// Finds out why a handshake failed. The codes of libssh2 do not tell: one RST gives -1, -8 or -43 by phase, and "Unable to
/// exchange encryption keys" is both a broken connection and no common algorithm (-5).
struct HandshakeFailure {
  let kind: SSHError.Kind
  let phase: SSHError.Phase
  let detail: String

  init(
    _ connection: isolated SSHConnection, _ code: SSHCode, _ message: String, hostKeys ours: [String],
    pinned: [HostKey]
  ) {
    let opening = connection.wire.opening ?? []
    if code == .noKeyExchange, let native = connection.native, let proposal = ServerProposal(opening: opening) {
      let known = native.supported(.hostKey)
      func offered(_ names: [String], _ method: NativeSession.Method) -> [String] {
        names.filter(native.supported(method).contains)
      }
      let pinnedTypeIsGone = !pinned.isEmpty && !proposal.hostKeys.contains(where: ours.contains)
      if pinnedTypeIsGone {
        kind = .hostKeyChanged(pinned: pinned, offered: [])
        phase = .keyExchange
        detail =
          "the host no longer has a key of the pinned type (\(ours.joined(separator: ","))); "
          + "it has \(proposal.hostKeys.joined(separator: ","))"
        return
      }
      let reason = proposal.disagreement(
        keyExchange: offered(Algorithms.keyExchange, .keyExchange),
        hostKeys: ours.isEmpty ? known : ours.filter(known.contains),
        ciphers: offered(Algorithms.ciphers, .cipherOut), macs: offered(Algorithms.macs, .macOut))
      if let reason {
        kind = .noCommonAlgorithm(detail: reason.detail, remedy: reason.remedy)
        phase = .keyExchange
        detail = reason.detail + " (libssh2 \(NativeSession.libraryVersion))"
        return
      }
    }
    phase = HandshakeFailure.sawBanner(opening) ? .keyExchange : .banner
    if let line = HandshakeFailure.foreignLine(opening) {
      kind = .protocolViolation
      detail = "this is no SSH server: it says \"\(line)\""
    } else if let end = connection.wire.end {
      kind = .connectionLost
      switch end {
      case .closedByPeer:
        detail = opening.isEmpty ? "the peer closed the connection without a word" : "the peer closed the connection"
      case .failed(let code): detail = systemMessage(code)
      }
    } else {
      kind = .protocolViolation
      detail = "\(message) (libssh2 \(code.rawValue))"
    }
  }

  init(timeoutOf connection: isolated SSHConnection) {
    let opening = connection.wire.opening ?? []
    if HandshakeFailure.sawBanner(opening) {
      kind = .timedOut
      phase = .keyExchange
      detail = "the key exchange did not end"
    } else if let line = HandshakeFailure.foreignLine(opening) {
      kind = .protocolViolation
      phase = .banner
      detail = "this is no SSH server: it says \"\(line)\""
    } else {
      kind = .timedOut
      phase = .banner
      detail = "connected, but no banner came"
    }
  }

  private static func sawBanner(_ opening: [UInt8]) -> Bool {
    opening.split(separator: 10).contains { $0.starts(with: Array("SSH-".utf8)) } && opening.contains(10)
  }

  /// The first line, if what came is not the begin of an SSH conversation.
  private static func foreignLine(_ opening: [UInt8]) -> String? {
    guard !opening.isEmpty, !sawBanner(opening), !opening.starts(with: Array("SSH-".utf8)) else { return nil }
    let line = opening.prefix { $0 != 10 && $0 != 13 }.prefix(80)
    return String(decoding: line, as: UTF8.self)
  }
}
