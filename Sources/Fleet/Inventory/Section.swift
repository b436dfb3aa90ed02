/// A mapping of the inventory while it is read: one as written, or several laid over each other (node over pair over defaults).
///
/// Every question it answers reports its own faults, and goes on with nil, so that one reading finds them all.
struct Section {
  /// What the mapping is, for faults: “pair web1”.
  let title: String
  /// Where the mapping stands, or the thing that lacks it.
  let location: SourceLocation
  /// The mappings, the innermost first.
  private let layers: [[ConfigurationNode.Entry]]
  /// Whether a mapping stands here at all; where none does that is the fault, and not everything that it lacks.
  let isMapping: Bool
  private let context: ReadingContext

  /// One mapping as written; keys that are not in `keys` are faults. Anything but a mapping is a fault and reads as empty.
  init(_ node: ConfigurationNode, _ title: String, keys: [String], _ context: ReadingContext) {
    self.title = title
    self.location = node.location
    self.context = context
    context.faults.know(keys)
    switch node.value {
    case .mapping(let entries):
      layers = [entries]
      isMapping = true
      for entry in entries where !keys.contains(entry.key) { Self.refuse(entry, in: title, keys: keys, context) }
    case .scalar where node.isNull:
      layers = []
      isMapping = true
    case .scalar, .sequence:
      layers = []
      isMapping = false
      context.faults.error(
        at: node.location, "\(title) is \(node.kind), and must be a mapping",
        remedy: "write it as keys and values: \(keys.prefix(4).map { $0 + ":" }.joined(separator: ", "))…")
    }
  }

  private init(
    title: String, location: SourceLocation, layers: [[ConfigurationNode.Entry]], isMapping: Bool = true,
    _ context: ReadingContext
  ) {
    self.isMapping = isMapping
    self.title = title
    self.location = location
    self.layers = layers
    self.context = context
  }

  /// This section, and what it does not say from `outer`.
  func inheriting(_ outer: Section) -> Section {
    Section(title: title, location: location, layers: layers + outer.layers, isMapping: isMapping, context)
  }

  /// A section of which nothing is written.
  static func empty(_ title: String, at location: SourceLocation, _ context: ReadingContext) -> Section {
    Section(title: title, location: location, layers: [], context)
  }

  private static func refuse(
    _ entry: ConfigurationNode.Entry, in title: String, keys: [String], _ context: ReadingContext
  ) {
    let key = Printable.short(entry.key, 40)
    if SecretLines.isSecretKey(entry.key), Spelling.nearest(to: entry.key, among: keys) == nil {
      context.faults.error(
        at: entry.keyLocation, "unknown key “\(key)” in \(title); secrets never stand in the inventory",
        remedy: "write the secret into a file of mode 0600 and name that with a key that ends in _file")
    } else {
      let remedy =
        Spelling.question(for: entry.key, among: keys)
        ?? "known keys: " + keys.joined(separator: ", ")
      context.faults.error(at: entry.keyLocation, "unknown key “\(key)” in \(title)", remedy: remedy)
    }
  }

  // MARK: Finding

  /// What the innermost layer says that says anything; a written `~` takes back what was inherited.
  func entry(_ key: String) -> ConfigurationNode.Entry? {
    for layer in layers {
      if let entry = layer.first(where: { $0.key == key }) { return entry.value.isNull ? nil : entry }
    }
    return nil
  }

  /// The value of a key, if it is written.
  func node(_ key: String) -> ConfigurationNode? { entry(key)?.value }

  /// The place of a key's value, else of the section.
  func location(of key: String) -> SourceLocation { node(key)?.location ?? location }

  /// Says that something needed is not there.
  func missing(_ key: String, remedy: String) {
    guard isMapping else { return }
    context.faults.error(at: location, "\(title) has no “\(key)”", remedy: remedy)
  }

  // MARK: Scalars

  /// A text, on one line.
  func text(_ key: String) -> String? {
    guard let entry = entry(key) else { return nil }
    return context.text(entry.value, "“\(key)” of \(title)")
  }

  /// A text that must be there.
  func text(_ key: String, orMissing remedy: String) -> String? {
    if entry(key) == nil { missing(key, remedy: remedy) }
    return text(key)
  }

  /// An id that must be there.
  func identifier(_ key: String) -> String? {
    text(key, orMissing: "write `\(key): some-name`").flatMap { context.identifier($0, at: location(of: key)) }
  }

