/// What a domain name is, injected: the public suffix list and IDN tables live in the module `Names`, which `Fleet` does not know.
public struct NameRules: Sendable {
  /// The name as a CA wants it: lower-case A-labels, no trailing dot, `*.` kept.
  public var aLabel: @Sendable (String) throws(Fault) -> String
  /// The registered domain that rate limits count a name under; nil when it is under no known suffix.
  public var registeredDomain: @Sendable (String) -> String?
  /// Whether the name is itself a public suffix.
  public var isSuffix: @Sendable (String) -> Bool

  /// Collects the parts.
  public init(
    aLabel: @escaping @Sendable (String) throws(Fault) -> String,
    registeredDomain: @escaping @Sendable (String) -> String?,
    isSuffix: @escaping @Sendable (String) -> Bool
  ) {
    self.aLabel = aLabel
    self.registeredDomain = registeredDomain
    self.isSuffix = isSuffix
  }

  /// Why a text is no name.
  public struct Fault: Error, Sendable, Equatable {
    /// What is wrong.
    public var text: String
    /// What to do about it.
    public var remedy: String

    /// Collects the parts.
    public init(_ text: String, remedy: String) {
      self.text = text
      self.remedy = remedy
    }
  }
}
