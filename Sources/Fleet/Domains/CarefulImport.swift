/// What lists with faults still tell beyond doubt: the rule by which a sweep goes on although somebody's row is wrong.
///
/// Rows without faults are taken over; certificates that a faulty row may be about stay exactly as the state has them; nothing is taken for
/// removed that came from a list with a fault; and a change that takes names away waits until its list has none.
public struct CarefulImport: Sendable, Equatable {
  /// What may be taken over.
  public private(set) var difference: ImportDifference
  /// What is wrong between the lists and the state, as `ImportDifference.faults` of all rows would have it.
  public private(set) var faults: [Diagnostic]
  /// How many certificates of the lists wait because of faults; rows that could not be read are not among them.
  public private(set) var waitingCount: Int

  /// Each round takes out at least one certificate; lists that need more than this are in no state to be taken over.
  private static let rounds = 20

  /// Compares, leaving out what is in doubt.
  public init(
    importing list: DomainList, into state: [CertificateSpec], sharing: Set<CustomerID> = [], live: Set<SpecID> = []
  ) {
    faults = ImportDifference(importing: list, into: state, sharing: sharing, live: live).faults
    var trusted = list
    var doubted = list.doubts.sources
    trusted.specs.removeAll(where: list.doubts.concern)
    var difference = ImportDifference(importing: trusted, into: state, sharing: sharing, live: live, keeping: doubted)
    for _ in 0..<Self.rounds where !difference.faulted.isEmpty {
      let faulted = difference.faulted
      doubted.formUnion(trusted.specs.filter { faulted.contains($0.id) }.compactMap(\.source))
      trusted.specs.removeAll { faulted.contains($0.id) }
      difference = ImportDifference(importing: trusted, into: state, sharing: sharing, live: live, keeping: doubted)
    }
    if !difference.faulted.isEmpty {
      trusted.specs = []
      difference = ImportDifference()
    }
    waitingCount = list.specs.count - trusted.specs.count
    func takesNamesAway(_ from: CertificateSpec, _ to: CertificateSpec) -> Bool {
      guard let source = to.source, doubted.contains(source) else { return false }
      return !Set(from.names.names).isSubset(of: to.names.names)
    }
    let all = difference.changed.count + difference.moved.count
    difference.changed.removeAll { takesNamesAway($0.from, $0.to) }
    difference.moved.removeAll { takesNamesAway($0.from, $0.to) }
    waitingCount += all - difference.changed.count - difference.moved.count
    self.difference = difference
  }
}