  /// A whole number within bounds.
  func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = text(key) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      context.faults.error(
        at: location(of: key),
        "“\(key)” of \(title) is no whole number from \(range.lowerBound) to \(range.upperBound)",
        remedy: "write a number in that range")
      return nil
    }
    return number
  }

  /// A port number.
  func port(_ key: String) -> UInt16? { integer(key, in: 1...65_535).map { UInt16($0) } }

  /// `true` or `false`.
  func flag(_ key: String) -> Bool? {
    switch text(key) {
    case nil: return nil
    case "true", "True", "TRUE", "yes", "Yes", "on", "On": return true
    case "false", "False", "FALSE", "no", "No", "off", "Off": return false
    case .some:
      context.faults.error(
        at: location(of: key), "“\(key)” of \(title) is neither true nor false", remedy: "write true or false")
      return nil
    }
  }

  /// One of our own words.
  func choice<Choice: RawRepresentable & CaseIterable>(_ key: String) -> Choice? where Choice.RawValue == String {
    guard let text = text(key) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    context.faults.error(
      at: location(of: key), "“\(Printable.short(text, 40))” is no “\(key)”",
      remedy: Spelling.remedy(for: text, among: Choice.allCases.map(\.rawValue), key))
    return nil
  }

  /// A path on the controller, made absolute from the folder of the file in which it is written.
  func path(_ key: String, reading purpose: FileReference.Purpose?) -> String? {
    text(key).map { context.path($0, at: location(of: key), purpose) }
  }

  // MARK: Lists and sections

  /// The items of a list; one item may stand without its brackets.
  func list(_ key: String) -> [ConfigurationNode]? {
    guard let node = node(key) else { return nil }
    if case .sequence(let items) = node.value { return items }
    return [node]
  }

  /// A list of texts.
  func texts(_ key: String) -> [(text: String, location: SourceLocation)] {
    (list(key) ?? []).compactMap { item in
      context.text(item, "an item of “\(key)” of \(title)").map { ($0, item.location) }
    }
  }

  /// A mapping within, each layer of it checked and laid over the outer ones; nil when no layer has it.
  func section(_ key: String, _ title: String? = nil, keys: [String]) -> Section? {
    var inner: Section?
    for layer in layers {
      guard let entry = layer.first(where: { $0.key == key }) else { continue }
      if entry.value.isNull { break }
      let section = Section(entry.value, title ?? "“\(key)” of \(self.title)", keys: keys, context)
      inner = inner?.inheriting(section) ?? section
    }
    return inner
  }

  /// A secret's place: `NAME_file:`, `NAME_env:` or `NAME_credential:`, or `NAME: { file: … }` and so on. The secret itself, under `NAME:`,
  /// is refused.
  func secret(_ name: String) -> SecretSource? {
    var found: SecretSource?
    var isDecided = false
    for layer in layers {
      let places = places(of: name, in: layer)
      if places.count > 1, let last = places.last {
        context.faults.error(
          at: last.keyLocation, "“\(name)” of \(title) has two places", remedy: "keep one of them: a file or a variable"
        )
      }
      guard !isDecided, let place = places.first else { continue }
      // The innermost layer that speaks of the secret decides, also when it says `~`: none.
      isDecided = true
      guard !place.value.isNull, let text = context.text(place.value, "the place of “\(name)”") else { continue }
      if place.key.hasSuffix("file") {
        found = .file(context.path(text, at: place.value.location, .secret(key: name)))
      } else if place.key.hasSuffix("credential") {
        found = context.identifier(text, at: place.value.location).map { .credential($0) }
      } else {
        found = environment(text, place)
      }
    }
    return found
  }

  private func places(of name: String, in layer: [ConfigurationNode.Entry]) -> [ConfigurationNode.Entry] {
    var places = layer.filter { [name + "_file", name + "_env", name + "_credential"].contains($0.key) }
    guard let entry = layer.first(where: { $0.key == name }) else { return places }
    if entry.value.isNull { return places + [entry] }
    guard case .mapping(let entries) = entry.value.value, !entries.isEmpty,
      entries.allSatisfy({ ["file", "env", "credential"].contains($0.key) })
    else {
      context.faults.error(
        at: entry.keyLocation, "“\(name)” must not stand in the inventory",
        remedy: "write it into a file of mode 0600 and name that with `\(name)_file:`, "
          + "or an environment variable with `\(name)_env:`")
      return places
    }
    places += entries
    return places
  }

  private func environment(_ name: String, _ entry: ConfigurationNode.Entry) -> SecretSource? {
    let isName =
      name.utf8.first.map { !(0x30...0x39).contains($0) } == true
      && name.utf8.allSatisfy {
        $0 == 0x5f || (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
      }
    if isName { return .environment(name) }
    // Not quoted: somebody may have written the secret itself here.
    context.faults.error(
      at: entry.value.location, "“\(entry.key)” of \(title) is no name of an environment variable",
      remedy: "write the variable's name, such as CERTFLEET_PASSWORD, not its value")
    return nil
  }
}
