/// The sorted, unique set of 1…100 A-labels in one certificate: what the CA calls the exact set.
public struct NameSet: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The names, sorted and unique.
  public let names: [String]

  /// Sorts and removes repeats; nil when empty or over 100 names (the CA's `max_names` of its largest profile).
  public init?(_ names: some Sequence<String>) {
    let sorted = Self.sortedUnique(names)
    guard (1...100).contains(sorted.count) else { return nil }
    self.names = sorted
  }

  /// Sorted, without repeats. Most sets have one name or a handful, for which hashing would cost more than it spares.
  static func sortedUnique(_ texts: some Sequence<String>) -> [String] {
    var sorted = texts.sorted()
    guard sorted.count > 1 else { return sorted }
    var last = 0
    for index in sorted.indices.dropFirst() where sorted[index] != sorted[last] {
      last += 1
      sorted[last] = sorted[index]
    }
    sorted.removeSubrange((last + 1)...)
    return sorted
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
