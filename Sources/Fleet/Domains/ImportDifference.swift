/// What importing lists of domains would change in the certificates that the state holds. Importing the same lists again changes nothing.
///
/// Removals are only *proposed*: a row that is gone may be a mistake, and what it asked for is being served.
public struct ImportDifference: Sendable, Equatable {
  /// Certificates that the state does not have.
  public private(set) var added: [CertificateSpec] = []
  /// Certificates that the state has otherwise.
  public private(set) var changed: [Change] = []
  /// Certificates whose pair or VIP is another now.
  public private(set) var moved: [Move] = []
  /// How many certificates are as they were.
  public private(set) var unchangedCount = 0
  /// Certificates that came from one of these files and are no longer in any of them; the origins of moves among them.
  public private(set) var proposedRemovals: [CertificateSpec] = []
  /// Names in the hands of another customer, and file names that are taken: nothing may be imported until these are settled.
  public private(set) var faults: [Diagnostic] = []

  /// One certificate before and after.
  public struct Change: Sendable, Equatable {
    /// As the state has it.
    public var from: CertificateSpec
    /// As the lists want it.
    public var to: CertificateSpec
    /// Other names, key or profile: a new certificate must be issued. Else only details differ, such as the customer or the file.
    public var isRevision: Bool { !from.isSameRevision(as: to) }
  }

  /// One certificate on its way to another pair or VIP.
  public struct Move: Sendable, Equatable {
    /// Where it is now; among the proposed removals unless its id stays.
    public var from: CertificateSpec
    /// Where it is wanted.
    public var to: CertificateSpec
  }

  /// Whether there is nothing to do; proposed removals are no doing.
  public var isNoOp: Bool { added.isEmpty && changed.isEmpty && moved.isEmpty }

  /// Compares. `sharing` are the customers who let others hold names at or below their own.
  public init(importing list: DomainList, into state: [CertificateSpec], sharing: Set<CustomerID> = []) {
    // The state comes in no order; what is told to people, and which of two equal origins a move has, must not depend on it.
    let state = state.sorted { $0.id < $1.id }
    let known = Known(state)
    let wanted = Set(list.specs.map(\.id))
    let sources = Set(list.sources)
    // What other lists asked for stays whatever these say, and may be in the way.
    var others: [CertificateSpec] = []
    for place in state.indices where !wanted.contains(state[place].id) {
      if let source = state[place].source, sources.contains(source) {
        proposedRemovals.append(state[place])
      } else {
        others.append(state[place])
      }
    }
    let labelled = settleLabels(list, known: known, beside: others + proposedRemovals)
    findClaims(labelled, list, beside: others, sharing: sharing)
    compare(labelled, with: known)
  }

  /// The state's certificates by id. A table of places, for one of the certificates themselves would copy a dozen texts for each.
  private struct Known {
    private let specs: [CertificateSpec]
    private var places: [SpecID: Int]

    init(_ specs: [CertificateSpec]) {
      self.specs = specs
      places = Dictionary(minimumCapacity: specs.count)
      for (place, spec) in specs.enumerated() where places[spec.id] == nil { places[spec.id] = place }
    }

    func contains(_ id: SpecID) -> Bool { places[id] != nil }
    subscript(id: SpecID) -> CertificateSpec? { places[id].map { specs[$0] } }
  }

  private mutating func compare(_ specs: [CertificateSpec], with known: Known) {
    var origins = Origins(proposedRemovals)
    for spec in specs {
      if let old = known[spec.id] {
        if old == spec {
          unchangedCount += 1
        } else if old.vip != spec.vip {
          moved.append(Move(from: old, to: spec))
        } else {
          changed.append(Change(from: old, to: spec))
        }
      } else if let origin = origins.take(for: spec) {
        moved.append(Move(from: origin, to: spec))
      } else {
        added.append(spec)
      }
    }
  }

  /// Certificates that are gone from where they were, found by what a move leaves the same.
  private struct Origins {
    private var specs: [Key: [CertificateSpec]] = [:]

    private struct Key: Hashable {
      var customer: CustomerID?
      var names: NameSet
    }

    init(_ removals: [CertificateSpec]) {
      for spec in removals { specs[Key(customer: spec.customer, names: spec.names), default: []].append(spec) }
    }

    mutating func take(for spec: CertificateSpec) -> CertificateSpec? {
      let key = Key(customer: spec.customer, names: spec.names)
      guard let origin = specs[key]?.first else { return nil }
      specs[key]?.removeFirst()
      return origin
    }
  }

  // MARK: Labels

  private struct FileName: Hashable {
    var pair: PairID
    var label: String

