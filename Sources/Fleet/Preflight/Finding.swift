public import Foundation

/// One thing that the preflight found out about one name on its VIP.
public struct Finding: Sendable, Equatable, Codable {
  /// The VIP that shall serve the name.
  public var vip: VIPReference
  /// The name.
  public var name: String
  /// What was looked at.
  public var check: Check
  /// What follows from it.
  public var verdict: Verdict
  /// What was seen, in words. Hostile text: printed only through `Printable`.
  public var evidence: String
  /// When it was seen.
  public var at: Date
  /// Since when it is so: the first time in a row that the same was seen.
  public var since: Date

  /// Collects the parts.
  public init(
    vip: VIPReference, name: String, check: Check, verdict: Verdict, evidence: String, at: Date,
    since: Date? = nil
  ) {
    self.vip = vip
    self.name = name
    self.check = check
    self.verdict = verdict
    self.evidence = evidence
    self.at = at
    self.since = since ?? at
  }

  /// What was looked at. The raw values stand in the journal: never rename one.
  public enum Check: String, Sendable, Codable, CaseIterable {
    /// A and AAAA of the name, asked of several resolvers.
    case addresses
    /// What CAA records let the CA do (RFC 8659).
    case caa
    /// What our own VIP answers at the challenge path.
    case vip
    /// What the CA finds there on its way by DNS, through redirects, where that is not the VIP itself.
    case route
    /// What lies where the file of the certificate is to be put, and whether it could be put there.
    case files
  }

  /// What follows for the name.
  public enum Verdict: Sendable, Equatable, Codable {
    /// Nothing stands in the way.
    case passes
    /// It could not be seen from here; the CA may well see it.
    case unknown
    /// The CA would most probably refuse: the name goes last, but it goes.
    case fails(Failure.Kind)
    /// The CA would refuse, whoever asks: no order is made until it heals, or a person asks for one.
    case certain(Failure.Kind)
    /// No order may be made: our own VIP answers wrongly, or another customer's pair would answer.
    case vetoes(Failure.Kind)

    /// Whether an order would fail without any doubt.
    public var isCertain: Bool { if case .certain = self { true } else { false } }

    /// The cause, where there is one.
    public var kind: Failure.Kind? {
      switch self {
      case .passes, .unknown: nil
      case .fails(let kind), .certain(let kind), .vetoes(let kind): kind
      }
    }

    /// From harmless to grave.
    var gravity: Int {
      switch self {
      case .passes: 0
      case .unknown: 1
      case .fails: 2
      case .certain: 3
      case .vetoes: 4
      }
    }
  }

  /// As the failure that it predicts.
  public var failure: Failure? { verdict.kind.map { Failure($0, evidence, name: name) } }
}

/// What a rule says of what was seen.
public struct Judgement: Sendable, Equatable {
  /// What follows.
  public var verdict: Finding.Verdict
  /// What was seen, in words.
  public var evidence: String

  /// Collects the parts.
  public init(_ verdict: Finding.Verdict, _ evidence: String) {
    self.verdict = verdict
    self.evidence = evidence
  }
}
