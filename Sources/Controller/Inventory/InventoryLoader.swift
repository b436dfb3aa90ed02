public import Fleet
import Foundation

/// Reads an inventory from disk: the root file, what it includes, and whether the files that it names are there.
public struct InventoryLoader {
  /// What came of it.
  public struct Loaded: Sendable {
    /// The inventory; nil when there is an error among the faults.
    public var inventory: Inventory?
    /// Every fault, in reading order.
    public var diagnostics: [Diagnostic]
    /// The inventory where nothing but lists of domains or the public suffix list is missing: a sweep can do without.
    var withoutLists: Inventory?
    /// The inventory as far as it could be read, where there are errors: of use to find those of the lists too.
    var inPart: Inventory?
    /// The files as they were parsed, the root file first.
    var documents: [ConfigurationDocument] = []
  }

  /// The root file cannot be read at all.
  public struct Unreadable: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as the user named it.
    public var path: String
    /// Why.
    public var reason: String
    /// One line for people.
    public var description: String {
      "\(path): \(reason); write one with `certfleet init`, or name another with --inventory"
    }
  }

  private static let maximumFiles = 500

  private let home: String
  private var documents: [ConfigurationDocument] = []
  private var diagnostics: [Diagnostic] = []
  private var sources: [String: SourceText] = [:]
  private var order: [String] = []
  private var seen: Set<String> = []
  /// Errors about files without which a sweep can still do what is wanted already.
  private var missingLists = 0

  /// Reads the inventory whose root file is `path`. `home` is what `~/` means in it, the user's own unless given.
  public static func load(
    path: String, home: String? = nil
  ) throws(Unreadable) -> Loaded {
    var loader = InventoryLoader(home: home ?? FileManager.default.homeDirectoryForCurrentUser.path)
    do throws(TextFile.Fault) {
      try loader.read(TextFile.absolute(path), shown: path)
    } catch {
      throw Unreadable(path: path, reason: error.reason)
    }
    return loader.finish()
  }

  private init(home: String) { self.home = home }

  private mutating func read(_ path: String, shown: String) throws(TextFile.Fault) {
    let bytes = try TextFile.read(path, limit: YAMLReader.maximumBytes)
    guard seen.insert(path).inserted else { return }
    let source = SourceText(name: shown, bytes: bytes, hidesSecrets: true)
    sources[shown] = source
    order.append(shown)
    let root = parse(bytes, source)
    let document = ConfigurationDocument(
      source: source, path: path, directory: URL(fileURLWithPath: path).deletingLastPathComponent().path, root: root)
    documents.append(document)
    for include in InventoryReader.includes(of: document, home: home) { read(include) }
  }

  private mutating func parse(_ bytes: [UInt8], _ source: SourceText) -> ConfigurationNode? {
    // Before YAML sees it: libyaml's own words about encodings give no line.
    let body = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes[3...] : bytes[...]
    if let stray = Self.firstStray(in: body) {
      let location = source.location(ofByte: stray.offset)
      diagnostics.append(
        Diagnostic(
          .error, at: location, stray.what, remedy: "save the file as UTF-8 text", excerpt: source.excerpt(at: location)
        ))
      return nil
    }
    let (root, faults) = YAMLReader.read(String(decoding: body, as: UTF8.self), source)
    diagnostics += faults
    if root == nil, faults.isEmpty, documents.isEmpty {
      diagnostics.append(
        Diagnostic(
          .error, at: source.location(ofByte: 0), "the inventory is empty",
          remedy: "see `certfleet init` for one to start from"))
    }
    return root
  }

  private static func firstStray(in body: ArraySlice<UInt8>) -> (offset: Int, what: String)? {
    if let control = body.firstIndex(where: { $0 < 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d || $0 == 0x7f }) {
      return (control, "a control character (byte 0x\(String(body[control], radix: 16)))")
    }
    guard String(validating: body, as: UTF8.self) == nil else { return nil }
    var iterator = body.makeIterator()
    var decoder = UTF8()
    var offset = body.startIndex
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
    return (offset, "bytes that are no UTF-8")
  }

  private mutating func read(_ include: FileReference) {
    let paths = TextFile.isPattern(include.path) ? TextFile.expand(include.path) : [include.path]
    if paths.isEmpty {
      report(.warning, include, "no file matches this pattern", "check the path; it starts from this file's folder")
    }
    for path in paths where !seen.contains(path) {
      guard documents.count < Self.maximumFiles else {
        report(.error, include, "more than \(Self.maximumFiles) files", "include fewer")
        return
      }
      do throws(TextFile.Fault) {
        try read(path, shown: TextFile.shown(path))
      } catch {
        report(
          .error, include, "the included file cannot be read: \(error.reason)",
          "check the path; it starts from this file's folder")
      }
    }
  }

  // MARK: Files that are named

  private mutating func finish() -> Loaded {
    guard documents.contains(where: { $0.root != nil }) else {
      return Loaded(inventory: nil, diagnostics: sorted(), documents: documents)
    }
    let reading = InventoryReader.read(documents, home: home)
    diagnostics += reading.diagnostics
    var domainFiles: Set<String> = []
    for reference in reading.references {
      switch reference.purpose {
      case .domains: domainFiles.formUnion(expand(reference))
      case .secret(let key): checkSecret(reference, "the file that holds “\(key)”")
      case .privateKey: checkSecret(reference, "the private key")
      case .certificates: checkPresent(reference, .warning, "this file of certificates")
      case .limits: checkLimits(reference)
      case .suffixList: checkPresent(reference, .error, "this public suffix list")
      }
    }
    var inventory = reading.inventory
    inventory?.domainFiles = domainFiles.sorted()
    var inPart = reading.inPart
    inPart?.domainFiles = domainFiles.filter { FileManager.default.isReadableFile(atPath: $0) }.sorted()
    let errors = diagnostics.count { $0.severity == .error }
    return Loaded(
      inventory: errors > 0 ? nil : inventory, diagnostics: sorted(),
      withoutLists: errors == missingLists ? inventory : nil, inPart: errors > 0 ? inPart : nil, documents: documents)
  }

  private mutating func expand(_ reference: FileReference) -> [String] {
    if TextFile.isPattern(reference.path) {
      let paths = TextFile.expand(reference.path)
      if paths.isEmpty {
        report(.warning, reference, "no file matches this pattern", "check the path; it starts from this file's folder")
      }
      return paths
    }
    checkPresent(reference, .error, "this list of domains")
    return [reference.path]
  }

  /// An error here is about a list of domains or the public suffix list.
  private mutating func checkPresent(_ reference: FileReference, _ severity: Diagnostic.Severity, _ what: String) {
    guard !FileManager.default.isReadableFile(atPath: reference.path) else { return }
    let known = diagnostics.count
    report(
      severity, reference, "\(what) is not there or cannot be read", "check the path; it starts from this file's folder"
    )
    if severity == .error { missingLists += diagnostics.count - known }
  }

  private mutating func checkLimits(_ reference: FileReference) {
    guard case .failure(let fault) = LimitTables.read(reference.path) else { return }
    report(
      .error, reference, "this file of limits is of no use: \(fault.reason)",
      "see Docs/RateLimits.md for an example; the path starts from this file's folder")
  }

  /// A warning only: `check` must also be of use where the secrets are not, as in a pull request.
  private mutating func checkSecret(_ reference: FileReference, _ what: String) {
    var status = stat()
    guard stat(reference.path, &status) == 0 else {
      report(.warning, reference, "\(what) is not there", "make it, readable for the controller alone (mode 0600)")
      return
    }
    if status.st_mode & 0o077 != 0 {
      report(.warning, reference, "\(what) can be read by others than its owner", "run chmod 600 on it")
    }
  }

  private mutating func report(
    _ severity: Diagnostic.Severity, _ reference: FileReference, _ message: String, _ remedy: String
  ) {
    let location = reference.location
    let diagnostic = Diagnostic(
      severity, at: location, message, remedy: remedy, excerpt: sources[location.file]?.excerpt(at: location))
    if !diagnostics.contains(diagnostic) { diagnostics.append(diagnostic) }
  }

  private func sorted() -> [Diagnostic] {
    let places = Dictionary(order.enumerated().map { ($1, $0) }) { first, _ in first }
    return diagnostics.enumerated().sorted { left, right in
      let (a, b) = (left.element.location, right.element.location)
      return (places[a.file] ?? order.count, a.line, a.column, left.offset)
        < (places[b.file] ?? order.count, b.line, b.column, right.offset)
    }.map(\.element)
  }
}
