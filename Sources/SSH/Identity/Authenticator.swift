import Foundation

/// Tries the ways to log in one after the other, without waiting for any.
final class Authenticator {
  enum Outcome {
    case again
    case loggedIn
    case refused(methods: [String], detail: String)
    case broken(SSHError.Kind, detail: String)
  }

  private enum Attempt {
    case memory(SSHIdentity, SSHSecret)
    case agent(AgentConversation)
    case agentKey(AgentConversation, HostKey)
    case secret(SSHSecret)
    case password(SSHSecret)
    case interactive(SSHSecret)
    case lastWords
  }

  /// sshd hangs up after six failures by default (MaxAuthTries); a full agent must not use them all.
  private static let agentKeysTried = 4

  let hostKey: HostKey
  private let user: String
  private let wake: @Sendable () -> Void
  private var queue: [SSHAuthentication]
  private var attempts: [Attempt] = []
  private var notes: [String] = []
  private var refusedRSA = 0
  private var refusedOther = 0

  /// `wake` is called when an agent has answered.
  init(_ target: SSHTarget, key: HostKey, wake: @escaping @Sendable () -> Void) {
    hostKey = key
    user = target.user
    queue = target.authentications
    self.wake = wake
  }

  /// What was tried so far, for errors.
  var description: String { notes.isEmpty ? "user \(user)" : "user \(user): " + notes.joined(separator: "; ") }

  func advance(_ native: NativeSession) -> Outcome {
    while true {
      if attempts.isEmpty { attempts = [next()] }
      let attempt = attempts[0]
      switch step(attempt, native) {
      case .again: return .again
      case .done(true): return .loggedIn
      case .done(false): attempts.removeFirst()
      case .failed(let code, let message):
        switch code {
        case .authenticationFailed, .publicKeyUnverified, .file, .keyFileAuthenticationFailed, .methodNotSupported,
          SSHCode(rawValue: -1):
          note(attempt, message)
          attempts.removeFirst()
          if case .lastWords = attempt { return refusal(methods: [], native) }
        default:
          if case .lastWords = attempt { return refusal(methods: [], native) }
          if code == .disconnected, let method = passwordMethod(attempt) {
            // sshd hangs up at the last failure that MaxAuthTries allows, without saying that it was one.
            note(attempt, "the server hung up at it")
            return refusal(methods: [method], native)
          }
          return .broken(.connectionLost, detail: "\(message) (libssh2 \(code.rawValue)); \(description)")
        }
      }
      if case .lastWords = attempt { return refusal(methods: methods, native) }
    }
  }

  private var methods: [String] = []

  private func next() -> Attempt {
    guard !queue.isEmpty else { return .lastWords }
    switch queue.removeFirst() {
    case .password(let secret): return .secret(secret)
    case .agent(let path): return .agent(AgentConversation(path: path, wake: wake))
    case .identity(let identity):
      switch identity.storage {
      case .memory(let bytes): return .memory(identity, bytes)
      case .agent(let agent):
        return .agentKey(AgentConversation(path: agent.socketPath, wake: wake), agent.publicKey)
      }
    }
  }

  /// True when logged in, false when this attempt is over without a verdict.
  private func step(_ attempt: Attempt, _ native: NativeSession) -> Step<Bool> {
    switch attempt {
    case .memory(let identity, let bytes):
      return native.authenticate(
        user: user, publicKey: Array((identity.publicKey?.openSSH ?? "").utf8), privateKey: bytes.bytes
      ).map { true }
    case .agent(let conversation):
      switch conversation.identities() {
      case .again: return .again
      case .failed(let code, let message): return .failed(code, message)
      case .done(let keys):
        notes.append("agent with \(keys.count) keys")
        attempts += keys.prefix(Authenticator.agentKeysTried).map { .agentKey(conversation, $0) }
        return .done(false)
      }
    case .agentKey(let conversation, let key):
      return native.authenticate(user: user, blob: key.blob) { conversation.sign($0, with: key) }.map { true }
    case .secret(let secret):
      switch native.authenticationMethods(user: user) {
      case .again: return .again
      case .failed(let code, let message): return .failed(code, message)
      case .done(nil): return .done(true)
      case .done(let offered?):
        if offered.contains("password") {
          attempts.append(.password(secret))
        } else if offered.contains("keyboard-interactive") {
          attempts.append(.interactive(secret))
        } else {
          notes.append("password: the server takes none")
        }
        return .done(false)
      }
    case .password(let secret): return native.authenticate(user: user, password: secret).map { true }
    case .interactive(let secret): return native.authenticateInteractively(user: user, password: secret).map { true }
    case .lastWords:
      switch native.authenticationMethods(user: user) {
      case .again: return .again
      case .failed(let code, let message): return .failed(code, message)
      case .done(nil): return .done(true)
      case .done(let offered?):
        methods = offered
        return .done(false)
      }
    }
  }

  private func passwordMethod(_ attempt: Attempt) -> String? {
    switch attempt {
    case .password: "password"
    case .interactive: "keyboard-interactive"
    case .memory, .agent, .agentKey, .secret, .lastWords: nil
    }
  }

  private func note(_ attempt: Attempt, _ message: String) {
    switch attempt {
    case .memory(let identity, _):
      if identity.isRSA { refusedRSA += 1 } else { refusedOther += 1 }
      notes.append("key \(identity.path): \(message)")
    case .agentKey(_, let key):
      if key.type == "ssh-rsa" { refusedRSA += 1 } else { refusedOther += 1 }
      notes.append("agent key \(key): \(message)")
    case .agent: notes.append("agent: \(message)")
    case .secret, .password:
      refusedOther += 1
      notes.append("password: \(message)")
    case .interactive:
      refusedOther += 1
      notes.append("keyboard-interactive: \(message)")
    case .lastWords: break
    }
  }

  /// libssh2 1.10 signs with SHA-1 for RSA keys, which OpenSSH refuses since 8.8 in the words it has for any unknown key.
  private func refusal(methods: [String], _ native: NativeSession) -> Outcome {
    let detail = notes.isEmpty ? "no way to log in is configured for \(user)" : description
    guard refusedRSA > 0, NativeSession.signsRSAWithSHA1Only else { return .refused(methods: methods, detail: detail) }
    let hint = "libssh2 \(NativeSession.libraryVersion) can use an RSA key only with SHA-1 signatures, which "
    let remedy = "Use an ed25519 key, or libssh2 1.11.1 or newer on the controller."
    if refusedOther == 0, Authenticator.refusesSHA1(native.banner ?? "") {
      return .broken(
        .noCommonAlgorithm(detail: hint + "this server refuses", remedy: remedy),
        detail: detail + "; " + hint + "OpenSSH 8.8 and newer refuse")
    }
    return .refused(methods: methods, detail: detail + "; " + hint + "newer servers refuse. " + remedy)
  }

  /// True for OpenSSH 8.8 and newer.
  static func refusesSHA1(_ banner: String) -> Bool {
    guard let range = banner.range(of: "OpenSSH_") else { return false }
    let version = banner[range.upperBound...].prefix { $0.isNumber || $0 == "." }.split(separator: ".").compactMap {
      Int($0)
    }
    guard let major = version.first else { return false }
    return major > 8 || (major == 8 && version.count > 1 && version[1] >= 8)
  }
}

extension Step {
  func map<Other>(_ transform: (Value) -> Other) -> Step<Other> {
    switch self {
    case .done(let value): .done(transform(value))
    case .again: .again
    case .failed(let code, let message): .failed(code, message)
    }
  }
}
