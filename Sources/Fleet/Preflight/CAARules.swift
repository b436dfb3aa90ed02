/// What a resolver said of the CAA records of one name of the climb.
public enum CAAAnswer: Sendable, Equatable {
  /// These. Where the name is an alias, the resolver has followed it.
  case records([CAARecord])
  /// None, or no such name: the climb goes on.
  case none
  /// SERVFAIL or the like: a CA must not issue.
  case broken
  /// No answer for us, which says nothing about the name.
  case silent(String)
}

/// Who asks to issue, in the words of CAA.
public struct CAAIssuer: Sendable, Equatable {
  /// The names by which the CA goes in CAA records; empty when it does not tell.
  public var identities: [String]
  /// Our account's URL, against `accounturi`; nil before it is registered.
  public var account: String?
  /// How names are proved, against `validationmethods`.
  public var method: String
  /// Whether the directory itself lists the names (`caaIdentities`): only then a refusal can be certain.
  public var isTold: Bool

  /// Collects the parts.
  public init(identities: [String], account: String?, method: String = "http-01", isTold: Bool = false) {
    self.identities = identities.map { $0.lowercased() }
    self.account = account
    self.method = method
    self.isTold = isTold
  }

  /// What a CA that we know by its directory calls itself where the directory does not say.
  public static func knownIdentities(ofDirectoryHost host: String) -> [String] {
    // Let's Encrypt's CPS 4.2.4 names this one.
    host.lowercased().hasSuffix(".api.letsencrypt.org") ? ["letsencrypt.org"] : []
  }
}

/// Whether CAA lets the CA issue: RFC 8659 with the parameters of RFC 8657.
public enum CAARules {
  /// The names whose records are asked for, in order: the name and its parents up to the top-level domain (RFC 8659 §3).
  /// The parents of an alias's target are not among them: RFC 6844 climbed there, RFC 8659 does not.
  public static func climb(_ name: String) -> [String] {
    var labels = name.split(separator: ".").map(String.init)
    if labels.first == "*" { labels.removeFirst() }
    return labels.indices.map { labels[$0...].joined(separator: ".") }
  }

  /// Judges the answers along the climb, of which those after the first records may be missing.
  public static func judge(_ name: String, _ answers: [CAAAnswer], issuer: CAAIssuer) -> Judgement {
    for (place, answer) in zip(climb(name), answers) {
      switch answer {
      case .none: continue
      case .broken:
        return Judgement(
          .fails(.dnsBroken), "the name servers fail for the CAA records of \(place) (SERVFAIL): no CA issues over that"
        )
      case .silent(let reason):
        return Judgement(.unknown, "the CAA records of \(place) could not be asked for: \(reason)")
      case .records(let records):
        return judge(records, at: place, isWildcard: name.hasPrefix("*."), issuer)
      }
    }
    return Judgement(.passes, "no CAA record restricts \(name)")
  }

  /// Tags that every public CA knows: RFC 8659 §4, RFC 9495.
  private static let knownTags: Set<String> = ["issue", "issuewild", "iodef", "issuemail"]

  private static func judge(
    _ records: [CAARecord], at place: String, isWildcard: Bool, _ issuer: CAAIssuer
  ) -> Judgement {
    if let strange = records.first(where: { $0.isCritical && !knownTags.contains($0.tag.lowercased()) }) {
      return Judgement(
        .fails(.caaForbids), "the CAA record of \(place) has a critical property that no CA knows: \(strange.text)")
    }
    func properties(_ tag: String) -> [CAARecord] { records.filter { $0.tag.lowercased() == tag } }
    let wild = isWildcard ? properties("issuewild") : []
    // RFC 8659 §4.3: without `issuewild` a wildcard goes by `issue`; other names never look at `issuewild`.
    let relevant = wild.isEmpty ? properties("issue") : wild
    if relevant.isEmpty { return Judgement(.passes, "the CAA records of \(place) name no issuer") }
    let refusals = relevant.map { refusal($0, issuer) }
    if refusals.contains(nil) { return Judgement(.passes, "CAA of \(place) allows the CA") }
    let reasons = refusals.compactMap(\.self)
    if issuer.identities.isEmpty, reasons.contains(.otherIssuer) {
      let text = relevant.map(\.text).joined(separator: ", ")
      return Judgement(.unknown, "CAA of \(place) is \(text); the CA does not say by which name it goes there")
    }
    let why = reasons.first { $0 != .otherIssuer && $0 != .nobody }?.text ?? "allow only others"
    let text = relevant.map(\.text).joined(separator: ", ")
    return Judgement(.fails(.caaForbids), "the CAA records of \(place) \(why): \(text)")
  }

  private enum Refusal: Equatable {
    case nobody
    case otherIssuer
    case account
    case method(String)

    var text: String {
      switch self {
      case .nobody, .otherIssuer: "allow only others"
      case .account: "allow another account (accounturi)"
      case .method(let method): "do not allow \(method) (validationmethods)"
      }
    }
  }

  /// Why one property does not allow us; nil when it does.
  private static func refusal(_ record: CAARecord, _ issuer: CAAIssuer) -> Refusal? {
    guard let value = CAAIssueValue(record.value), let name = value.issuer else { return .nobody }
    guard issuer.identities.contains(name) else { return .otherIssuer }
    // RFC 8657 §3: two of them can never be satisfied; compared as strings.
    let accounts = value.values(of: "accounturi")
    if let account = accounts.first, accounts.count > 1 || account != issuer.account { return .account }
    // RFC 8657 §4: labels with commas between.
    let methods = value.values(of: "validationmethods")
    if let list = methods.first,
      methods.count > 1 || !list.split(separator: ",").contains(where: { $0 == issuer.method })
    {
      return .method(issuer.method)
    }
    return nil
  }
}
