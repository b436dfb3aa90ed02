/// The sorted, unique set of 1…100 A-labels in one certificate: what the CA calls the exact set.
public struct NameSet: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The names, sorted and unique.
  public let names: [String]

  /// Sorts and removes repeats; nil when empty or over 100 names (the CA's `max_names` of its largest profile).
  public init?(_ names: some Sequence<String>) {
    let sorted = Set(names).sorted()
    guard (1...100).contains(sorted.count) else { return nil }
    self.names = sorted
  }

  /// Reads the array form.
  public init(from decoder: any Decoder) throws {
    names = try decoder.singleValueContainer().decode([String].self)
  }

  /// Writes the array form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(names)
  }

  /// The name that stands for the certificate in lists.
  public var first: String { names.first ?? "" }

  /// `a.example` or `a.example +2`.
  public var description: String { names.count == 1 ? first : "\(first) +\(names.count - 1)" }
}
