import Foundation
import PKI
import Testing

@Suite struct JWSTests {
  struct Flattened: Decodable {
    let protected: String
    let payload: String
    let signature: String
    var header: String { String(decoding: Base64URL.decode(protected) ?? [], as: UTF8.self) }
  }

  @Test func aRequestByAnAccountHasExactlyTheFourHeadersOfRFC8555() throws {
    let key = try SigningKey.generate(.ecdsaP256)

    let jws = try decode(
      JWS.sign(
        payload: Array("{}".utf8), url: "https://ca.example/acme/chall/1", nonce: "abc-_",
        key: key, reference: .keyID("https://ca.example/acme/acct/7")))

    #expect(
      jws.header
        == #"{"alg":"ES256","kid":"https://ca.example/acme/acct/7","nonce":"abc-_","url":"https://ca.example/acme/chall/1"}"#
    )
    #expect(jws.payload == "e30")
    #expect(Base64URL.decode(jws.signature)?.count == 64)
  }

  @Test func aPostAsGetHasAnEmptyPayloadAndNotAnEmptyObject() throws {
    let key = try SigningKey.generate(.ecdsaP256)

    let jws = try decode(JWS.sign(payload: nil, url: "u", nonce: "n", key: key, reference: .keyID("k")))

    #expect(jws.payload == "")
  }

  @Test func aRequestForAnAccountCarriesTheKeyInstead() throws {
    let key = try SigningKey.generate(.rsa(bits: 2_048))

    let jws = try decode(JWS.sign(payload: [], url: "u", nonce: "n", key: key, reference: .jwk))

    #expect(jws.header == #"{"alg":"RS256","jwk":\#(key.publicJWK),"nonce":"n","url":"u"}"#)
  }

  @Test func aTextOfTheServerCannotBreakOutOfTheHeader() throws {
    let key = try SigningKey.generate(.ecdsaP256)
    let url = "https://ca.example/\"\\\u{1}\n/ü"

    let jws = try decode(JWS.sign(payload: nil, url: url, nonce: "n\"", key: key, reference: .keyID("k\"")))

    let header = try JSONDecoder().decode([String: String].self, from: Data(jws.header.utf8))
    #expect(header == ["alg": "ES256", "kid": "k\"", "nonce": "n\"", "url": url])
  }

  @Test func anExternalAccountBindingIsAMACOverTheAccountsKeyWithoutNonce() throws {
    let key = try SigningKey.generate(.ecdsaP256)
    let mac = PKISecret([1, 2, 3])

    let jws = try decode(
      JWS.externalAccountBinding(keyID: "kid-1", macKey: mac, url: "https://ca.example/new-account", accountKey: key))

    #expect(jws.header == #"{"alg":"HS256","kid":"kid-1","url":"https://ca.example/new-account"}"#)
    #expect(Base64URL.decode(jws.payload) == Array(key.publicJWK.utf8))
    #expect(Base64URL.decode(jws.signature) == hmacSHA256("\(jws.protected).\(jws.payload)".utf8, key: mac))
  }

  private func decode(_ bytes: [UInt8]) throws -> Flattened {
    try JSONDecoder().decode(Flattened.self, from: Data(bytes))
  }
}
