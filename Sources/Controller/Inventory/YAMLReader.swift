import Fleet
import Foundation

/// YAML into `ConfigurationNode`, from libyaml's events.
///
/// A library's tree would be in memory before it can be looked at: an alias of an alias of an alias grows without bound, keys are compared with all
/// they hold, a second equal key stops everything. Here each event is counted as it comes, and an alias counts for all that it stands for.
struct YAMLReader {
  /// Far above any inventory: 200 pairs are some 100 KB.
  static let maximumBytes = 8 << 20
  /// Values after aliases are expanded.
  static let maximumValues = 500_000
  /// The deepest key of an inventory lies at 12.
  static let maximumDepth = 40
  /// More faults than these tell nobody more.
  private static let maximumFaults = 200

  private let source: SourceText
  private let events: YAMLEvents
  private var faults: [Diagnostic] = []
  private var values = 0
  private var anchors: [String: Built] = [:]

  /// A node, and what an alias of it costs.
  private struct Built {
    var node: ConfigurationNode
    var values: Int
    var depth: Int
  }

  /// Stops the reading; what is to be said was said.
  private struct Stop: Error {}

  /// The tree, and what is wrong with the text; nil when there is nothing or nothing can be made of it.
  static func read(_ text: String, _ source: SourceText) -> (root: ConfigurationNode?, faults: [Diagnostic]) {
    guard let events = YAMLEvents(text) else {
      let fault = Diagnostic(.error, at: source.location(ofByte: 0), "no memory is left to read this file")
      return (nil, [fault])
    }
    var reader = YAMLReader(source: source, events: events)
    let root = reader.read()
    return (root, reader.faults)
  }

  private init(source: SourceText, events: YAMLEvents) {
    self.source = source
    self.events = events
  }

  private mutating func read() -> ConfigurationNode? {
    do throws(Stop) {
      guard case .document = try next() else { return nil }
      let root = try build(try next(), depth: 0)
      if case .document(let mark) = try next() {
        error(at: location(mark), "a second YAML document", YAMLWords.remedy("another document"))
        return nil
      }
      return root.node
    } catch {
      return nil
    }
  }

  // MARK: Building

  private mutating func build(_ event: YAMLEvents.Event, depth: Int) throws(Stop) -> Built {
    switch event {
    case .scalar(let text, let isPlain, let node):
      let place = try begin(node, depth)
      return keep(Built(node: ConfigurationNode(.scalar(text, isPlain: isPlain), at: place), values: 1, depth: 1), node)
    case .sequence(let node):
      let place = try begin(node, depth)
      var items: [ConfigurationNode] = []
      var size = (values: 1, depth: 1)
      while let item = try item(depth + 1) {
        items.append(item.node)
        size = (size.values + item.values, max(size.depth, item.depth + 1))
      }
      let built = Built(node: ConfigurationNode(.sequence(items), at: place), values: size.values, depth: size.depth)
      return keep(built, node)
    case .mapping(let node):
      let place = try begin(node, depth)
      var entries = Entries()
      var size = (values: 1, depth: 1)
      while let key = try item(depth + 1) {
        guard let value = try item(depth + 1) else { break }
        size = (size.values + key.values + value.values, max(size.depth, key.depth + 1, value.depth + 1))
        add(key.node, value.node, to: &entries)
      }
      let built = Built(
        node: ConfigurationNode(.mapping(entries.whole), at: place), values: size.values, depth: size.depth)
      return keep(built, node)
    case .alias(let name, let mark):
      guard let target = anchors[name] else {
        error(at: location(mark), "found undefined alias", YAMLWords.remedy("undefined alias"))
        throw Stop()
      }
      try count(target.values, at: location(mark))
      try checkDepth(depth + target.depth - 1, at: location(mark))
      return target
    case .end(let mark), .document(let mark):
      error(at: location(mark), "the file cannot be read as YAML", "check its syntax")
      throw Stop()
    case .streamEnd:
      error(at: source.location(ofByte: 0), "the file cannot be read as YAML", "check its syntax")
      throw Stop()
    }
  }

  /// The next node of a collection; nil at its end.
  private mutating func item(_ depth: Int) throws(Stop) -> Built? {
    let event = try next()
    if case .end = event { return nil }
    return try build(event, depth: depth)
  }

