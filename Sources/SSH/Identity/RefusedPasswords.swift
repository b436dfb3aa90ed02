/// Passwords that were refused. None is offered at the same place again before an hour is over or another one is given:
/// a run asks a node in trouble each minute, and pam_faillock locks the account after three failures within 15 minutes.
struct RefusedPasswords {
  private struct Refusal {
    let password: SSHSecret
    let error: SSHError
    let end: ContinuousClock.Instant
  }

  private static let rest: Duration = .seconds(3_600)
  private var refusals: [LoginPlace: Refusal] = [:]

  /// What may be tried now. Throws what was said then, where nothing but the refused password is left.
  func permitted(_ target: SSHTarget, at now: ContinuousClock.Instant) throws(SSHError) -> SSHTarget {
    guard let refusal = refusals[LoginPlace(target)], now < refusal.end else { return target }
    var rest = target
    rest.authentications.removeAll { $0.password == refusal.password }
    if rest.authentications.isEmpty { throw refusal.error }
    return rest
  }

  /// Keeps a password that was offered and refused. One that the server does not ask for was not offered.
  mutating func learn(_ error: SSHError, from target: SSHTarget, at now: ContinuousClock.Instant) {
    guard case .authenticationRefused(let methods) = error.kind,
      methods.contains("password") || methods.contains("keyboard-interactive"),
      let password = target.authentications.lazy.compactMap(\.password).first
    else { return }
    refusals[LoginPlace(target)] = Refusal(password: password, error: error, end: now + Self.rest)
  }
}

extension SSHAuthentication {
  fileprivate var password: SSHSecret? {
    switch self {
    case .password(let secret): secret
    case .identity, .agent: nil
    }
  }
}
