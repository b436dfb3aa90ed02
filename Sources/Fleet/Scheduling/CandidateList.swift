public import Foundation

extension Candidate {
  /// What a plan leaves to be issued or renewed, ready for the scheduler. Redeployments and what is kept or blocked for good are left out.
  ///
  /// - Parameter authority: who is asked for new tries; an open try stays with its own authority.
  public static func list(
    _ plan: Plan, _ state: FleetState, inventory: Inventory, authority: AuthorityID, at now: Date
  ) -> [Candidate] {
    let weights = Dictionary(inventory.customers.map { ($0.id, $0.weight) }) { first, _ in first }
    let issuances = lastIssuances(state)
    return plan.changes.compactMap { change in
      guard let certificate = state.certificates[change.spec] else { return nil }
      let kind: Kind
      switch (change.action, change.reason) {
      case (.issue, _): kind = .issue
      case (.renew, _): kind = .renew
      // A back-off that ends by itself is the scheduler's to wait for.
      case (.blocked, .waiting): kind = certificate.issued == nil ? .issue : .renew
      case (.blocked, _), (.redeploy, _), (.keep, _): return nil
      }
      return Candidate(
        certificate, kind, authority: authority, issuances: issuances,
        weight: certificate.spec.customer.flatMap { weights[$0] } ?? 1, at: now)
    }
  }

  private init(
    _ certificate: CertificateState, _ kind: Kind, authority: AuthorityID, issuances: [Issuance: Date], weight: Int,
    at now: Date
  ) {
    let spec = certificate.spec
    let asked = certificate.attempt == nil ? authority : certificate.attemptAuthority ?? authority
    let last = issuances[Issuance(authority: asked, names: spec.names)]
    let isSameSet = last.map { now.timeIntervalSince($0) < Self.sameSetSeconds } ?? false
    self.init(
      spec: spec.id, kind: kind, pair: spec.pair, customer: spec.customer,
      order: PlannedOrder(
        authority: asked, names: spec.names, registeredDomains: spec.registeredDomains,
        exemption: isSameSet ? .sameSet : .none),
      expiry: certificate.servedNotAfter ?? certificate.issued?.notAfter, dangerAt: certificate.issued?.dangerAt,
      notBefore: certificate.notBefore, weight: weight, attempt: certificate.attempt?.id)
  }

  /// Boulder looks back 120 days for the same set. A day less, because an order may wait in our queue.
  private static let sameSetSeconds = 119.0 * 86_400

  private struct Issuance: Hashable {
    var authority: AuthorityID
    var names: NameSet
  }

  /// When each exact set was last issued, whichever pair serves it.
  private static func lastIssuances(_ state: FleetState) -> [Issuance: Date] {
    state.certificates.values.reduce(into: [:]) { last, certificate in
      guard let issued = certificate.issued, let authority = certificate.attemptAuthority,
        // After a revision the newest certificate holds other names than the spec.
        certificate.issuedRevision == certificate.revision
      else { return }
      let key = Issuance(authority: authority, names: certificate.spec.names)
      last[key] = max(last[key] ?? .distantPast, issued.notBefore)
    }
  }
}

extension CertificateSpec {
  /// Sets of names that so many certificates of the fleet hold that the CA's weekly limit of five is near: from four on.
  public static func crowdedSets(_ specs: some Sequence<CertificateSpec>, from count: Int = 4) -> [(NameSet, [SpecID])]
  {
    Dictionary(grouping: specs, by: \.names).filter { $0.value.count >= count }
      .map { ($0.key, $0.value.map(\.id).sorted()) }
      .sorted { $0.0.names.lexicographicallyPrecedes($1.0.names) }
  }
}
