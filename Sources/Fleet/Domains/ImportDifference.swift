/// What importing lists of domains would change in the certificates that the state holds. Importing the same lists again changes nothing.
///
/// Removals are only *proposed*: a row that is gone may be a mistake, and what it asked for is being served.
public struct ImportDifference: Sendable, Equatable {
  /// Certificates that the state does not have.
  public internal(set) var added: [CertificateSpec] = []
  /// Certificates that the state has otherwise.
  public internal(set) var changed: [Change] = []
  /// Certificates whose pair or VIP is another now, or that have another id at the same place.
  public internal(set) var moved: [Move] = []
  /// How many certificates are as they were.
  public internal(set) var unchangedCount = 0
  /// Certificates that came from one of these files and are no longer in any of them; the origins of moves among them.
  public internal(set) var proposedRemovals: [CertificateSpec] = []
  /// Names in the hands of another customer, and file names that are taken: nothing may be imported until these are settled. Warnings say
  /// which files keep other names than the list gives.
  public internal(set) var faults: [Diagnostic] = []
  /// The certificates of the lists that these faults are about.
  var faulted: Set<SpecID> = []

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
    /// Only the id is another: the label or `certificate` was renamed in the list. The file stays, and nothing is ordered.
    public var isRename: Bool { from.id != to.id && from.vipReference == to.vipReference }
  }

  /// Whether there is nothing to do; proposed removals are no doing.
  public var isNoOp: Bool { added.isEmpty && changed.isEmpty && moved.isEmpty }

  /// Nothing to do.
  init() {}

  /// Compares.
  ///
  /// - Parameters:
  ///   - sharing: the customers who let others hold names at or below their own.
  ///   - live: certificates that were issued: their files keep their names.
  ///   - keeping: lists of which nothing is taken for removed, since they could not be read whole.
  public init(
    importing list: DomainList, into state: [CertificateSpec], sharing: Set<CustomerID> = [], live: Set<SpecID> = [],
    keeping: Set<String> = []
  ) {
    let before = Self.renamed(list, in: state, Self.places(of: list.specs, in: state), keeping: keeping)
    var isWanted = [Bool](repeating: false, count: state.count)
    for case let place? in before { isWanted[place] = true }
    let sources = Set(list.sources)
    // What other lists asked for stays whatever these say, and may be in the way.
    var others: [CertificateSpec] = []
    for place in state.indices where !isWanted[place] {
      if let source = state[place].source, sources.contains(source), !keeping.contains(source) {
        proposedRemovals.append(state[place])
      } else {
        others.append(state[place])
      }
    }
    // The state comes in no order; what is told to people, and which of two equal origins a move has, must not depend on it.
    proposedRemovals.sort { $0.id < $1.id }
    others.sort { $0.id < $1.id }
    let labelled = settleLabels(list, state, before, beside: others + proposedRemovals, live: live)
    findClaims(labelled, list, beside: others, sharing: sharing)
    compare(labelled, with: state, before)
  }

  /// Where in the state each certificate of the lists stands. Asked once, and places instead of certificates, of which each is a dozen texts.
  private static func places(of specs: [CertificateSpec], in state: [CertificateSpec]) -> [Int?] {
    var places = [SpecID: Int](minimumCapacity: state.count)
    for place in state.indices { places[state[place].id] = place }
    return specs.map { places[$0.id] }
  }

  /// Names that are gone under one id and have come under another on the same VIP: the label or `certificate` was renamed.
  private static func renamed(
    _ list: DomainList, in state: [CertificateSpec], _ before: [Int?], keeping: Set<String>
  ) -> [Int?] {
    struct Key: Hashable {
      var vip: VIPReference
      var names: NameSet
    }
    guard before.contains(nil) else { return before }
    let kept = Set(before.compactMap(\.self))
    let sources = Set(list.sources).subtracting(keeping)
    var gone: [Key: [Int]] = [:]
    for place in state.indices where !kept.contains(place) && state[place].source.map(sources.contains) == true {
      gone[Key(vip: state[place].vipReference, names: state[place].names), default: []].append(place)
    }
    guard !gone.isEmpty else { return before }
    return zip(before, list.specs).map { place, spec in
      if let place { return place }
      let key = Key(vip: spec.vipReference, names: spec.names)
      // Two could be meant: treated as a new one.
      guard let found = gone[key], found.count == 1, state[found[0]].customer == spec.customer else { return nil }
      gone[key] = nil
      return found[0]
    }
  }

  private mutating func compare(_ specs: [CertificateSpec], with state: [CertificateSpec], _ before: [Int?]) {
    var origins = Origins(proposedRemovals)
    for (index, place) in before.enumerated() {
      if let place {
        if state[place] == specs[index] {
          unchangedCount += 1
        } else if state[place].vip != specs[index].vip || state[place].id != specs[index].id {
          moved.append(Move(from: state[place], to: specs[index]))
        } else {
          changed.append(Change(from: state[place], to: specs[index]))
        }
      } else if let origin = origins.take(for: specs[index]) {
        moved.append(Move(from: origin, to: specs[index]))
      } else {
        added.append(specs[index])
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
      guard !specs.isEmpty else { return nil }
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

    init(_ pair: PairID, _ label: String) {
      self.pair = pair
      self.label = label.folded
    }
  }

  /// A live file keeps its name: a derived label is what it was when the certificate came, whatever rows came later; and a given one that was
  /// renamed would be a second file beside the one that is served.
  private mutating func settleLabels(
    _ list: DomainList, _ state: [CertificateSpec], _ before: [Int?], beside others: [CertificateSpec],
    live: Set<SpecID>
  ) -> [CertificateSpec] {
    var taken = [FileName: SpecID](minimumCapacity: list.specs.count + others.count)
    for other in others { taken[FileName(other.pair, other.label)] = other.id }
    var settled = list.specs
    let isDerived = settled.map(\.hasDerivedLabel)
    for case (let index, let place?) in before.enumerated() where isDerived[index] {
      settled[index].label = state[place].label
    }
    for case (let index, let place?) in before.enumerated()
    where live.contains(state[place].id) && state[place].pair == settled[index].pair
      && settled[index].label != state[place].label
    {
      if !isDerived[index] {
        let (new, old) = (settled[index].label, state[place].label)
        faults.append(
          Diagnostic(
            .warning, at: location(list, settled[index]),
            "the file of this certificate goes on being “\(old).pem”, not “\(new).pem”: "
              + "it is served, and a second file beside it would not be",
            remedy: "leave it so, or write `label` = \(old)"))
      }
      settled[index].label = state[place].label
    }
    // Given labels and known files first, then the new derived ones, which can give way.
    let isNewDerived = settled.indices.map { isDerived[$0] && before[$0] == nil }
    let order = settled.indices.filter { !isNewDerived[$0] } + settled.indices.filter { isNewDerived[$0] }
    for index in order {
      let pair = settled[index].pair
      if isNewDerived[index], taken[FileName(pair, settled[index].label)] != nil {
        settled[index].label = Identifier.label(
          Identifier.label(for: settled[index].names.first), on: settled[index].vip)
      }
      let id = settled[index].id
      if let other = taken.updateValue(id, forKey: FileName(pair, settled[index].label)), other != id {
        fault(
          list, settled[index],
          "the file name “\(settled[index].label)” on pair “\(pair)” is certificate “\(other)”'s",
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

  private func location(_ list: DomainList, _ spec: CertificateSpec) -> SourceLocation {
    list.locations[spec.id] ?? SourceLocation(file: spec.source ?? "", line: 1, column: 1)
  }

  private mutating func fault(_ list: DomainList, _ spec: CertificateSpec, _ message: String, _ remedy: String) {
    let diagnostic = Diagnostic(.error, at: location(list, spec), message, remedy: remedy)
    faulted.insert(spec.id)
    if faults.last != diagnostic { faults.append(diagnostic) }
  }
}

extension CertificateSpec {
  /// Whether nobody gave it a label or certificate name: its id is pair, VIP and name.
  var hasDerivedLabel: Bool { id.rawValue.utf8.count { $0 == UInt8(ascii: "/") } == 2 }
}
