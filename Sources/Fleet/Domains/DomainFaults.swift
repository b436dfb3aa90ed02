/// A fault whose line and column are looked up at the end: most files have none, and then nobody pays for counting.
struct DomainFault {
  var severity: Diagnostic.Severity
  var source: Int
  var offset: Int
  var message: String
  var remedy: String

  init(_ severity: Diagnostic.Severity, _ source: Int, _ offset: Int, _ message: String, _ remedy: String) {
    self.severity = severity
    self.source = source
    self.offset = offset
    self.message = message
    self.remedy = remedy
  }

  func diagnostic(_ texts: [SourceText]) -> Diagnostic {
    let location = texts[source].location(ofByte: offset)
    return Diagnostic(severity, at: location, message, remedy: remedy, excerpt: texts[source].excerpt(at: location))
  }
}

/// The faults of lists, as many as people read. A list in which each of a million rows is wrong must not cost a text for each.
struct DomainFaults {
  private var kept: [DomainFault] = []
  private var count = 0
  /// The lists with an error.
  private(set) var faulty: Set<Int> = []

  /// Nobody reads more, and each holds its line.
  static let maximum = 10_000

  /// They come file by file, mostly in the order of the rows: the first ones are the ones to be shown.
  mutating func append(_ fault: DomainFault) {
    count += 1
    if fault.severity == .error { faulty.insert(fault.source) }
    if kept.count <= Self.maximum { kept.append(fault) }
  }

  /// These and others, in the order of the files, up to the most that are shown.
  func diagnostics(with others: DomainFaults, _ texts: [SourceText]) -> [Diagnostic] {
    let faults = (kept + others.kept).sorted { ($0.source, $0.offset) < ($1.source, $1.offset) }
    var diagnostics = faults.prefix(Self.maximum).map { $0.diagnostic(texts) }
    if let next = faults.dropFirst(Self.maximum).first {
      let more = DomainFault(
        .error, next.source, next.offset, "\(count + others.count - Self.maximum) more faults from here on",
        "correct the first ones")
      diagnostics.append(more.diagnostic(texts))
    }
    return diagnostics
  }
}

/// Equal texts as one: the registered domain of a thousand rows need not stand in memory a thousand times.
struct OneOfEach {
  private var known: Set<String> = []

  /// The registered domain of a name, which is often the name itself or that of the row before.
  mutating func one(_ registered: String, of name: String) -> String {
    registered == name ? name : known.insert(registered).memberAfterInsert
  }
}
