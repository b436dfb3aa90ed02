import Foundation
import Net
public import PKI

/// A binding to an account that the CA already has elsewhere (RFC 8555 section 7.3.4).
public struct ExternalAccount: Sendable {
  /// The CA's name for it.
  public let keyID: String
  /// The MAC key itself.
  public let macKey: PKISecret

  /// - Parameter macKeyText: The key as CAs print it: base64url, with or without padding, or plain base64.
  /// - Returns: `nil` when that is none.
  public init?(keyID: String, macKeyText: PKISecret) {
    let text = macKeyText.withBytes { String(decoding: $0, as: UTF8.self) }
    guard let key = Base64URL.decodeLeniently(text), !key.isEmpty else { return nil }
    self.keyID = keyID
    macKey = PKISecret(key)
  }
}

extension ACMEServer {
  /// Makes an account, or finds the one that the key already has: its contact and terms are then left as they are.
  ///
  /// - Parameter contact: `mailto:` URLs. Agreeing to `directory.termsOfService` is the caller's statement.
  public func register(
    key: SigningKey, contact: [String] = [], externalAccount: ExternalAccount? = nil
  ) async throws(ACMEError) -> Account {
    var members: [String] = []
    // Always sent: servers without terms ignore it, Pebble refuses an account without it.
    members.append(#""termsOfServiceAgreed":true"#)
    if !contact.isEmpty { members.append(#""contact":"# + (try JSONText.encode(contact))) }
    if let externalAccount {
      let binding = JWS.externalAccountBinding(
        keyID: externalAccount.keyID, macKey: externalAccount.macKey, url: directory.newAccount, accountKey: key)
      members.append(#""externalAccountBinding":"# + String(decoding: binding, as: UTF8.self))
    }
    return try await account(payload: "{" + members.joined(separator: ",") + "}", key: key)
  }

  /// The account of a key, without making one; `.accountDoesNotExist` if it has none.
  public func findAccount(key: SigningKey) async throws(ACMEError) -> Account {
    try await account(payload: #"{"onlyReturnExisting":true}"#, key: key)
  }

  private func account(payload: String, key: SigningKey) async throws(ACMEError) -> Account {
    let response = try await post(Array(payload.utf8), to: directory.newAccount, key: key, reference: .jwk)
    guard let location = response.header("Location") else {
      throw ACMEError(.malformed("newAccount gave no account URL"), url: directory.newAccount)
    }
    let wire = try ACMEAnswer.decode(Account.Wire.self, response, url: directory.newAccount)
    return Account(
      url: try ServerURL.resolve(location, against: directory.newAccount), status: wire.status, contact: wire.contact)
  }
}

/// JSON for requests.
enum JSONText {
  static func encode(_ value: some Encodable) throws(ACMEError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw ACMEError(.malformed("the request cannot be written as JSON"), url: "")
    }
  }
}
