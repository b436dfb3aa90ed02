public import Foundation

/// The latest findings of a fleet, by name: what a plan expects to fail, and what the scheduler puts last.
public struct Findings: Sendable, Equatable {
  private struct Key: Hashable {
    var vip: VIPReference
    var name: String
  }

  private var byName: [Key: [Finding.Check: Finding]] = [:]

  /// A name is put last for what was seen at most so long ago: 7 days. A customer who mended it need not tell us.
  public static let trustedSeconds = 7 * 86_400.0

  /// Gathers findings; of two about the same thing the later one counts.
  public init(_ findings: some Sequence<Finding> = []) {
    for finding in findings { learn(finding) }
  }

  /// Whether nothing was looked at.
  public var isEmpty: Bool { byName.isEmpty }

  /// Takes one finding in.
  public mutating func learn(_ finding: Finding) {
    let key = Key(vip: finding.vip, name: finding.name)
    if let known = byName[key]?[finding.check], known.at > finding.at { return }
    byName[key, default: [:]][finding.check] = finding
  }

  /// What is known of one name, in the order of the checks.
  public func findings(of name: String, on vip: VIPReference) -> [Finding] {
    guard let known = byName[Key(vip: vip, name: name)] else { return [] }
    return Finding.Check.allCases.compactMap { known[$0] }
  }

  /// The gravest finding that speaks against a certificate, if one does: one bad name spoils it.
  public func worst(of spec: CertificateSpec, at now: Date) -> Finding? {
    var worst: Finding?
    for name in spec.names.names {
      for finding in findings(of: name, on: spec.vipReference)
      where finding.verdict.kind != nil && now.timeIntervalSince(finding.at) < Self.trustedSeconds {
        if finding.verdict.gravity > worst?.verdict.gravity ?? 0 { worst = finding }
      }
    }
    return worst
  }

  /// When a certificate's names were last looked at; nil unless all of them were.
  public func lookedAt(_ spec: CertificateSpec) -> Date? {
    var oldest: Date?
    for name in spec.names.names {
      guard let newest = byName[Key(vip: spec.vipReference, name: name)]?.values.map(\.at).max() else { return nil }
      oldest = min(oldest ?? newest, newest)
    }
    return oldest
  }

  /// The certificates that go last because of what was found.
  public func badLooking(of certificates: some Sequence<CertificateState>, at now: Date) -> Set<SpecID> {
    guard !isEmpty else { return [] }
    return Set(certificates.lazy.map(\.spec).filter { worst(of: $0, at: now) != nil }.map(\.id))
  }
}
