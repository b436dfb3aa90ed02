public import Foundation

/// A way to prove a name (RFC 8555 section 8); open, for new ones appear on staging servers first.
public struct ChallengeType: RawRepresentable, Sendable, Hashable {
  /// The word as sent.
  public let rawValue: String
  /// Any word.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// RFC 8555 section 8.3.
  public static let http01 = ChallengeType(rawValue: "http-01")
  /// RFC 8555 section 8.4.
  public static let dns01 = ChallengeType(rawValue: "dns-01")
  /// RFC 8737.
  public static let tlsALPN01 = ChallengeType(rawValue: "tls-alpn-01")
  /// draft-ietf-acme-dns-persist: a lasting TXT record, no token.
  public static let dnsPersist01 = ChallengeType(rawValue: "dns-persist-01")
}

/// The state of a challenge (RFC 8555 section 7.1.6); open.
public struct ChallengeStatus: RawRepresentable, Sendable, Hashable {
  /// The word as sent.
  public let rawValue: String
  /// Any word.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Not begun.
  public static let pending = ChallengeStatus(rawValue: "pending")
  /// The CA is looking.
  public static let processing = ChallengeStatus(rawValue: "processing")
  /// Proved.
  public static let valid = ChallengeStatus(rawValue: "valid")
  /// Failed.
  public static let invalid = ChallengeStatus(rawValue: "invalid")
}

/// One offer to prove a name (RFC 8555 section 7.1.5).
public struct Challenge: Sendable, Hashable {
  /// Which way.
  public var type: ChallengeType
  /// Where to say that the proof is ready.
  public var url: String
  /// Where it stands.
  public var status: ChallengeStatus
  /// The token, for the types that have one. Checked only by `KeyAuthorization`.
  public var token: String?
  /// When it was proved.
  public var validated: Date?
  /// Why it failed. The text quotes the customer's web server.
  public var error: Problem?

  /// Makes one: what a scripted CA needs.
  public init(
    type: ChallengeType, url: String, status: ChallengeStatus, token: String? = nil, validated: Date? = nil,
    error: Problem? = nil
  ) {
    self.type = type
    self.url = url
    self.status = status
    self.token = token
    self.validated = validated
    self.error = error
  }
}

extension Challenge {
  struct Wire: Decodable {
    let type: ChallengeType
    let url: String
    let status: ChallengeStatus
    let token: String?
    let validated: Date?
    let error: Problem?

    private enum Key: String, CodingKey { case type, url, status, token, validated, error }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      type = try decodeStatus(ChallengeType.self, from: fields, .type)
      url = try fields.decode(String.self, forKey: .url)
      status = ChallengeStatus(rawValue: fields.leniently(String.self, .status) ?? "pending")
      token = fields.leniently(String.self, .token)
      validated = fields.date(.validated)
      error = fields.leniently(Problem.self, .error)
    }
  }

  init(_ wire: Wire, base: String) throws(ACMEError) {
    self.init(
      type: wire.type, url: try ServerURL.resolve(wire.url, against: base), status: wire.status, token: wire.token,
      validated: wire.validated, error: wire.error)
  }
}
