import Glibc

/// Talks to an ssh-agent without blocking: libssh2's own agent code reads its socket with blocking calls, so a hung agent
/// would stop the whole reactor. Two requests are needed: which keys, and sign this
/// (draft-miller-ssh-agent §3.5 and §3.6).
///
/// Touched by the reactor's thread only.
final class AgentConversation {
  private enum Message {
    static let requestIdentities: UInt8 = 11
    static let identitiesAnswer: UInt8 = 12
    static let signRequest: UInt8 = 13
    static let signResponse: UInt8 = 14
  }

  private let wake: @Sendable () -> Void
  private var descriptor: Int32 = -1
  private var token: Reactor.Token?
  private var outbound = ByteQueue()
  private var inbound: [UInt8] = []
  private var isAsking = false
  private var trouble: String?

  init(path: String?, wake: @escaping @Sendable () -> Void) {
    self.wake = wake
    guard let path = path ?? getenv("SSH_AUTH_SOCK").map({ String(cString: $0) }), !path.isEmpty else {
      trouble = "SSH_AUTH_SOCK is not set"
      return
    }
    switch UnixSocket.connect(to: path, isBlocking: false) {
    case .success(let descriptor): self.descriptor = descriptor
    case .failure(let error):
      trouble = "\(path): \(systemMessage(error.code))"
      return
    }
    let token = Reactor.shared.register(Reactor.Handlers(ready: { _ in wake() }, timer: {}))
    Reactor.shared.watch(descriptor, for: token, .read, isNew: true)
    self.token = token
  }

  deinit {
    if let token { Reactor.shared.unregister(token) }
    if descriptor >= 0 { close(descriptor) }
  }

  func identities() -> Step<[HostKey]> {
    ask([Message.requestIdentities]).flatMap { AgentConversation.readIdentities($0) }
  }

  static func readIdentities(_ answer: [UInt8]) -> Step<[HostKey]> {
    var reader = WireReader(answer)
    guard reader.byte() == Message.identitiesAnswer, let count = reader.uint32(), count < 10_000 else {
      return .failed(.authenticationFailed, "the agent does not list its keys")
    }
    var keys: [HostKey] = []
    for _ in 0..<count {
      guard let blob = reader.string(), reader.string() != nil else { break }
      if let key = HostKey(blob: blob), isUsable(key.type) { keys.append(key) }
    }
    return .done(keys)
  }

  /// Hardware-backed "sk-" keys need a signature format that libssh2 1.10 does not write.
  private static func isUsable(_ type: String) -> Bool {
    !type.hasPrefix("sk-") && (type.hasPrefix("ssh-ed25519") || type.hasPrefix("ecdsa-") || type.hasPrefix("ssh-rsa"))
  }

  /// The bare signature, as libssh2 wants it: without the name of the algorithm before it.
  func sign(_ data: [UInt8], with key: HostKey) -> Step<[UInt8]> {
    var request = [Message.signRequest]
    request.append(string: key.blob)
    request.append(string: data)
    request.append(uint32: AgentConversation.flags(for: data))
    return ask(request).flatMap { answer in
      var reader = WireReader(answer)
      guard reader.byte() == Message.signResponse, let signature = reader.string() else {
        return .failed(.authenticationFailed, "the agent refused to sign")
      }
      var inner = WireReader(signature)
      guard inner.string() != nil, let bare = inner.string() else {
        return .failed(.authenticationFailed, "the agent's signature is damaged")
      }
      return .done(bare)
    }
  }

  /// libssh2 1.11 asks for rsa-sha2 by the algorithm's name in what is to be signed (RFC 4252 §7).
  private static func flags(for data: [UInt8]) -> UInt32 {
    var reader = WireReader(data)
    guard reader.string() != nil, reader.byte() != nil, reader.string() != nil, reader.string() != nil,
      reader.string() != nil, reader.byte() != nil, let algorithm = reader.string()
    else { return 0 }
    switch String(decoding: algorithm, as: UTF8.self) {
    case "rsa-sha2-256": return 2
    case "rsa-sha2-512": return 4
    default: return 0
    }
  }

  /// The first call sends, later calls look for the answer.
  private func ask(_ request: [UInt8]) -> Step<[UInt8]> {
    if let trouble { return .failed(.authenticationFailed, trouble) }
    if !isAsking {
      isAsking = true
      inbound = []
      var framed: [UInt8] = []
      framed.append(string: request)
      outbound.append(framed)
    }
    exchange()
    if let trouble { return .failed(.authenticationFailed, trouble) }
    var reader = WireReader(inbound)
    guard let answer = reader.string() else { return .again }
    isAsking = false
    return .done(answer)
  }

  private func exchange() {
    while !outbound.isEmpty {
      // A request of a few hundred bytes always fits into an empty socket; one that does not is a hung agent.
      let sent = outbound.consume { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent < 0, errno != EINTR { return trouble = systemMessage(errno) }
    }
    while true {
      let count = recv(descriptor, Scratch.page.baseAddress, Scratch.page.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        inbound.append(contentsOf: UnsafeRawBufferPointer(rebasing: Scratch.page[..<count]))
        if inbound.count > 1 << 20 { return trouble = "the agent's answer is too long" }
      } else if count == 0 {
        return trouble = "the agent hung up"
      } else if errno != EINTR {
        if errno != EAGAIN { trouble = systemMessage(errno) }
        return
      }
    }
  }
}

extension Step {
  func flatMap<Other>(_ transform: (Value) -> Step<Other>) -> Step<Other> {
    switch self {
    case .done(let value): transform(value)
    case .again: .again
    case .failed(let code, let message): .failed(code, message)
    }
  }
}
