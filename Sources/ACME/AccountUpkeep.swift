import Foundation
import Net
public import PKI

/// Why a certificate is revoked (RFC 5280 section 5.3.1): the four that public CAs take from subscribers.
public enum RevocationReason: Int, Sendable, Hashable, CaseIterable {
  /// Nothing said.
  case unspecified = 0
  /// Someone else has the key. Let's Encrypt then blocks the key for good.
  case keyCompromise = 1
  /// Another certificate took its place.
  case superseded = 4
  /// The name is given up.
  case cessationOfOperation = 5
}

// What is done to accounts and certificates by an operator's hand.
extension ACMEClient {
  /// Revokes a certificate of this account (RFC 8555 section 7.6).
  public func revoke(_ certificate: X509Certificate, reason: RevocationReason) async throws(ACMEError) {
    guard let url = server.directory.revokeCert else {
      throw ACMEError(.malformed("the CA names no revokeCert URL"), url: server.directory.url)
    }
    let encoded = Base64URL.encode(certificate.der)
    _ = try await post(Array(#"{"certificate":"\#(encoded)","reason":\#(reason.rawValue)}"#.utf8), to: url)
  }

  /// Gives the account another key (RFC 8555 section 7.3.5). Its URL stays.
  ///
  /// The thumbprint changes with it: answers in place become wrong, so orders in flight MUST be finished first, and static thumbprint rules
  /// rewritten at the same time.
  /// - Returns: The client to go on with. After a `.transport` error either key may be the account's: `findAccount` tells.
  public func changeKey(to new: SigningKey) async throws(ACMEError) -> ACMEClient {
    guard let url = server.directory.keyChange else {
      throw ACMEError(.malformed("the CA names no keyChange URL"), url: server.directory.url)
    }
    let account = try JSONText.encode(accountURL)
    let change = #"{"account":\#(account),"oldKey":\#(key.publicJWK)}"#
    let inner: [UInt8]
    do throws(PKIError) {
      inner = try JWS.sign(payload: Array(change.utf8), url: url, nonce: nil, key: new, reference: .jwk)
    } catch {
      throw ACMEError(.signing(error), url: url)
    }
    _ = try await post(inner, to: url)
    return ACMEClient(server: server, accountURL: accountURL, key: new)
  }
}
