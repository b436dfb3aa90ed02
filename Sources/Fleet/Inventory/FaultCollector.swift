/// Gathers the faults of one reading. Lives inside one synchronous call and is shared by the readers of its parts.
final class FaultCollector {
  private let sources: [String: SourceText]
  private var found: [Diagnostic] = []
  private var seen: Set<Key> = []
  /// Keys and ids: no secrets, even where they stand in the line of one.
  private var known: Set<String> = []

  init(sources: [SourceText]) {
    self.sources = Dictionary(sources.map { ($0.name, $0) }) { first, _ in first }
  }

  /// What inherits from a faulty default would report it again for every node; once is enough.
  private struct Key: Hashable {
    var location: SourceLocation
    var message: String
  }

  /// Errors stop the command.
  func error(at location: SourceLocation, _ message: String, remedy: String? = nil) {
    add(.error, at: location, message, remedy)
  }

  /// Warnings do not.
  func warning(at location: SourceLocation, _ message: String, remedy: String? = nil) {
    add(.warning, at: location, message, remedy)
  }

  private func add(_ severity: Diagnostic.Severity, at location: SourceLocation, _ message: String, _ remedy: String?) {
    guard seen.insert(Key(location: location, message: message)).inserted else { return }
    let source = sources[location.file]
    // The one place through which every fault goes: no reader has to think of secrets.
    let told = { [known] (text: String) in source?.withoutSecrets(text, at: location, known: known) ?? text }
    found.append(
      Diagnostic(
        severity, at: location, told(message), remedy: remedy.map(told), excerpt: source?.excerpt(at: location)))
  }

  /// Notes words that faults may quote.
  func know(_ words: some Sequence<String>) { known.formUnion(words) }

  /// How many were found.
  var count: Int { found.count }

  /// Whether anything found stops the command.
  var hasErrors: Bool { found.contains { $0.severity == .error } }

  /// What was found, by file in reading order, then line and column.
  func sorted(files: [String]) -> [Diagnostic] {
    let order = Dictionary(files.enumerated().map { ($1, $0) }) { first, _ in first }
    return found.enumerated().sorted { left, right in
      let (a, b) = (left.element.location, right.element.location)
      return (order[a.file] ?? files.count, a.line, a.column, left.offset)
        < (order[b.file] ?? files.count, b.line, b.column, right.offset)
    }.map(\.element)
  }
}
