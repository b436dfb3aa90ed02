/// A parsed file is kept as short arrays: `[line, column, kind, …]`. Which file it is stands once, above the tree.
extension ConfigurationNode: Codable {
  private enum Kind: Int, Codable {
    case plain, quoted, sequence, mapping
  }

  /// Reads what `encode` wrote; the places are in no file until `placed(in:)` names it.
  public init(from decoder: any Decoder) throws {
    var fields = try decoder.unkeyedContainer()
    let location = SourceLocation(file: "", line: try fields.decode(Int.self), column: try fields.decode(Int.self))
    switch try fields.decode(Kind.self) {
    case .plain: self.init(.scalar(try fields.decode(String.self), isPlain: true), at: location)
    case .quoted: self.init(.scalar(try fields.decode(String.self), isPlain: false), at: location)
    case .sequence: self.init(.sequence(try fields.decode([ConfigurationNode].self)), at: location)
    case .mapping:
      let keys = try fields.decode([String].self)
      let values = try fields.decode([ConfigurationNode].self)
      let entries = zip(keys, values).map { Entry(key: $0, keyLocation: $1.location, value: $1) }
      self.init(.mapping(entries), at: location)
    }
  }

  /// Writes the tree without its comments and without the name of its file.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.unkeyedContainer()
    try fields.encode(location.line)
    try fields.encode(location.column)
    switch value {
    case .scalar(let text, let isPlain):
      try fields.encode(isPlain ? Kind.plain : .quoted)
      try fields.encode(text)
    case .sequence(let items):
      try fields.encode(Kind.sequence)
      try fields.encode(items)
    case .mapping(let entries):
      try fields.encode(Kind.mapping)
      try fields.encode(entries.map(\.key))
      try fields.encode(entries.map(\.value))
    }
  }

  /// The same tree, standing in this file: relative paths start from its folder.
  public func placed(in file: String) -> ConfigurationNode {
    let value: Value =
      switch value {
      case .scalar: value
      case .sequence(let items): .sequence(items.map { $0.placed(in: file) })
      case .mapping(let entries):
        .mapping(
          entries.map { entry in
            var location = entry.keyLocation
            location.file = file
            return Entry(key: entry.key, keyLocation: location, value: entry.value.placed(in: file))
          })
      }
    var location = location
    location.file = file
    return ConfigurationNode(value, at: location)
  }
}
