/// What the faulty rows of lists may have meant: certificates that these may be about are neither added nor changed until the faults are mended.
public struct DomainDoubts: Sendable, Equatable {
  /// Names in faulty rows, as they are written there, in lower case.
  var names: Set<String> = []
  /// What faulty rows have in the columns `certificate` and `label`.
  var labels: Set<String> = []
  /// The paths of lists with any fault: what came from one of these is not taken for removed.
  public internal(set) var sources: Set<String> = []
  /// The paths of lists with rows that could not be read: nobody knows which certificates these belong to.
  var unreadable: Set<String> = []
  /// The paths of lists of which nothing can be trusted: the names of the columns are wrong.
  var whole: Set<String> = []

  /// Whether every row is as it should be.
  public var isEmpty: Bool { sources.isEmpty }

  mutating func doubt(_ row: DomainRow) {
    names.insert(row.name.value)
    for cell in [row.certificate, row.label] { if let cell { labels.insert(cell.value) } }
  }

  mutating func formUnion(_ other: DomainDoubts) {
    names.formUnion(other.names)
    labels.formUnion(other.labels)
    sources.formUnion(other.sources)
    unreadable.formUnion(other.unreadable)
    whole.formUnion(other.whole)
  }

  /// Whether a faulty row may be about this certificate.
  func concern(_ spec: CertificateSpec) -> Bool {
    if let source = spec.source {
      if whole.contains(source) { return true }
      // A row that cannot be read may hold one more name of it.
      if unreadable.contains(source), !spec.hasDerivedLabel { return true }
    }
    return labels.contains(spec.label) || labels.contains { spec.id.rawValue.hasSuffix("/" + $0) }
      || spec.names.names.contains(where: names.contains)
  }
}
