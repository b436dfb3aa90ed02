/// Exactly the same names in so many certificates of the fleet that the CA's limit per exact set (5 a week at Let's Encrypt) is near.
public struct CrowdedSet: Sendable, Equatable {
  /// The names.
  public var names: NameSet
  /// The certificates that hold them, sorted.
  public var specs: [SpecID]
  /// How many the CA issues at once.
  public var burst: Int64

  /// The sets that one certificate more would bring to the limit, or that are beyond it.
  public static func list(_ specs: some Collection<CertificateSpec>, _ table: LimitTable) -> [CrowdedSet] {
    guard let quota = table.quotas[.certificatesPerFQDNSet] else { return [] }
    let most = max(2, Int(quota.burst) - 1)
    // Nearly all first names stand in one set alone, and those are told by counting them.
    var counts: [String: Int] = [:]
    for spec in specs { counts[spec.names.first, default: 0] += 1 }
    counts = counts.filter { $0.value >= most }
    guard !counts.isEmpty else { return [] }
    return Dictionary(grouping: specs.filter { counts[$0.names.first] != nil }, by: \.names)
      .filter { $0.value.count >= most }
      .map { CrowdedSet(names: $0.key, specs: $0.value.map(\.id).sorted(), burst: quota.burst) }
      .sorted { $0.names.names.lexicographicallyPrecedes($1.names.names) }
  }

  /// One line for an operator.
  public var text: String {
    let places = specs.prefix(4).map(\.rawValue).joined(separator: ", ") + (specs.count > 4 ? ", …" : "")
    return "exactly \(names) is wanted in \(specs.count) certificates (\(places)), and the CA issues a set \(burst) "
      + "times at once and then slowly: give one of them another name besides, or let the pairs share one certificate"
  }
}
