public import Net
public import PKI

/// Why a request to a CA had no success.
public struct ACMEError: Error, Sendable, Equatable {
  /// What happened.
  public enum Kind: Sendable, Equatable {
    /// The CA said no, in its own words.
    case problem(Problem, status: Int)
    /// The CA does not know the account: its URL or its key is lost, or belongs to another CA. Registering again helps.
    case accountDoesNotExist(Problem)
    /// The account was deactivated or revoked. Only a new key and account help; asked of the account itself, so never a mere refusal.
    case accountDeactivated(Problem)
    /// An answer that is no ACME problem: an error page of a proxy, an overloaded front. The excerpt is hostile text.
    case http(status: Int, excerpt: String)
    /// No answer. Whether the request had an effect is not known.
    case transport(NetError)
    /// An answer that RFC 8555 does not allow.
    case malformed(String)
    /// The request could not be signed.
    case signing(PKIError)
  }

  /// What happened.
  public let kind: Kind
  /// When the CA wants to be asked again.
  public let retryAfter: RetryAfter?
  /// The URL that was asked.
  public let url: String

  /// Makes one.
  public init(_ kind: Kind, url: String, retryAfter: RetryAfter? = nil) {
    self.kind = kind
    self.url = url
    self.retryAfter = retryAfter
  }

  /// The CA's problem, where it gave one.
  public var problem: Problem? {
    switch kind {
    case .problem(let problem, _), .accountDoesNotExist(let problem), .accountDeactivated(let problem): problem
    case .http, .transport, .malformed, .signing: nil
    }
  }

  /// Whether the front of the CA asks everyone to slow down: 503 by status, whatever the body says (Boulder's says `rateLimited`).
  public var isBusy: Bool {
    switch kind {
    case .problem(_, status: 503), .http(status: 503, _): true
    case .problem, .accountDoesNotExist, .accountDeactivated, .http, .transport, .malformed, .signing: false
    }
  }

  /// One line for a person.
  public var text: String {
    switch kind {
    case .problem(let problem, let status): "\(problem.type) (\(status)): \(problem.detail)"
    case .accountDoesNotExist(let problem): "the CA does not know the account: \(problem.detail)"
    case .accountDeactivated(let problem): "the account is deactivated: \(problem.detail)"
    case .http(let status, let excerpt): "the CA's front answered \(status): \(excerpt)"
    case .transport(let error): error.detail
    case .malformed(let what): "the CA's answer cannot be understood: \(what)"
    case .signing(let error): error.text
    }
  }
}
