/// Reads lists of domains into certificates, and finds every fault in them.
///
/// Three steps: rows one by one (here), rows into certificates, certificates against each other (both in `DomainListAssembler`).
public struct DomainListReader {
  private let inventory: Inventory
  private let names: NameRules
  private let defaultPair: PairID?
  private let pairs: [String: Pair]
  private let pairIDs: [String]
  private let customers: [String: Customer]
  private let profiles: [String]
  private var faults = DomainFaults()
  private var doubts = DomainDoubts()
  private var errorCount = 0
  private var domains = OneOfEach()
  private var isPartial = false

  /// Reads `sources`. `defaultPair` and `defaultCustomer` are for rows that name none, as those of a bare list, one domain a line.
  ///
  /// - Parameter isPartial: the inventory has faults itself, and lacks what these stand for. Then only faults are answered with that no inventory
  ///   could heal.
  public static func read(
    _ sources: [DomainSource], inventory: Inventory, names: NameRules, defaultPair: PairID? = nil,
    defaultCustomer: CustomerID? = nil, isPartial: Bool = false
  ) -> (list: DomainList, diagnostics: [Diagnostic]) {
    let texts = sources.map { SourceText(name: $0.name, bytes: $0.bytes) }
    var reader = DomainListReader(inventory, names, defaultPair)
    reader.isPartial = isPartial
    var rows: [DomainRow] = []
    for (index, source) in sources.enumerated() { reader.read(source, index, into: &rows) }
    var assembler = DomainListAssembler(
      inventory: inventory, defaultCustomer: defaultCustomer, sources: sources, texts: texts)
    var list = assembler.assemble(isPartial ? [] : rows)
    list.doubts = reader.doubts
    list.doubts.formUnion(assembler.doubts)
    for source in reader.faults.faulty.union(assembler.faults.faulty) {
      list.doubts.sources.insert(sources[source].path)
    }
    return (list, reader.faults.diagnostics(with: assembler.faults, texts))
  }

  /// More rows than any fleet has names; each costs half a kilobyte while the lists are held against each other.
  static let maximumRows = 1_250_000

  private init(_ inventory: Inventory, _ names: NameRules, _ defaultPair: PairID?) {
    self.inventory = inventory
    self.names = names
    pairs = Dictionary(inventory.pairs.map { ($0.id.rawValue, $0) }) { first, _ in first }
    pairIDs = inventory.pairs.map(\.id.rawValue)
    customers = Dictionary(inventory.customers.map { ($0.id.rawValue, $0) }) { first, _ in first }
    profiles = Profile.known(to: inventory.authorities)
    // With one pair there is no question which.
    self.defaultPair = defaultPair ?? (inventory.pairs.count == 1 ? inventory.pairs.first?.id : nil)
  }

  // MARK: Files

  /// A file that is no list at all would otherwise fill the screen; and a quote lost in each row costs a field's length each.
  private static let maximumUnreadableRows = 200

