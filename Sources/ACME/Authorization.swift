public import Foundation

/// The state of an authorization (RFC 8555 section 7.1.6); open.
public struct AuthorizationStatus: RawRepresentable, Sendable, Hashable {
  /// The word as sent.
  public let rawValue: String
  /// Any word.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// A challenge must be answered.
  public static let pending = AuthorizationStatus(rawValue: "pending")
  /// The name is proved; possibly from an earlier order.
  public static let valid = AuthorizationStatus(rawValue: "valid")
  /// A challenge failed, and the order with it.
  public static let invalid = AuthorizationStatus(rawValue: "invalid")
  /// We gave it up.
  public static let deactivated = AuthorizationStatus(rawValue: "deactivated")
  /// Too old.
  public static let expired = AuthorizationStatus(rawValue: "expired")
  /// The CA took it back.
  public static let revoked = AuthorizationStatus(rawValue: "revoked")
}

/// The right to have one name certified (RFC 8555 section 7.1.4).
public struct Authorization: Sendable, Hashable {
  /// Its URL.
  public var url: String
  /// Where it stands.
  public var status: AuthorizationStatus
  /// The name, without `*.` for a wildcard.
  public var identifier: Identifier
  /// Whether it is for `*.` and the name.
  public var isWildcard: Bool
  /// When it lapses.
  public var expires: Date?
  /// The ways to prove the name.
  public var challenges: [Challenge]
  /// When the CA wants to be asked again.
  public var retryAfter: RetryAfter?

  /// Makes one: what a scripted CA needs.
  public init(
    url: String, status: AuthorizationStatus, identifier: Identifier, isWildcard: Bool = false, expires: Date? = nil,
    challenges: [Challenge], retryAfter: RetryAfter? = nil
  ) {
    self.url = url
    self.status = status
    self.identifier = identifier
    self.isWildcard = isWildcard
    self.expires = expires
    self.challenges = challenges
    self.retryAfter = retryAfter
  }

  /// The name as it stands in the order and the certificate.
  public var name: String { isWildcard ? "*." + identifier.value : identifier.value }

  /// The challenge of one type, if the CA offers it for this name.
  public func challenge(_ type: ChallengeType) -> Challenge? { challenges.first { $0.type == type } }

  /// Why it is invalid: the error stands in the challenge that failed.
  public var error: Problem? { challenges.lazy.compactMap(\.error).first }
}

extension Authorization {
  struct Wire: Decodable {
    let status: AuthorizationStatus
    let identifier: Identifier
    let wildcard: Bool
    let expires: Date?
    let challenges: [Challenge.Wire]

    private enum Key: String, CodingKey { case status, identifier, wildcard, expires, challenges }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      status = try decodeStatus(AuthorizationStatus.self, from: fields, .status)
      identifier = try fields.decode(Identifier.self, forKey: .identifier)
      wildcard = fields.leniently(Bool.self, .wildcard) ?? false
      expires = fields.date(.expires)
      challenges = fields.leniently([Lenient<Challenge.Wire>].self, .challenges)?.compactMap(\.value) ?? []
    }
  }

  init(_ wire: Wire, url: String, retryAfter: RetryAfter?) throws(ACMEError) {
    var challenges: [Challenge] = []
    for challenge in wire.challenges { challenges.append(try Challenge(challenge, base: url)) }
    self.init(
      url: url, status: wire.status, identifier: wire.identifier, isWildcard: wire.wildcard, expires: wire.expires,
      challenges: challenges, retryAfter: retryAfter)
  }
}