  private mutating func begin(_ node: YAMLEvents.Node, _ depth: Int) throws(Stop) -> SourceLocation {
    let location = location(node.mark)
    try count(1, at: location)
    try checkDepth(depth, at: location)
    if let tag = node.tag, !YAMLWords.usualTags.contains(tag) {
      let shown = source.quoted(tag, limit: 60, at: location)
      error(at: location, "the tag \(shown) means nothing here", "remove it; other files are named by `include:`")
    }
    return location
  }

  private mutating func keep(_ built: Built, _ node: YAMLEvents.Node) -> Built {
    if let anchor = node.anchor { anchors[anchor] = built }
    return built
  }

  private mutating func count(_ more: Int, at location: SourceLocation) throws(Stop) {
    values += more
    guard values > Self.maximumValues else { return }
    error(
      at: location, "more than \(Self.maximumValues) values, counting what aliases stand for",
      "write fewer aliases of aliases")
    throw Stop()
  }

  private mutating func checkDepth(_ depth: Int, at location: SourceLocation) throws(Stop) {
    guard depth > Self.maximumDepth else { return }
    error(at: location, "nested deeper than \(Self.maximumDepth) levels", "check the brackets")
    throw Stop()
  }

  // MARK: Mappings

  private struct Entries {
    var written: [ConfigurationNode.Entry] = []
    var merged: [ConfigurationNode.Entry] = []
    var lines: [String: Int] = [:]

    /// What is written wins, then what was merged first.
    var whole: [ConfigurationNode.Entry] {
      var known = Set(lines.keys)
      return written + merged.filter { known.insert($0.key).inserted }
    }
  }

  private mutating func add(_ key: ConfigurationNode, _ value: ConfigurationNode, to entries: inout Entries) {
    guard case .scalar(let name, let isPlain) = key.value else {
      error(at: key.location, "a key that is no text", "write keys as plain text")
      return
    }
    if name == "<<", isPlain {
      entries.merged += merge(value, at: key.location)
      return
    }
    if let first = entries.lines[name] {
      error(
        at: key.location,
        "\(source.quoted(name, limit: 40, at: key.location)) stands in this mapping twice; first at line \(first)",
        "keep one of them")
      return
    }
    entries.lines[name] = key.location.line
    entries.written.append(ConfigurationNode.Entry(key: name, keyLocation: key.location, value: value))
  }

  /// `<<: *defaults` or `<<: [*one, *other]` (https://yaml.org/type/merge.html).
  private mutating func merge(_ value: ConfigurationNode, at location: SourceLocation) -> [ConfigurationNode.Entry] {
    let parts: [ConfigurationNode] = if case .sequence(let items) = value.value { items } else { [value] }
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

  // MARK: Faults

  private mutating func next() throws(Stop) -> YAMLEvents.Event {
    do throws(YAMLEvents.Fault) {
      return try events.next()
    } catch {
      explain(error)
      throw Stop()
    }
  }

  private mutating func explain(_ fault: YAMLEvents.Fault) {
    if fault.isEncoding {
      error(
        at: source.location(ofByte: fault.mark.offset), Printable.terminal(fault.problem),
        "save the file as UTF-8 without control characters")
      return
    }
    if fault.problem.contains("unexpected end of stream"), fault.context != nil {
      error(at: location(fault.contextMark), "what opens here is never closed", YAMLWords.remedy(fault.problem))
      return
    }
    let whole = fault.context.map { "\(fault.problem), \($0) from line \(fault.contextMark.line) on" } ?? fault.problem
    error(at: location(fault.mark), Printable.terminal(whole), YAMLWords.remedy(fault.problem))
  }

  private func location(_ mark: YAMLEvents.Mark) -> SourceLocation {
    source.location(line: mark.line, scalarColumn: mark.column)
  }

  private mutating func error(at location: SourceLocation, _ message: String, _ remedy: String) {
    guard faults.count < Self.maximumFaults else { return }
    faults.append(
      Diagnostic(.error, at: location, message, remedy: remedy, excerpt: source.excerpt(at: location)))
  }
}

/// What libyaml's words mean for the person who wrote the file.
private enum YAMLWords {
  static let usualTags: Set<String> = Set(
    ["str", "int", "float", "bool", "null", "map", "seq", "merge", "value", "timestamp"].map {
      "tag:yaml.org,2002:" + $0
    }
      + ["", "!", "?"])

  static func remedy(_ problem: String) -> String {
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
}