  private mutating func read(_ file: DomainSource, _ source: Int, into rows: inout [DomainRow]) {
    let bytes = file.bytes
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
      error(source, 0, "this is UTF-16", "save the file as “CSV UTF-8”")
      doubts.whole.insert(file.path)
      return
    }
    var reader = CSVReader(bytes)
    var columns: Columns?
    var unreadable = 0
    let rowsBefore = rows.count
    let errorsBefore = errorCount
    while let item = reader.next() {
      guard rows.count < Self.maximumRows else {
        error(
          source, columns == nil ? 0 : reader.position,
          "more than \(Self.maximumRows) rows in all lists; the rest was left unread",
          "divide the fleet into several inventories")
        doubts.unreadable.insert(file.path)
        return
      }
      switch item {
      case .fault(let fault):
        error(source, fault.offset, fault.message, fault.remedy)
        doubts.unreadable.insert(file.path)
        unreadable += 1
        if unreadable == Self.maximumUnreadableRows {
          error(
            source, fault.offset, "too many rows that cannot be read; the rest of the file was left unread",
            "correct these first")
          return
        }
      case .row(let fields):
        guard let known = columns else {
          let errorsBefore = errorCount
          let first = header(fields, source)
          if errorCount > errorsBefore { doubts.whole.insert(file.path) }
          columns = first.columns
          if first.columns.isUnusable { return }
          if first.isHeader { continue }
          row(fields, first.columns, source, into: &rows)
          continue
        }
        row(fields, known, source, into: &rows)
      }
    }
    if rows.count == rowsBefore, errorCount == errorsBefore { nothing(in: file, source, hasHeader: columns != nil) }
  }

  /// A list without a row: saved over by accident, or made by a program that failed.
  private mutating func nothing(in file: DomainSource, _ source: Int, hasHeader: Bool) {
    guard !isPartial || !hasHeader else { return }
    if hasHeader {
      return warning(source, 0, "no row follows the names of the columns", "write a domain a line, or remove the list")
    }
    error(
      source, 0, "the list is empty",
      "write a domain a line, or take the file out of `domains:`; what it held before stays as it is meanwhile")
    doubts.whole.insert(file.path)
  }

  /// Which field holds what.
  private struct Columns {
    var places: [DomainColumn?]
    /// Without a header, a row is one domain.
    var isBare = false
    /// The header has no `domain`: reading on would only repeat that.
    var isUnusable: Bool { !places.contains(.domain) }
  }

  /// The fields of one row by their columns: the first of each that says something.
  private struct Cells {
    private var fields = [CSVReader.Field?](repeating: nil, count: DomainColumn.allCases.count)

    init(_ fields: [CSVReader.Field], _ columns: Columns) {
      for (column, field) in zip(columns.places, fields) where !field.text.isEmpty {
        if let column, self[column] == nil { self.fields[column.index] = field }
      }
    }

    subscript(column: DomainColumn) -> CSVReader.Field? { fields[column.index] }
  }

  private mutating func header(_ fields: [CSVReader.Field], _ source: Int) -> (columns: Columns, isHeader: Bool) {
    let words = fields.map { $0.text.lowercased() }
    let isHeader =
      words.contains("domain")
      || words.contains { DomainColumn(rawValue: $0) != nil }
      || (words.first.map { DomainColumn.otherNamesOfDomain.contains($0) } ?? false)
      // Names have dots: several words without one are a header with mistyped columns.
      || (words.count > 1 && !words.contains { $0.contains(".") })
    guard isHeader else { return (Columns(places: [.domain], isBare: true), false) }
    var places: [DomainColumn?] = []
    var namesDomain = false
    for (field, word) in zip(fields, words) {
      let column = DomainColumn(rawValue: word)
      if column == nil, !word.isEmpty {
        let known = DomainColumn.allCases.map(\.rawValue)
        let isDomain = !words.contains("domain") && DomainColumn.otherNamesOfDomain.contains(word)
        namesDomain = namesDomain || isDomain || Spelling.nearest(to: word, among: known) == "domain"
        error(
          source, field.offset, "unknown column “\(Printable.short(field.text, 40))”",
          isDomain
            ? "call it “domain”"
            : Spelling.question(for: word, among: known) ?? "known columns: " + known.joined(separator: ", "))
      } else if let column, places.contains(column) {
        error(source, field.offset, "the column “\(word)” stands twice", "remove one of them")
      }
      places.append(column)
    }
    if !places.contains(.domain), !namesDomain {
      error(
        source, fields.first?.offset ?? 0, "no column “domain”",
        "the first line names the columns, as `domain,pair,vip,customer`; without such a line each line is one domain")
    }
    return (Columns(places: places), true)
  }

  // MARK: Rows

  private mutating func row(
    _ fields: [CSVReader.Field], _ columns: Columns, _ source: Int, into rows: inout [DomainRow]
  ) {
    let errorsBefore = errorCount
    let cells = Cells(fields, columns)
    defer { if errorCount > errorsBefore { doubt(cells) } }
    if fields.count > columns.places.count,
      let surplus = fields[columns.places.count...].first(where: { !$0.text.isEmpty })
    {
      error(
        source, surplus.offset,
        columns.isBare
          ? "a list without a header has one domain a line"
          : "\(fields.count) fields, but the header names \(columns.places.count)",
        columns.isBare
          ? "add a first line that names the columns: `domain,pair,…`"
          : "put a field with a comma in it into quotes, or remove the surplus")
    }
    let start = fields.first?.offset ?? 0

    let name = self.name(cells[.domain], start, source)
    let pair = self.pair(cells[.pair], start, source)
    let vip = cells[.vip].flatMap { self.vip($0, pair, source) }
    let customer = cells[.customer].flatMap { self.customer($0, pair, source) }
    let key = cells[.key].flatMap { self.key($0, source) }
    let profile = cells[.profile].flatMap { self.profile($0, source) }
    let certificate = cells[.certificate].flatMap { identifier($0, "name of a certificate", source) }
    let label = cells[.label].flatMap { identifier($0, "label", source) }
    let isShared = cells[.shared].map { flag($0, source) } ?? false
    guard let name, let pair else { return }
    // A cell that says something wrong leaves the row out; its fault stands already.
    guard (vip == nil) == (cells[.vip] == nil), (customer == nil) == (cells[.customer] == nil),
      (key == nil) == (cells[.key] == nil), (profile == nil) == (cells[.profile] == nil),
      (certificate == nil) == (cells[.certificate] == nil), (label == nil) == (cells[.label] == nil)
    else { return }
    rows.append(
      DomainRow(
        source: source, name: name.cell, registeredDomain: name.registered, pair: pair.id, customer: customer,
        isShared: isShared,
        rest: DomainRow.Rest(vip: vip, certificate: certificate, profile: profile, key: key, label: label)))
  }

  /// A faulty row may be about whatever its cells name.
  private mutating func doubt(_ cells: Cells) {
    if let name = cells[.domain]?.text.lowercased() { doubts.names.insert(name) }
    for cell in [cells[.certificate], cells[.label]] { if let cell { doubts.labels.insert(cell.text) } }
  }

  private mutating func name(
    _ field: CSVReader.Field?, _ start: Int, _ source: Int
  ) -> (cell: DomainRow.Cell<String>, registered: String)? {
    guard let field else {
      error(source, start, "a row without a domain", "write the domain, or remove the row")
      return nil
    }
    let name: String
    do throws(NameRules.Fault) {
      name = try names.aLabel(field.text)
    } catch {
      self.error(
        source, field.offset, "“\(Printable.short(field.text, 80))” is no name: \(Printable.terminal(error.text))",
        Printable.terminal(error.remedy))
      return nil
    }
    guard !name.hasPrefix("*.") else {
      // RFC 8555 §8.3 with the CA/Browser Forum's BR 3.2.2.4.19: http-01 must not be used for wildcards.
      error(
        source, field.offset, "a wildcard; http-01 cannot prove it, and no pair has another method",
        "list the names one by one, up to 100 in one `certificate`")
      return nil
    }
    guard let registered = names.registeredDomain(name) else {
      let suffix = name.split(separator: ".").last ?? ""
      error(
        source, field.offset, "“\(name)” is under no public suffix",
        "check the spelling of “.\(suffix)”; a private suffix goes into `extra_suffixes:` of the inventory")
      return nil
    }
    if names.isSuffix(name) {
      warning(
        source, field.offset, "“\(name)” is itself a public suffix, under which others register",
        "most CAs refuse it; check the name")
    }
    return (DomainRow.Cell(value: name, offset: field.offset), domains.one(registered, of: name))
  }

  private mutating func pair(_ field: CSVReader.Field?, _ start: Int, _ source: Int) -> Pair? {
    guard let id = field?.text ?? defaultPair?.rawValue else {
      unknown(source, start, "no pair is named for this row", "fill the column `pair`, or give one with --pair")
      return nil
    }
    if let pair = pairs[id] { return pair }
    unknown(
      source, field?.offset ?? start, "no pair “\(Printable.short(id, 64))”",
      Spelling.remedy(for: id, among: pairIDs, "pair"))
    return nil
  }

  private mutating func vip(_ field: CSVReader.Field, _ pair: Pair?, _ source: Int) -> DomainRow.Cell<VIPID>? {
    guard let pair else { return nil }
    if pair.vips.contains(where: { $0.id.rawValue == field.text }) {
      return DomainRow.Cell(value: VIPID(field.text), offset: field.offset)
    }
    unknown(
      source, field.offset, "pair “\(pair.id)” has no VIP “\(Printable.short(field.text, 64))”",
      Spelling.remedy(for: field.text, among: pair.vips.map(\.id.rawValue), "VIP"))
    return nil
  }

  private mutating func customer(
    _ field: CSVReader.Field, _ pair: Pair?, _ source: Int
  ) -> DomainRow.Cell<CustomerID>? {
    guard let known = customers[field.text] else {
      unknown(
        source, field.offset, "no customer “\(Printable.short(field.text, 64))”",
        Spelling.remedy(for: field.text, among: inventory.customers.map(\.id.rawValue), "customer"))
      return nil
    }
    if let pair, let owner = pair.customer, !pair.isShared, owner.rawValue != field.text {
      unknown(
        source, field.offset, "pair “\(pair.id)” is customer “\(owner)”'s, and this row is customer “\(field.text)”'s",
        "correct the row, or write `shared: true` at the pair")
      return nil
    }
    return DomainRow.Cell(value: known.id, offset: field.offset)
  }

  private mutating func key(_ field: CSVReader.Field, _ source: Int) -> DomainRow.Cell<KeyType>? {
    if let key = KeyType(rawValue: field.text.lowercased()) { return DomainRow.Cell(value: key, offset: field.offset) }
    error(
      source, field.offset, "no kind of key “\(Printable.short(field.text, 40))”",
      Spelling.remedy(for: field.text, among: KeyType.allCases.map(\.rawValue), "key"))
    return nil
  }

  private mutating func profile(_ field: CSVReader.Field, _ source: Int) -> DomainRow.Cell<String>? {
    if profiles.contains(field.text) { return DomainRow.Cell(value: field.text, offset: field.offset) }
    unknown(
      source, field.offset, "no profile “\(Printable.short(field.text, 40))”",
      Spelling.question(for: field.text, among: profiles)
        ?? "known: \(profiles.joined(separator: ", ")); another CA's go into `profiles:` of the authority")
    return nil
  }

  private mutating func identifier(
    _ field: CSVReader.Field, _ column: String, _ source: Int
  ) -> DomainRow.Cell<String>? {
    if Identifier.isValid(field.text) { return DomainRow.Cell(value: field.text, offset: field.offset) }
    error(
      source, field.offset, "“\(Printable.short(field.text, 64))” is no \(column)",
      "it becomes a file name: letters, digits, “.”, “_” and “-”, a letter or digit first, at most 64")
    return nil
  }

  private mutating func flag(_ field: CSVReader.Field, _ source: Int) -> Bool {
    switch field.text.lowercased() {
    case "true", "yes", "1": return true
    case "false", "no", "0": return false
    default:
      error(
        source, field.offset, "“\(Printable.short(field.text, 40))” is neither true nor false",
        "write true, or leave it empty")
      return false
    }
  }

  /// What is not in the inventory: no fault of the list where the inventory itself was only read in part.
  private mutating func unknown(_ source: Int, _ offset: Int, _ message: String, _ remedy: String) {
    errorCount += 1
    if !isPartial { faults.append(DomainFault(.error, source, offset, message, remedy)) }
  }

  private mutating func error(_ source: Int, _ offset: Int, _ message: String, _ remedy: String) {
    errorCount += 1
    faults.append(DomainFault(.error, source, offset, message, remedy))
  }

  private mutating func warning(_ source: Int, _ offset: Int, _ message: String, _ remedy: String) {
    faults.append(DomainFault(.warning, source, offset, message, remedy))
  }
}
