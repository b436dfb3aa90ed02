import Foundation

/// The state of an account (RFC 8555 section 7.1.6); open.
public struct AccountStatus: RawRepresentable, Sendable, Hashable {
  /// The word as sent.
  public let rawValue: String
  /// Any word.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Usable.
  public static let valid = AccountStatus(rawValue: "valid")
  /// Given up by its owner, for good.
  public static let deactivated = AccountStatus(rawValue: "deactivated")
  /// Taken away by the CA, for good.
  public static let revoked = AccountStatus(rawValue: "revoked")
}

/// An account at a CA (RFC 8555 section 7.1.2).
public struct Account: Sendable, Hashable {
  /// Its URL, which is its name in every request.
  public let url: String
  /// Where it stands.
  public let status: AccountStatus
  /// `mailto:` URLs; Let's Encrypt keeps none.
  public let contact: [String]

  /// Makes one: what a scripted CA needs.
  public init(url: String, status: AccountStatus, contact: [String] = []) {
    self.url = url
    self.status = status
    self.contact = contact
  }

  struct Wire: Decodable {
    let status: AccountStatus
    let contact: [String]

    private enum Key: String, CodingKey { case status, contact }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      // Some servers answer with an empty object for an existing account.
      status = AccountStatus(rawValue: fields.leniently(String.self, .status) ?? "valid")
      contact = fields.leniently([String].self, .contact) ?? []
    }
  }
}
