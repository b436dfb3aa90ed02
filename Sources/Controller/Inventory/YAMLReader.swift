import Fleet
import Foundation
import Yams

/// YAML into `ConfigurationNode`, by Yams, with its sharp edges covered.
///
/// Yams stops at a duplicate key and its error holds the whole file; an alias of an alias of an alias grows without bound; a document may nest as
/// deep as libyaml's stack. None of that reaches the caller.
struct YAMLReader {
  /// Far above any inventory: 200 pairs are some 100 KB.
  static let maximumBytes = 8 << 20
  /// Values after aliases are expanded.
  static let maximumValues = 500_000
  /// The deepest key of an inventory lies at 12.
  static let maximumDepth = 40
  private static let maximumDuplicates = 50
  private static let maximumAliasesWithComplexKeys = 20

  private let source: SourceText
  private var faults: [Diagnostic] = []
  private var values = 0
  /// What stands for a key that would have stopped Yams, and what it stands for.
  private var placeholders: [String: String] = [:]

  /// The tree, and what is wrong with the text; nil when there is nothing or nothing can be made of it.
  static func read(_ text: String, _ source: SourceText) -> (root: ConfigurationNode?, faults: [Diagnostic]) {
    var reader = YAMLReader(source: source)
    let root = reader.read(text)
    return (root, reader.faults)
  }

  private init(source: SourceText) { self.source = source }

  private mutating func read(_ text: String) -> ConfigurationNode? {
    guard !hidesBomb(text) else {
      error(
        at: SourceLocation(file: source.name, line: 1, column: 1), "aliases inside keys",
        "write keys as plain text")
      return nil
    }
    guard let root = compose(text) else { return nil }
    do throws(Limit) {
      return try convert(root, depth: 0)
    } catch {
      self.error(at: error.location, error.message, error.remedy)
      return nil
    }
  }

  // MARK: Composing

