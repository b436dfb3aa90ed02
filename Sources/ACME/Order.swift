public import Foundation

/// The state of an order (RFC 8555 section 7.1.6); open.
public struct OrderStatus: RawRepresentable, Sendable, Hashable {
  /// The word as sent.
  public let rawValue: String
  /// Any word.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Authorizations are missing.
  public static let pending = OrderStatus(rawValue: "pending")
  /// All authorizations are valid: finalize it.
  public static let ready = OrderStatus(rawValue: "ready")
  /// The certificate is being made.
  public static let processing = OrderStatus(rawValue: "processing")
  /// The certificate is there.
  public static let valid = OrderStatus(rawValue: "valid")
  /// The order is dead.
  public static let invalid = OrderStatus(rawValue: "invalid")
}

/// A request for one certificate (RFC 8555 section 7.1.3).
public struct Order: Sendable, Hashable {
  /// Its URL, from the Location of newOrder; kept through every answer.
  public var url: String
  /// Where it stands.
  public var status: OrderStatus
  /// The names asked for. A wildcard stands here with its `*.`.
  public var identifiers: [Identifier]
  /// URLs of its authorizations, in no meaningful order.
  public var authorizations: [String]
  /// Where the CSR goes.
  public var finalize: String?
  /// Where the certificate is; once seen it is never lost again.
  public var certificate: String?
  /// When the order lapses.
  public var expires: Date?
  /// Why it is invalid, with subproblems where several names failed.
  public var error: Problem?
  /// The profile it is made under.
  public var profile: String?
  /// The certificate it replaces (RFC 9773 section 5).
  public var replaces: String?
  /// When the CA wants to be asked again.
  public var retryAfter: RetryAfter?

  /// Makes one: what a scripted CA needs.
  public init(
    url: String, status: OrderStatus, identifiers: [Identifier], authorizations: [String], finalize: String? = nil,
    certificate: String? = nil, expires: Date? = nil, error: Problem? = nil, profile: String? = nil,
    replaces: String? = nil, retryAfter: RetryAfter? = nil
  ) {
    self.url = url
    self.status = status
    self.identifiers = identifiers
    self.authorizations = authorizations
    self.finalize = finalize
    self.certificate = certificate
    self.expires = expires
    self.error = error
    self.profile = profile
    self.replaces = replaces
    self.retryAfter = retryAfter
  }

  /// What we have done with an order so far.
  public enum Progress: Sendable, Hashable {
    /// Asked for it, or found it in the journal.
    case ordered
    /// Answered a challenge of every authorization that was pending.
    case answered
    /// Sent the CSR, whether or not an answer came.
    case finalized
  }

  /// What to do next with an order. See `next(after:)`.
  public enum Step: Sendable, Hashable {
    /// Fetch the authorizations and answer a challenge of each that is pending.
    case authorize
    /// Send the CSR.
    case finalize
    /// Ask for the order again, by a `PollSchedule`.
    case poll
    /// Fetch the certificate.
    case download
    /// Give up; the problem says why.
    case abandon(Problem?)
  }

  /// The flow of an order, decided by its status and our progress alone:
  /// `newOrder → authorize → poll* → finalize → poll* → download`.
  ///
  /// - An order may be born `ready`: then no challenge is touched.
  /// - After the challenges the *order* is polled, not each authorization: fewer requests, and Pebble deadlocks when a newOrder
  ///   meets the fetch of an authorization. When it turns `invalid` the authorizations are fetched once to learn which name
  ///   failed and why.
  /// - Finalize is sent once. A status older than that (CAs answer polls from replicas) means: wait, not: finalize again.
  /// - A certificate URL is enough to download, whatever the status says.
  public func next(after progress: Progress) -> Step {
    if certificate != nil { return .download }
    switch (status, progress) {
    case (.invalid, _): return .abandon(error)
    case (.ready, .ordered), (.ready, .answered): return .finalize
    case (.pending, .ordered): return .authorize
    // `valid` without a certificate URL is against the RFC; the next answer may have it. Unknown words are waited out.
    default: return .poll
    }
  }

  /// This answer in the light of the one before: a certificate URL that was seen stays seen, and what an answer left out is carried over.
  public func following(_ earlier: Order) -> Order {
    var merged = self
    merged.url = earlier.url
    if merged.identifiers.isEmpty { merged.identifiers = earlier.identifiers }
    if merged.authorizations.isEmpty { merged.authorizations = earlier.authorizations }
    merged.finalize = finalize ?? earlier.finalize
    merged.profile = profile ?? earlier.profile
    merged.replaces = replaces ?? earlier.replaces
    merged.expires = expires ?? earlier.expires
    if certificate == nil, let seen = earlier.certificate {
      merged.certificate = seen
      merged.status = .valid
    }
    return merged
  }
}

extension Order {
  struct Wire: Decodable {
    let status: OrderStatus
    let identifiers: [Identifier]
    let authorizations: [String]
    let finalize, certificate, profile, replaces: String?
    let expires: Date?
    let error: Problem?

    private enum Key: String, CodingKey {
      case status, identifiers, authorizations, finalize, certificate, profile, replaces, expires, error
    }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      status = try decodeStatus(OrderStatus.self, from: fields, .status)
      identifiers = fields.leniently([Lenient<Identifier>].self, .identifiers)?.compactMap(\.value) ?? []
      // Not leniently: an order without the authorizations it has would be waited for in vain.
      authorizations = try fields.decodeIfPresent([String].self, forKey: .authorizations) ?? []
      finalize = fields.leniently(String.self, .finalize)
      certificate = fields.leniently(String.self, .certificate)
      profile = fields.leniently(String.self, .profile)
      replaces = fields.leniently(String.self, .replaces)
      expires = fields.date(.expires)
      error = fields.leniently(Problem.self, .error)
    }
  }

  init(_ wire: Wire, url: String, retryAfter: RetryAfter?) throws(ACMEError) {
    // RFC 8555 section 7.1.3: an authorization proves one identifier. Where an answer leaves the names out, a certificate has at most 100.
    let most = wire.identifiers.isEmpty ? 100 : wire.identifiers.count
    guard wire.authorizations.count <= most else {
      throw ACMEError(
        .malformed("an order of \(wire.identifiers.count) names has \(wire.authorizations.count) authorizations"),
        url: url)
    }
    var authorizations: [String] = []
    for text in wire.authorizations { authorizations.append(try ServerURL.resolve(text, against: url)) }
    var finalize: String?
    if let text = wire.finalize { finalize = try ServerURL.resolve(text, against: url) }
    var certificate: String?
    if let text = wire.certificate, !text.isEmpty { certificate = try ServerURL.resolve(text, against: url) }
    self.init(
      url: url, status: wire.status, identifiers: wire.identifiers, authorizations: authorizations, finalize: finalize,
      certificate: certificate, expires: wire.expires, error: wire.error, profile: wire.profile,
      replaces: wire.replaces,
      retryAfter: retryAfter)
  }
}
