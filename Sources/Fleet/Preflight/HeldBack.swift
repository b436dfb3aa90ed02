public import Foundation

/// Certificates for which no order is made because it would certainly fail.
///
/// A failure that is certain costs nothing: no order, no failed validation, no back-off. It is looked at again with each run, and the certificate
/// is free at once when it heals. What this account ever validated gets one try a day whatever DNS says; a person's `retry` gets one at once.
public struct HeldBack: Sendable, Equatable {
  /// What would make an order fail for certain, by certificate.
  public private(set) var certain: [SpecID: Finding] = [:]
  /// Certificates that a person asked to be tried, whatever DNS says.
  public private(set) var insisted: Set<SpecID> = []
  /// How many certificates are wanted.
  private var wanted = 0
  /// The CA validated a name that was in doubt: this machine's view of DNS counts for nothing any more.
  private var isRefuted = false

  /// So much of the fleet looks certain to fail that this machine's own view of DNS is in doubt.
  public struct Doubt: Sendable, Equatable, Codable {
    /// How many certificates look certain to fail.
    public var certain: Int
    /// Of how many that are wanted.
    public var wanted: Int

    /// The question.
    public var question: String {
      "\(Wording.grouped(certain)) of \(Wording.grouped(wanted)) certificates look certain to fail by DNS: "
        + "does this machine see the public DNS?"
    }

    /// What to do.
    public static let advice =
      "If it does not: correct `resolvers:` in the inventory. If it does, these names have no DNS yet: nothing to do, "
      + "each run looks again; certfleet retry NAME (or --all) orders whatever DNS says."
  }

  /// A handful says nothing about this machine, however small the fleet is.
  static let handful = 5
  /// More than one in so many: this machine is in doubt, not the names.
  static let doubtfulShare = 5
  /// Orders of a run for names that are in doubt: one that the CA validates answers the question.
  public static let triesInDoubt = 3
  /// What this account validated before is tried so often whatever DNS says.
  static let provenSeconds = 86_400.0

  /// Nothing is held back.
  public init() {}

  /// Gathers what is certain about a fleet.
  public init(
    _ findings: Findings, of certificates: some Collection<CertificateState>, insisted: Set<SpecID> = [], at now: Date
  ) {
    wanted = certificates.count
    self.insisted = insisted
    guard !findings.isEmpty else { return }
    for certificate in certificates { learn(findings.certain(of: certificate.spec, at: now), of: certificate.spec.id) }
  }

  /// Whether nothing is certain to fail.
  public var isEmpty: Bool { certain.isEmpty }

  /// The question, where so much looks certain that this machine is in doubt and not the names.
  public var doubt: Doubt? {
    guard !isRefuted, certain.count > Self.handful, certain.count * Self.doubtfulShare > wanted else { return nil }
    return Doubt(certain: certain.count, wanted: wanted)
  }

  /// What keeps an order for this certificate from being made now; nil when nothing does.
  public func reason(of certificate: CertificateState, at now: Date) -> Reason? {
    let id = certificate.spec.id
    guard !isRefuted, !insisted.contains(id), let finding = certain[id], let kind = finding.verdict.kind else {
      return nil
    }
    if let next = Self.nextTry(certificate) {
      return next <= now ? nil : .waiting(until: next, kind)
    }
    return doubt == nil ? .heldBack(kind, since: finding.since) : .inDoubt(kind)
  }

  /// When a certificate that this account ever validated has its next try, whatever DNS says; nil for one that it never did.
  public static func nextTry(_ certificate: CertificateState) -> Date? {
    guard certificate.issued != nil else { return nil }
    return certificate.lastFailureAt?.addingTimeInterval(provenSeconds) ?? .distantPast
  }

  // MARK: News

  /// What was seen last of a certificate; nil: nothing speaks against it for certain.
  public mutating func learn(_ finding: Finding?, of spec: SpecID) { certain[spec] = finding }

  /// How many certificates are wanted now.
  public mutating func count(_ wanted: Int) { self.wanted = wanted }

  /// A person asked for a try.
  public mutating func insist(_ spec: SpecID) { insisted.insert(spec) }

  /// The try that a person asked for is under way: insisting counts once.
  public mutating func tried(_ spec: SpecID) { insisted.remove(spec) }

  /// The CA validated one that was in doubt.
  public mutating func refute() { isRefuted = true }
}

extension Findings {
  /// What makes an order for these names fail without any doubt, if anything does.
  public func certain(of spec: CertificateSpec, at now: Date) -> Finding? {
    for name in spec.names.names {
      for finding in findings(of: name, on: spec.vipReference)
      where finding.verdict.isCertain && now.timeIntervalSince(finding.at) < Self.trustedSeconds {
        return finding
      }
    }
    return nil
  }
}

extension Plan {
  /// With what no order is made for taken out of what would be done.
  public mutating func hold(_ held: HeldBack, _ state: FleetState) {
    guard !held.isEmpty else { return }
    for index in changes.indices {
      switch changes[index].action {
      case .issue, .renew:
        guard let certificate = state.certificates[changes[index].spec],
          let reason = held.reason(of: certificate, at: at)
        else { continue }
        changes[index].action = .blocked
        changes[index].reason = reason
      case .redeploy, .keep, .blocked: continue
      }
    }
  }
}
