/// Turns the parsed files of an inventory into an `Inventory` and all the faults in it.
///
/// Looks at no disk: which files `include:` and `domains:` stand for, and whether the files that are named exist, is the caller's to find out.
public struct InventoryReader {
  private let documents: [ConfigurationDocument]
  private let context: ReadingContext

  /// What came of a reading.
  public struct Reading: Sendable {
    /// The inventory, with `domainFiles` still empty; nil when there is an error.
    public var inventory: Inventory?
    /// The same as far as it could be read, whatever is wrong with the rest.
    public var inPart: Inventory?
    /// Everything that is wrong, in reading order.
    public var diagnostics: [Diagnostic]
    /// The files that the inventory names.
    public var references: [FileReference]
  }

  /// Reads the root file, which comes first, and the files that it includes.
  public static func read(_ documents: [ConfigurationDocument], home: String) -> Reading {
    let faults = FaultCollector(sources: documents.map(\.source))
    let directories = Dictionary(documents.map { ($0.source.name, $0.directory) }) { first, _ in first }
    let context = ReadingContext(
      faults: faults, directories: directories, home: home, references: ReadingContext.ReferenceList())
    let inventory = InventoryReader(documents: documents, context: context).read()
    return Reading(
      inventory: faults.hasErrors ? nil : inventory, inPart: inventory,
      diagnostics: faults.sorted(files: documents.map(\.source.name)),
      references: context.references.files)
  }

  /// The patterns of `include:` in one file, absolute.
  public static func includes(of document: ConfigurationDocument, home: String) -> [FileReference] {
    guard let root = document.root, case .mapping(let entries) = root.value,
      let include = entries.first(where: { $0.key == "include" })?.value, !include.isNull
    else { return [] }
    // Faults in the value are reported when the file itself is read.
    let context = ReadingContext(
      faults: FaultCollector(sources: []), directories: [document.source.name: document.directory], home: home,
      references: ReadingContext.ReferenceList())
    let items: [ConfigurationNode] = if case .sequence(let items) = include.value { items } else { [include] }
    return items.compactMap { item in
      context.text(item, "include").map {
        FileReference(
          path: context.path($0, at: item.location, nil), location: item.location, purpose: .domains)
      }
    }
  }

  /// The state directory and the mail settings of a root file whose other parts, or whose includes, may have faults. Mail settings that have
  /// one themselves are nil.
  public static func essentials(
    of document: ConfigurationDocument, home: String
  ) -> (state: String?, mail: MailSettings?) {
    guard let node = document.root else { return (nil, nil) }
    let faults = FaultCollector(sources: [document.source])
    let context = ReadingContext(
      faults: faults, directories: [document.source.name: document.directory], home: home,
      references: ReadingContext.ReferenceList())
    let root = Section(node, "the inventory", keys: rootKeys, context)
    // What is wrong elsewhere in this file is said when it is read as a whole.
    let known = faults.count
    let mail = MailReader(context: context).read(root)
    let isSound = faults.count == known
    return (root.path("state", reading: nil), isSound ? mail : nil)
  }

  /// The keys of the root file; an included file has those of `shareableKeys`.
  static let rootKeys =
    ["state", "public_suffix_list", "suffixes", "pace", "mail", "controller_keys"] + shareableKeys
  /// The keys that every file of an inventory may have.
  static let shareableKeys = [
    "include", "extra_suffixes", "resolvers", "authorities", "customers", "defaults", "pairs", "domains",
    "windows", "freezes",
  ]

