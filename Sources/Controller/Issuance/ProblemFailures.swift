import ACME
import Fleet
import Foundation
import Net

extension Failure {
  /// What the CA's answer means; `now` turns its Retry-After into a date.
  init(_ error: ACMEError, at now: Date) {
    let retryAt = error.retryAfter.map { now + $0.delay(from: now).seconds }
    switch error.kind {
    case .problem(let problem, let status): self.init(problem, status: status, retryAt: retryAt, at: now)
    case .http(503, _): self.init(.authorityBusy, error.text, retryAfter: retryAt)
    // No problem document: a proxy's or a CDN's limit. Which bucket it was is not known; `RequestDesk` closes the endpoint.
    case .http(429, _): self.init(.rateLimited, error.text, retryAfter: retryAt ?? now + 60)
    case .http: self.init(.authorityUnreachable, error.text, retryAfter: retryAt)
    // We ended the request ourselves: the CA has said nothing.
    case .transport(let fault) where fault.kind == .cancelled: self.init(.interrupted, error.text)
    case .transport, .malformed: self.init(.authorityUnreachable, error.text, retryAfter: retryAt)
    case .accountDoesNotExist, .accountDeactivated: self.init(.accountGone, error.text)
    case .signing: self.init(.internalError, error.text)
    }
  }

  /// What a problem document means (RFC 8555 §6.7); limits and pauses are told apart by their words.
  init(_ problem: Problem, status: Int, retryAt: Date? = nil, at now: Date) {
    var words = Self.words(of: problem)
    // RFC 8555 section 6.7: `instance` is where a person has to agree to something.
    if problem.type == .userActionRequired, let url = problem.instance { words += " (to be visited: \(url))" }
    let name = problem.identifier?.value ?? problem.subproblems.first?.identifier?.value
    let signal = RateLimitSignal.read(
      status: status, type: problem.type.rawValue, detail: problem.detail, retryAfter: retryAt, at: now)
    if let signal {
      self = signal.failure(words, at: now)
      return
    }
    let kind: Kind =
      switch problem.type {
      // A nonce that is refused again and again: answers were lost on the way, and libcurl sent the same request twice.
      case .serverInternal, .badNonce: .authorityBusy
      case .caa: .caaForbids
      case .dns: .dnsBroken
      case .rejectedIdentifier, .unsupportedIdentifier: .nameRefused
      case .accountDoesNotExist: .accountGone
      default: .authorityRefused
      }
    self.init(kind, words, name: name, retryAfter: kind == .authorityBusy ? retryAt ?? now + 60 : retryAt)
  }

  /// A failed challenge: what the CA saw, before DNS is asked for evidence.
  init(challenge problem: Problem, name: String) {
    let kind: Kind =
      switch problem.type {
      case .caa: .caaForbids
      case .dns: .dnsBroken
      case .connection: .port80Closed
      case .unauthorized, .incorrectResponse: .wrongAnswer
      case .rejectedIdentifier: .nameRefused
      // The CA's own trouble stays the CA's, wherever it stands.
      case .serverInternal, .rateLimited: .authorityBusy
      default: .challengeFailed
      }
    self.init(kind, Self.words(of: problem), name: name)
  }

  /// Several names of one certificate that failed, as one: the first one's failure, with the others' names and words.
  init?(together failures: [Failure]) {
    guard let first = failures.first else { return nil }
    self = first
    let others = failures.dropFirst().filter { $0.name != nil && $0.name != first.name }
    guard !others.isEmpty else { return }
    alsoFailed = others.compactMap(\.name)
    detail += others.map { "; \($0.name ?? ""): \($0.kind.title): \($0.detail)" }.joined()
  }

  /// The same as our own fault: the run that was to answer had ended.
  var ofOurAbsence: Failure {
    Failure(.interrupted, "the run ended while the CA validated: \(detail)", name: name, alsoFailed: alsoFailed)
  }

  private static func words(of problem: Problem) -> String {
    let parts =
      [problem.detail]
      + problem.subproblems.map { sub in
        (sub.identifier.map { $0.value + ": " } ?? "") + sub.detail
      }
    return parts.filter { !$0.isEmpty }.joined(separator: "; ")
  }
}

extension NetError {
  /// Whether the request may have reached its server although no answer came.
  var mayHaveArrived: Bool {
    switch kind {
    case .nameNotFound, .connectionRefused, .unreachable, .badURL, .tls: false
    default: true
    }
  }
}