  private mutating func compose(_ original: String) -> Yams.Node? {
    var text = original
    while true {
      do {
        return try Parser(yaml: text, encoding: .utf8).singleRoot()
      } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
        // One key is renamed, as long as it was, and the file read again: so the other faults are found with it.
        guard placeholders.count < Self.maximumDuplicates, let key = duplicates.first,
          let renamed = rename(key, at: context.mark, in: text)
        else {
          error(
            at: location(context.mark),
            "a key stands twice in this mapping: \(duplicates.map { "“\(Printable.short($0, 40))”" }.joined(separator: ", "))",
            "keep one of them")
          return nil
        }
        text = renamed
      } catch let error as YamlError {
        explain(error)
        return nil
      } catch {
        self.error(
          at: SourceLocation(file: source.name, line: 1, column: 1), "the file cannot be read as YAML",
          "check its syntax")
        return nil
      }
    }
  }

  /// Replaces a key by as many characters of a private-use code point, so that every position stays what it was.
  private mutating func rename(_ key: String, at mark: Mark, in text: String) -> String? {
    let scalars = Array(text.unicodeScalars)
    guard !key.isEmpty, var start = Self.offset(of: mark, in: scalars),
      let substitute = Unicode.Scalar(0xe000 + UInt32(placeholders.count))
    else { return nil }
    if scalars[start] == "\"" || scalars[start] == "'" { start += 1 }
    let wanted = Array(key.unicodeScalars)
    guard start + wanted.count <= scalars.count, Array(scalars[start..<start + wanted.count]) == wanted else {
      return nil
    }
    let name = String(String.UnicodeScalarView(repeatElement(substitute, count: wanted.count)))
    placeholders[name] = key
    var renamed = String.UnicodeScalarView(scalars[..<start])
    renamed.append(contentsOf: name.unicodeScalars)
    renamed.append(contentsOf: scalars[(start + wanted.count)...])
    return String(renamed)
  }

  private static func offset(of mark: Mark, in scalars: [Unicode.Scalar]) -> Int? {
    var line = 1
    var index = 0
    while line < mark.line {
      guard let end = scalars[index...].firstIndex(of: "\n") else { return nil }
      index = end + 1
      line += 1
    }
    index += mark.column - 1
    return index < scalars.count ? index : nil
  }

  /// Yams hashes every key; a key that is an alias of aliases would hash for ever. Nobody writes such keys, so a text that might is refused.
  private func hidesBomb(_ text: String) -> Bool {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return false }
    var aliases = 0
    var hasComplexKey = false
    for line in text.split(separator: "\n") {
      // What stands in quotes is neither: "[2001:db8::53]:53" is no key.
      let bare = line.replacing(/"[^"]*"|'[^']*'/, with: "")
      var previous: Character = " "
      for character in bare {
        if character == "*", " \t[{,-:".contains(previous) { aliases += 1 }
        previous = character
      }
      let trimmed = bare.drop { $0 == " " || $0 == "-" }
      hasComplexKey =
        hasComplexKey || trimmed.hasPrefix("?") || bare.contains(/\? [*\[{]|[\]}]\s*:|\*[A-Za-z0-9_-]+\s*:/)
    }
    return hasComplexKey && aliases > Self.maximumAliasesWithComplexKeys
  }

  // MARK: Converting

  private struct Limit: Error {
    var location: SourceLocation
    var message: String
    var remedy: String
  }

  private mutating func convert(_ node: Yams.Node, depth: Int) throws(Limit) -> ConfigurationNode {
    let location = node.mark.map(location) ?? SourceLocation(file: source.name, line: 1, column: 1)
    values += 1
    guard values <= Self.maximumValues else {
      throw Limit(
        location: location, message: "more than \(Self.maximumValues) values, counting what aliases stand for",
        remedy: "write fewer aliases of aliases")
    }
    guard depth <= Self.maximumDepth else {
      throw Limit(
        location: location, message: "nested deeper than \(Self.maximumDepth) levels", remedy: "check the brackets")
    }
    refuseTag(node, at: location)
    switch node {
    case .scalar(let scalar):
      return ConfigurationNode(.scalar(scalar.string, isPlain: scalar.style == .plain), at: location)
    case .sequence(let sequence):
      var items: [ConfigurationNode] = []
      for item in sequence { items.append(try convert(item, depth: depth + 1)) }
      return ConfigurationNode(.sequence(items), at: location)
    case .mapping(let mapping):
      return ConfigurationNode(.mapping(try entries(of: mapping, depth: depth)), at: location)
    case .alias:
      // Yams puts the anchor's node in place of an alias; this case is for its encoder.
      throw Limit(location: location, message: "an alias that stands for nothing", remedy: "write the value itself")
    }
  }

  private mutating func entries(of mapping: Yams.Node.Mapping, depth: Int) throws(Limit) -> [ConfigurationNode.Entry] {
    var entries: [ConfigurationNode.Entry] = []
    var lines: [String: Int] = [:]
    var merged: [ConfigurationNode.Entry] = []
    for (key, value) in mapping {
      let keyLocation = key.mark.map(location) ?? SourceLocation(file: source.name, line: 1, column: 1)
      guard case .scalar(let scalar) = key else {
        error(at: keyLocation, "a key that is no text", "write keys as plain text")
        continue
      }
      if scalar.string == "<<", scalar.style == .plain {
        merged += try merge(value, at: keyLocation, depth: depth)
        continue
      }
      let name = placeholders[scalar.string] ?? scalar.string
      if let first = lines[name] {
        error(
          at: keyLocation, "“\(Printable.short(name, 40))” stands in this mapping twice; first at line \(first)",
          "keep one of them")
        continue
      }
      lines[name] = keyLocation.line
      entries.append(
        ConfigurationNode.Entry(key: name, keyLocation: keyLocation, value: try convert(value, depth: depth + 1)))
    }
    for entry in merged where lines.updateValue(entry.keyLocation.line, forKey: entry.key) == nil {
      entries.append(entry)
    }
    return entries
  }

  /// `<<: *defaults` or `<<: [*one, *other]` (https://yaml.org/type/merge.html): what is written wins, then the earlier one.
  private mutating func merge(
    _ value: Yams.Node, at location: SourceLocation, depth: Int
  ) throws(Limit) -> [ConfigurationNode.Entry] {
    let converted = try convert(value, depth: depth + 1)
    let parts: [ConfigurationNode] = if case .sequence(let items) = converted.value { items } else { [converted] }
    var entries: [ConfigurationNode.Entry] = []
    var seen: Set<String> = []
    for part in parts {
      guard case .mapping(let more) = part.value else {
        error(at: location, "“<<” merges something that is no mapping", "write `<<: *anchor` of a mapping")
        continue
      }
      for entry in more where seen.insert(entry.key).inserted { entries.append(entry) }
    }
    return entries
  }

  private static let usualTags: Set<String> = Set(
    ["str", "int", "float", "bool", "null", "map", "seq", "merge", "value", "timestamp"].map {
      "tag:yaml.org,2002:" + $0
    }
      + ["", "!", "?"])

  private mutating func refuseTag(_ node: Yams.Node, at location: SourceLocation) {
    let tag =
      switch node {
      case .scalar(let scalar): scalar.tag.rawValue
      case .sequence(let sequence): sequence.tag.rawValue
      case .mapping(let mapping): mapping.tag.rawValue
      case .alias(let alias): alias.tag.rawValue
      }
    guard !Self.usualTags.contains(tag) else { return }
    error(
      at: location, "the tag “\(Printable.short(tag, 60))” means nothing here",
      "remove it; other files are named by `include:`")
  }

  // MARK: Explaining

  private mutating func explain(_ fault: YamlError) {
    switch fault {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      if problem.contains("unexpected end of stream"), let context {
        error(at: location(context.mark), "what opens here is never closed", Self.remedy(problem))
        return
      }
      if problem.contains("another document") {
        error(at: location(mark), "a second YAML document", Self.remedy(problem))
        return
      }
      let whole = context.map { "\(problem), \($0.text) from line \($0.mark.line) on" } ?? problem
      error(at: location(mark), Printable.terminal(whole), Self.remedy(problem))
    case .reader(let problem, let offset, _, let yaml):
      let bytes = offset.map { yaml.prefix($0).utf8.count } ?? 0
      error(
        at: source.location(ofByte: bytes), Printable.terminal(problem),
        "save the file as UTF-8 without control characters")
    case .dataCouldNotBeDecoded:
      error(at: source.location(ofByte: 0), "the file is no UTF-8", "save it as UTF-8")
    case .no, .memory, .writer, .emitter, .representer, .duplicatedKeysInMapping:
      error(at: source.location(ofByte: 0), "the file cannot be read as YAML", "check its syntax")
    }
  }

  private static func remedy(_ problem: String) -> String {
    if problem.contains("cannot start any token") {
      return "indent with blanks, never tabs; put a text that starts with @, %, ` or a tab into quotes"
    }
    if problem.contains("mapping values are not allowed") {
      return "check the indentation; a text with “: ” in it needs quotes"
    }
    if problem.contains("could not find expected ':'") { return "a key needs a colon and a blank after it" }
    if problem.contains("did not find expected") { return "check indentation and brackets here and above" }
    if problem.contains("unexpected end of stream") {
      return "close the quote or bracket; a quote within a text needs the other kind around it"
    }
    if problem.contains("undefined alias") {
      return "define it before with `&name`, or put a text that starts with * into quotes"
    }
    if problem.contains("another document") { return "keep one document; remove the line `---`" }
    if problem.contains("nesting") { return "check the brackets" }
    return "check the syntax here and above"
  }

  private func location(_ mark: Mark) -> SourceLocation {
    source.location(line: mark.line, scalarColumn: mark.column)
  }

  private mutating func error(at location: SourceLocation, _ message: String, _ remedy: String) {
    faults.append(
      Diagnostic(.error, at: location, message, remedy: remedy, excerpt: source.excerpt(at: location)))
  }
}
