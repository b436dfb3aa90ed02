/// A value in a configuration file with the place where it stands: what `Controller` makes of YAML, so that `Fleet` needs no YAML library.
public struct ConfigurationNode: Sendable, Equatable {
  /// What stands there.
  public var value: Value
  /// Where it stands; of an alias, where its anchor stands.
  public var location: SourceLocation

  /// Puts a value in its place.
  public init(_ value: Value, at location: SourceLocation) {
    self.value = value
    self.location = location
  }

  /// The three shapes of YAML.
  public indirect enum Value: Sendable, Equatable {
    /// Text; `isPlain` when it stood without quotes, so that `~` and `true` mean more than their letters.
    case scalar(String, isPlain: Bool)
    case sequence([ConfigurationNode])
    /// In file order, keys unique.
    case mapping([Entry])
  }

  /// A key and its value.
  public struct Entry: Sendable, Equatable {
    /// The key's text.
    public var key: String
    /// Where the key stands.
    public var keyLocation: SourceLocation
    /// The value.
    public var value: ConfigurationNode

    /// Collects the parts.
    public init(key: String, keyLocation: SourceLocation, value: ConfigurationNode) {
      self.key = key
      self.keyLocation = keyLocation
      self.value = value
    }
  }

  /// Whether it says "nothing": an empty value, `~` or `null`.
  public var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = value else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// What kind of value this is, for a fault that names no value.
  var kind: String {
    switch value {
    case .scalar: isNull ? "nothing" : "a text"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// One file of the inventory, parsed.
public struct ConfigurationDocument: Sendable {
  /// The text, for excerpts.
  public var source: SourceText
  /// The absolute path of the folder that the file's relative paths start from.
  public var directory: String
  /// The absolute path of the file.
  public var path: String
  /// The tree; nil when the file is empty or could not be parsed.
  public var root: ConfigurationNode?

  /// Collects the parts.
  public init(source: SourceText, path: String, directory: String, root: ConfigurationNode?) {
    self.source = source
    self.path = path
    self.directory = directory
    self.root = root
  }
}
