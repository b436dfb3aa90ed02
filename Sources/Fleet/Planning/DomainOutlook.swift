public import Foundation

/// New names under one registered domain that its limit keeps waiting, and what packing them into fewer certificates would help.
public struct DomainOutlook: Sendable, Equatable, Codable {
  /// The registered domain.
  public var domain: String
  /// New certificates under it.
  public var certificates: Int
  /// The names in them.
  public var names: Int
  /// When the last is issued.
  public var end: Date
  /// The limit, as "50 a week".
  public var limit: String
  /// The same names in as few certificates as can be; nil where that is no help.
  public var packed: Packed?

  /// Names packed into fewer certificates.
  public struct Packed: Sendable, Equatable, Codable {
    /// How many certificates.
    public var certificates: Int
    /// When the last could be issued.
    public var end: Date
  }

  /// `93 new sub-domains of example.com: 6 d, bound by 50 a week; as one certificate with 93 names: now`
  public func text(from now: Date) -> String {
    func wait(_ date: Date) -> String {
      let seconds = date.timeIntervalSince(now)
      return seconds < 600 ? "now" : Wording.span(seconds)
    }
    var text =
      "\(Wording.count(names, "new sub-domain")) of \(Printable.terminal(domain)): \(wait(end)), bound by \(limit)"
    if let packed {
      let what =
        packed.certificates == 1
        ? "one certificate with \(Wording.count(names, "name"))"
        : "\(Wording.grouped(packed.certificates)) certificates with all \(Wording.grouped(names)) names"
      text += "; as \(what): \(wait(packed.end))"
    }
    return text
  }

  /// One for each domain whose own limit keeps new certificates waiting, the longest wait first.
  public static func list(
    _ forecast: Forecast, _ certificates: [SpecID: CertificateState], ledger: Ledger, usualProfile: String?
  ) -> [DomainOutlook] {
    var waiting: [BucketKey: Date] = [:]
    for finish in forecast.finishes {
      guard case .limit(let key) = finish.boundBy, key.limit == .certificatesPerDomain else { continue }
      waiting[key] = max(waiting[key] ?? finish.end, finish.end)
    }
    if waiting.isEmpty { return [] }
    let keys = Dictionary(grouping: waiting.keys, by: \.subject)
    var members: [BucketKey: [CertificateSpec]] = [:]
    for finish in forecast.finishes {
      guard let spec = certificates[finish.spec]?.spec else { continue }
      for domain in spec.registeredDomains {
        for key in keys[domain] ?? [] { members[key, default: []].append(spec) }
      }
    }
    return waiting.compactMap { key, end in
      guard let quota = ledger.quota(of: key), let specs = members[key] else { return nil }
      let names = Set(specs.flatMap(\.names.names))
      let packs = Self.packs(specs, usualProfile)
      var packed: Packed?
      if packs < specs.count {
        let open = ledger.moment(of: Int64(packs), in: key, at: forecast.from) ?? end
        if open < end { packed = Packed(certificates: packs, end: open) }
      }
      return DomainOutlook(
        domain: key.subject, certificates: specs.count, names: names.count, end: end, limit: quota.text, packed: packed)
    }
    .sorted { $0.end == $1.end ? $0.domain < $1.domain : $0.end > $1.end }
  }

  /// Names can share a certificate where they share pair, VIP, customer, key and profile.
  private static func packs(_ specs: [CertificateSpec], _ usualProfile: String?) -> Int {
    struct Place: Hashable {
      var vip: VIPReference
      var customer: CustomerID?
      var key: KeyType
      var profile: String?
    }
    let places = Dictionary(grouping: specs) {
      Place(vip: $0.vipReference, customer: $0.customer, key: $0.key, profile: $0.profile)
    }
    return places.reduce(0) { count, place in
      let most = Profile.maximumNames(place.key.profile ?? usualProfile)
      let names = Set(place.value.flatMap(\.names.names)).count
      return count + min(place.value.count, (names + most - 1) / most)
    }
  }
}

extension Ledger {
  /// When so many more tokens of a bucket could have been spent by everyday work, one after the other; nil where never.
  func moment(of count: Int64, in key: BucketKey, at now: Date) -> Date? {
    guard let quota = quota(of: key) else { return now }
    let bucket = buckets[key] ?? Bucket()
    let free = quota.burst - kept(key, quota, .everyday) - bucket.reserved
    guard free > 0 else { return nil }
    let opens = max(bucket.tat, now.microseconds) + (count - free) * quota.refillMicroseconds
    return Date(microseconds: max(now.microseconds, opens))
  }
}

extension Quota {
  /// `50 a week`, `300 in 3 h`.
  public var text: String {
    let seconds = Double(burst) * refillSeconds
    let period =
      switch Int(seconds.rounded()) {
      case 604_800: "a week"
      case 86_400: "a day"
      case 3_600: "an hour"
      default: "in \(Wording.span(seconds))"
      }
    return "\(Wording.grouped(Int(burst))) \(period)"
  }
}
