/// An ACME error type (RFC 8555 section 6.7 and the IANA registry): an open set, for CAs add their own.
public struct ProblemType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// Where the registered types live.
  public static let namespace = "urn:ietf:params:acme:error:"

  /// The whole type, `urn:ietf:params:acme:error:caa` for example.
  public let rawValue: String
  /// Any type as it was sent.
  public init(rawValue: String) { self.rawValue = rawValue }

  private init(_ name: String) { rawValue = Self.namespace + name }

  /// The account of the key is not known to the CA: lost, or of another CA.
  public static let accountDoesNotExist = ProblemType("accountDoesNotExist")
  /// The certificate is already revoked.
  public static let alreadyRevoked = ProblemType("alreadyRevoked")
  /// The certificate named in `replaces` has a replacement (RFC 9773 section 7.4).
  public static let alreadyReplaced = ProblemType("alreadyReplaced")
  /// The CSR is unacceptable; the order stays ready.
  public static let badCSR = ProblemType("badCSR")
  /// The nonce is unknown; sign again with the one in the answer.
  public static let badNonce = ProblemType("badNonce")
  /// The account key is of a kind the CA does not take.
  public static let badPublicKey = ProblemType("badPublicKey")
  /// The revocation reason is not allowed.
  public static let badRevocationReason = ProblemType("badRevocationReason")
  /// The algorithm of the signature is not taken.
  public static let badSignatureAlgorithm = ProblemType("badSignatureAlgorithm")
  /// CAA records forbid this CA.
  public static let caa = ProblemType("caa")
  /// Several identifiers failed, each with a subproblem.
  public static let compound = ProblemType("compound")
  /// The CA could not connect to the validation target.
  public static let connection = ProblemType("connection")
  /// Boulder's own: another request is changing the same object.
  public static let conflict = ProblemType("conflict")
  /// DNS failed during validation.
  public static let dns = ProblemType("dns")
  /// newAccount needs an external account binding.
  public static let externalAccountRequired = ProblemType("externalAccountRequired")
  /// The validation target gave another answer than the key authorization.
  public static let incorrectResponse = ProblemType("incorrectResponse")
  /// A contact is invalid.
  public static let invalidContact = ProblemType("invalidContact")
  /// The profile is not offered.
  public static let invalidProfile = ProblemType("invalidProfile")
  /// The request makes no sense to the server; Boulder's type for 404 as well.
  public static let malformed = ProblemType("malformed")
  /// Finalize came before the order was ready, or twice.
  public static let orderNotReady = ProblemType("orderNotReady")
  /// A limit is reached; without Retry-After a person is needed.
  public static let rateLimited = ProblemType("rateLimited")
  /// The CA will not certify this identifier.
  public static let rejectedIdentifier = ProblemType("rejectedIdentifier")
  /// Something broke at the CA.
  public static let serverInternal = ProblemType("serverInternal")
  /// TLS failed during validation.
  public static let tls = ProblemType("tls")
  /// The account lacks authority; also the answer to a deactivated account.
  public static let unauthorized = ProblemType("unauthorized")
  /// The contact's scheme is not supported.
  public static let unsupportedContact = ProblemType("unsupportedContact")
  /// The identifier's type is not supported.
  public static let unsupportedIdentifier = ProblemType("unsupportedIdentifier")
  /// A person has to visit `instance`, to agree to new terms for example.
  public static let userActionRequired = ProblemType("userActionRequired")

  /// The name alone for registered types, the whole text for others.
  public var description: String {
    rawValue.hasPrefix(Self.namespace) ? String(rawValue.dropFirst(Self.namespace.count)) : rawValue
  }
}