  private func read() -> Inventory? {
    guard let rootDocument = documents.first else { return nil }
    let sections = documents.enumerated().map { index, document in
      let place = SourceLocation(file: document.source.name, line: 1, column: 1)
      guard let node = document.root else { return Section.empty("the inventory", at: place, context) }
      if index > 0 { refuseRootKeys(in: node) }
      return Section(node, index == 0 ? "the inventory" : "an included file", keys: Self.rootKeys, context)
    }
    guard let root = sections.first, rootDocument.root != nil else { return nil }

    let customers = CustomerReader(context: context).read(sections)
    let authorities = AuthorityReader(context: context).read(sections)
    if authorities.isEmpty, sections.allSatisfy({ $0.list("authorities")?.isEmpty ?? true }) {
      context.faults.error(
        at: root.location, "the inventory has no certificate authority",
        remedy: "add `authorities:` with an id and the ACME directory URL of your CA")
    }
    if authorities.count > 1, let second = sections.flatMap({ $0.list("authorities") ?? [] }).dropFirst().first {
      context.faults.error(
        at: second.location, "a second certificate authority; a fleet has one",
        remedy: "keep one of them; for another CA give `certfleet` an inventory and a `state:` of its own")
    }
    let passphrase = keyPassphrase(root)
    let maintenance = MaintenanceReader(context: context)
    let windows = maintenance.windows(sections)
    let freezes = maintenance.freezes(sections, customers: customers.map(\.id))
    let pairs = maintenance.attach(
      freezes,
      to: PairReader(
        context: context, customers: customers.map(\.id), hasKeyPassphrase: root.node("controller_keys") != nil,
        windows: windows
      ).read(sections),
      written: sections.flatMap { ($0.list("pairs") ?? []).compactMap(\.writtenID) })
    if pairs.isEmpty, sections.allSatisfy({ $0.list("pairs")?.isEmpty ?? true }) {
      context.faults.error(
        at: root.location(of: "pairs"), "the inventory has no pairs", remedy: "add `pairs:` with at least one pair")
    }
    for section in sections {
      for item in section.texts("domains") { _ = context.path(item.text, at: item.location, .domains) }
      _ = section.texts("include")
    }
    let state = root.path("state", reading: nil) ?? PathText.normalized(rootDocument.directory + "/state")
    return Inventory(
      path: rootDocument.path, state: state, authorities: authorities,
      mail: MailReader(context: context).read(root), customers: customers, pairs: pairs, domainFiles: [],
      extraSuffixes: sections.flatMap { $0.texts("extra_suffixes").map(\.text) },
      publicSuffixList: root.path("public_suffix_list", reading: .suffixList),
      suffixes: SuffixReader(context: context).read(root),
      resolvers: sections.flatMap { $0.texts("resolvers").compactMap(resolver) }, pace: pace(root),
      keyPassphrase: passphrase)
  }

  static let controllerKeysKeys = ["passphrase", "passphrase_file", "passphrase_credential", "passphrase_env"]

  private func keyPassphrase(_ root: Section) -> SecretSource? {
    guard let section = root.section("controller_keys", "“controller_keys”", keys: Self.controllerKeysKeys) else {
      return nil
    }
    if Self.controllerKeysKeys.allSatisfy({ section.entry($0) == nil }) {
      section.missing(
        "passphrase_file", remedy: "write a long passphrase into a file of mode 0600 outside of the state directory")
    }
    return section.secret("passphrase")
  }

  private func refuseRootKeys(in node: ConfigurationNode) {
    guard case .mapping(let entries) = node.value else { return }
    for entry in entries where Self.rootKeys.contains(entry.key) && !Self.shareableKeys.contains(entry.key) {
      context.faults.error(
        at: entry.keyLocation, "“\(entry.key)” stands in an included file",
        remedy: "move it into the root file of the inventory")
    }
  }

  private func pace(_ root: Section) -> PaceSettings {
    let defaults = PaceSettings()
    guard let pace = root.section("pace", "“pace”", keys: Self.paceKeys) else { return defaults }
    return PaceSettings(
      ordersInFlight: pace.integer("orders_in_flight", in: 1...500) ?? defaults.ordersInFlight,
      nodesInFlight: pace.integer("nodes_in_flight", in: 1...1_000) ?? defaults.nodesInFlight,
      batchSize: pace.integer("batch_size", in: 1...5_000) ?? defaults.batchSize,
      batchSeconds: pace.integer("batch_seconds", in: 0...86_400) ?? defaults.batchSeconds)
  }

  static let paceKeys = ["orders_in_flight", "nodes_in_flight", "batch_size", "batch_seconds"]

  /// `192.0.2.53`, `192.0.2.53:53` or `[2001:db8::53]:53`, as `address:port`.
  private func resolver(_ item: (text: String, location: SourceLocation)) -> String? {
    var address = item.text[...]
    var port: Substring = "53"
    if address.hasPrefix("["), let end = address.firstIndex(of: "]") {
      let rest = address[address.index(after: end)...]
      if rest.hasPrefix(":") { port = rest.dropFirst() } else if !rest.isEmpty { port = "" }
      address = address[address.index(after: address.startIndex)..<end]
    } else if address.count(where: { $0 == ":" }) == 1, let colon = address.firstIndex(of: ":") {
      port = address[address.index(after: colon)...]
      address = address[..<colon]
    }
    guard let canonical = NetworkAddress.canonical(String(address)), let number = UInt16(port), number > 0 else {
      context.faults.error(
        at: item.location, "“\(Printable.short(item.text, 64))” is no resolver",
        remedy: "write an address with or without a port: 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53")
      return nil
    }
    return canonical.contains(":") ? "[\(canonical)]:\(number)" : "\(canonical):\(number)"
  }
}

extension ConfigurationNode {
  /// The id as it is written, also of what has faults: what refers to it is then no fault as well.
  var writtenID: String? {
    guard case .mapping(let entries) = value,
      case .scalar(let id, _)? = entries.first(where: { $0.key == "id" })?.value.value
    else { return nil }
    return id
  }
}
