import Foundation

@testable import Fleet

/// A CA that counts events, written without looking at the ledger: a limit of `burst` refilled every `refill` means that in *every*
/// interval of length w at most `burst + w/refill` events lie. No TAT, no buckets: lists of moments, and in the end brute force over all.
struct ModelCA {
  struct Rule: Sendable {
    var burst: Int
    /// Microseconds.
    var refill: Int64
  }

  struct Refusal: Equatable {
    var limit: Limit
    var subject: String?
    /// Microseconds.
    var wait: Int64
  }

  var rules: [Limit: Rule]
  private(set) var refusals: [Refusal] = []
  private(set) var paused: Set<String> = []
  /// Certificates and failures that came although their limit had nothing left: promised twice by whoever asked.
  private(set) var oversteps: [String] = []
  private var series: [String: EventSeries] = [:]
  private var lastIssued: [[String]: Int64] = [:]

  init(rules: [Limit: Rule]) { self.rules = rules }

  /// newOrder: all limits are looked at; if any refuses, nothing is spent and the longest wait is named.
  mutating func newOrder(_ names: [String], _ domains: [String], at now: Int64, isRenewal: Bool = false) -> Refusal? {
    let refusal = checks(names, domains, at: now, isRenewal: isRenewal).compactMap { check in
      wait(check, at: now).map { Refusal(limit: check.limit, subject: check.subject, wait: $0) }
    }.max { $0.wait < $1.wait }
    if let refusal {
      refusals.append(refusal)
      return refusal
    }
    if !isRenewal, !isSameSet(names, at: now) { count(.newOrdersPerAccount, "orders", at: now) }
    return nil
  }

  /// Whether an order at `now` would be taken and still leave this many of each limit to others.
  func hasRoom(_ names: [String], _ domains: [String], keeping: [Limit: Int], at now: Int64) -> Bool {
    checks(names, domains, at: now, isRenewal: false).allSatisfy { check in
      wait(check, at: now, beside: keeping[check.limit] ?? 0) == nil
    }
  }

  private struct Check {
    var limit: Limit
    var subject: String?
    var key: String
  }

  /// What newOrder looks at. A renewal by ARI (RFC 9773 `replaces`, in its window) is let off everything.
  private func checks(_ names: [String], _ domains: [String], at now: Int64, isRenewal: Bool) -> [Check] {
    guard !isRenewal else { return [] }
    var checks = [Check(limit: .certificatesPerFQDNSet, key: Self.set(names))]
    if !isSameSet(names, at: now) {
      checks.append(Check(limit: .newOrdersPerAccount, key: "orders"))
      checks += domains.map { Check(limit: .certificatesPerDomain, subject: $0, key: "domain \($0)") }
    }
    return checks + names.map { Check(limit: .failedAuthorizations, subject: $0, key: "failed \($0)") }
  }

  private func isSameSet(_ names: [String], at now: Int64) -> Bool {
    lastIssued[names].map { now - $0 <= 120 * 86_400_000_000 } ?? false
  }

  /// Issuance: the set always counts, the domains unless it renews the same set; an empty bucket is not spent further.
  mutating func issue(_ names: [String], _ domains: [String], at now: Int64, isRenewal: Bool = false) {
    let isExempt = isRenewal || isSameSet(names, at: now)
    spend(.certificatesPerFQDNSet, Self.set(names), at: now)
    if !isExempt { for domain in domains { spend(.certificatesPerDomain, "domain \(domain)", at: now) } }
    for name in names { series["row \(name)"] = nil }
    lastIssued[names] = now
  }

  /// A certificate of before the story.
  mutating func issuedBefore(_ names: [String], at moment: Int64) { lastIssued[names] = moment }

  mutating func fail(_ name: String, at now: Int64) {
    spend(.failedAuthorizations, "failed \(name)", at: now)
    let check = Check(limit: .failedAuthorizationsForPausing, key: "row \(name)")
    if wait(check, at: now) == nil { count(check.limit, check.key, at: now) } else { paused.insert(name) }
  }

  /// Somebody else's certificate under the domain; how long they have to wait if it is refused.
  @discardableResult
  mutating func spendElsewhere(_ domain: String, at now: Int64) -> Int64? {
    elsewhere(Check(limit: .certificatesPerDomain, key: "domain \(domain)"), at: now)
  }

  /// Another client of the same account orders.
  mutating func orderElsewhere(at now: Int64) -> Int64? {
    elsewhere(Check(limit: .newOrdersPerAccount, key: "orders"), at: now)
  }

  private mutating func elsewhere(_ check: Check, at now: Int64) -> Int64? {
    if let wait = wait(check, at: now) { return wait }
    count(check.limit, check.key, at: now)
    return nil
  }

  /// Intervals with more events than their limit allows, over everything that ever happened: none, if the shortcuts above are right.
  var overruns: [String] { series.filter { $0.value.hasOverrun }.keys.sorted() }

  private static func set(_ names: [String]) -> String { "set " + names.joined(separator: ",") }

  private mutating func spend(_ limit: Limit, _ key: String, at now: Int64) {
    if wait(Check(limit: limit, key: key), at: now) == nil {
      count(limit, key, at: now)
    } else {
      oversteps.append(key)
    }
  }

  private mutating func count(_ limit: Limit, _ key: String, at now: Int64) {
    guard let rule = rules[limit] else { return }
    series[key, default: EventSeries(burst: rule.burst, refill: rule.refill)].append(now)
  }

  /// Nil if one more event at `now` keeps every interval within the rule; else how long until it would.
  private func wait(_ check: Check, at now: Int64, beside others: Int = 0) -> Int64? {
    guard rules[check.limit] != nil, let series = series[check.key] else { return nil }
    guard series.isOver(with: 1 + others, at: now) else { return nil }
    return series.earliest(with: 1 + others) - now
  }
}
