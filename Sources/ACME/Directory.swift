import Foundation

/// What a CA offers and where (RFC 8555 section 7.1.1). All URLs are absolute.
public struct Directory: Sendable, Hashable {
  /// Where the directory itself was read.
  public let url: String
  /// HEAD it for a nonce.
  public let newNonce: String
  /// Where accounts are made and found.
  public let newAccount: String
  /// Where orders are made.
  public let newOrder: String
  /// Where certificates are revoked.
  public let revokeCert: String?
  /// Where account keys are changed.
  public let keyChange: String?
  /// Renewal information (RFC 9773); `nil`: the CA has none, and `replaces` must not be sent.
  public let renewalInfo: String?
  /// What to agree to.
  public let termsOfService: String?
  /// Domains that CAA records may name for this CA.
  public let caaIdentities: [String]
  /// Whether newAccount needs an external account binding. SSL.com has been seen to say no and mean yes.
  public let externalAccountRequired: Bool
  /// Profiles by name, each with its description.
  public let profiles: [String: String]

  init(_ wire: Wire, url: String) throws(ACMEError) {
    func resolve(_ text: String?) throws(ACMEError) -> String? {
      guard let text else { return nil }
      return try ServerURL.resolve(text, against: url)
    }
    guard let nonce = try resolve(wire.newNonce), let account = try resolve(wire.newAccount),
      let order = try resolve(wire.newOrder)
    else { throw ACMEError(.malformed("no ACME directory: newNonce, newAccount or newOrder is missing"), url: url) }
    self.url = url
    newNonce = nonce
    newAccount = account
    newOrder = order
    revokeCert = try resolve(wire.revokeCert)
    keyChange = try resolve(wire.keyChange)
    renewalInfo = try resolve(wire.renewalInfo)
    termsOfService = wire.meta?.termsOfService
    caaIdentities = wire.meta?.caaIdentities ?? []
    externalAccountRequired = wire.meta?.externalAccountRequired ?? false
    profiles = wire.meta?.profiles ?? [:]
  }

  struct Wire: Decodable {
    let newNonce, newAccount, newOrder, revokeCert, keyChange, renewalInfo: String?
    let meta: Meta?

    init(newNonce: String, newAccount: String, newOrder: String) {
      (self.newNonce, self.newAccount, self.newOrder) = (newNonce, newAccount, newOrder)
      (revokeCert, keyChange, renewalInfo, meta) = (nil, nil, nil, nil)
    }

    private enum Key: String, CodingKey {
      case newNonce, newAccount, newOrder, revokeCert, keyChange, renewalInfo, meta
    }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      newNonce = fields.leniently(String.self, .newNonce)
      newAccount = fields.leniently(String.self, .newAccount)
      newOrder = fields.leniently(String.self, .newOrder)
      revokeCert = fields.leniently(String.self, .revokeCert)
      keyChange = fields.leniently(String.self, .keyChange)
      renewalInfo = fields.leniently(String.self, .renewalInfo)
      meta = fields.leniently(Meta.self, .meta)
    }
  }

  struct Meta: Decodable {
    let termsOfService: String?
    let caaIdentities: [String]?
    let externalAccountRequired: Bool?
    let profiles: [String: String]?

    private enum Key: String, CodingKey { case termsOfService, caaIdentities, externalAccountRequired, profiles }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      termsOfService = fields.leniently(String.self, .termsOfService)
      caaIdentities = fields.leniently([String].self, .caaIdentities)
      externalAccountRequired = fields.leniently(Bool.self, .externalAccountRequired)
      profiles = fields.leniently([String: Lenient<String>].self, .profiles)?.mapValues { $0.value ?? "" }
    }
  }
}