    init(_ spec: CertificateSpec, _ label: String) {
      pair = spec.pair
      self.label = label.folded
    }
  }

  /// A live file keeps its name: a derived label is what it was when the certificate came, whatever rows came later.
  private mutating func settleLabels(
    _ list: DomainList, known: Known, beside others: [CertificateSpec]
  ) -> [CertificateSpec] {
    var taken = [FileName: SpecID](minimumCapacity: list.specs.count + others.count)
    for other in others { taken[FileName(other, other.label)] = other.id }
    var settled = list.specs
    for index in settled.indices where settled[index].hasDerivedLabel {
      if let old = known[settled[index].id] { settled[index].label = old.label }
    }
    // Given labels and known files first, then the new derived ones, which can give way.
    let isNewDerived = settled.map { $0.hasDerivedLabel && !known.contains($0.id) }
    let order = settled.indices.filter { !isNewDerived[$0] } + settled.indices.filter { isNewDerived[$0] }
    for index in order {
      let spec = settled[index]
      if isNewDerived[index], taken[FileName(spec, spec.label)] != nil {
        settled[index].label = Identifier.label(Identifier.label(for: spec.names.first), on: spec.vip)
      }
      if let other = taken.updateValue(spec.id, forKey: FileName(spec, settled[index].label)), other != spec.id {
        fault(
          list, spec, "the file name “\(settled[index].label)” on pair “\(spec.pair)” is certificate “\(other)”'s",
          "give one of them another `label`")
      }
    }
    return settled
  }

  // MARK: Claims

  private mutating func findClaims(
    _ specs: [CertificateSpec], _ list: DomainList, beside others: [CertificateSpec], sharing: Set<CustomerID>
  ) {
    // Within the lists themselves claims were compared when they were read.
    guard !others.isEmpty else { return }
    var held: [String: CertificateSpec] = [:]
    for other in others {
      for name in other.names.names where held[name] == nil { held[name] = other }
    }
    var wanted: [String: CertificateSpec] = [:]
    for spec in specs {
      for name in spec.names.names {
        wanted[name] = spec
        if let other = held[name], other.vipReference == spec.vipReference {
          fault(
            list, spec,
            "“\(name)” is in certificate “\(other.id)” of this VIP already, from \(Self.said(other.source))",
            "remove one of the two rows, and import both lists")
        }
        guard !list.sharedNames.contains(name) else { continue }
        for above in Self.selfAndParents(name, spec.registeredDomains) {
          guard let other = held[above], other.customer != spec.customer,
            !(other.customer.map(sharing.contains) ?? false)
          else { continue }
          fault(
            list, spec,
            above == name
              ? "“\(name)” is \(Self.said(other.customer))'s in the state, and \(Self.said(spec.customer))'s here"
              : "“\(name)” is \(Self.said(spec.customer))'s, but “\(above)” above it is \(Self.said(other.customer))'s in the state",
            "correct the row; where both are right, write `shared` = true in it")
        }
      }
    }
    for other in others {
      for name in other.names.names {
        for above in Self.selfAndParents(name, other.registeredDomains).dropFirst() {
          guard let spec = wanted[above], spec.customer != other.customer, !list.sharedNames.contains(above) else {
            continue
          }
          fault(
            list, spec,
            "“\(above)” is \(Self.said(spec.customer))'s, but “\(name)” below it is \(Self.said(other.customer))'s in the state",
            "correct the row; where both are right, write `shared` = true in it")
        }
      }
    }
  }

  private static func selfAndParents(_ name: String, _ registeredDomains: [String]) -> [String] {
    let registered = registeredDomains.first { name == $0 || name.hasSuffix("." + $0) }
    return [name] + DomainListAssembler.parents(of: name, downTo: registered ?? name)
  }

  private static func said(_ customer: CustomerID?) -> String { customer.map { "customer “\($0)”" } ?? "nobody" }
  private static func said(_ source: String?) -> String { source.map { "\(Printable.terminal($0))" } ?? "no list" }

  private mutating func fault(_ list: DomainList, _ spec: CertificateSpec, _ message: String, _ remedy: String) {
    let location = list.locations[spec.id] ?? SourceLocation(file: spec.source ?? "", line: 1, column: 1)
    let diagnostic = Diagnostic(.error, at: location, message, remedy: remedy)
    if faults.last != diagnostic { faults.append(diagnostic) }
  }
}

extension CertificateSpec {
  /// Whether nobody gave it a label or certificate name: its id is pair, VIP and name.
  var hasDerivedLabel: Bool { id.rawValue.utf8.count { $0 == UInt8(ascii: "/") } == 2 }
}
