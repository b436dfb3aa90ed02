import Foundation

@testable import Fleet

/// A CA that counts events, written without looking at the ledger: a limit of `burst` refilled every `refill` means that in *every*
/// interval of length w at most `burst + w/refill` events lie. No TAT, no buckets: lists of moments and brute force.
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
  private var events: [String: [Int64]] = [:]
  private var lastIssued: [[String]: Int64] = [:]

  init(rules: [Limit: Rule]) { self.rules = rules }

  /// newOrder: all limits are looked at; if any refuses, nothing is spent and the longest wait is named.
  mutating func newOrder(_ names: [String], _ domains: [String], at now: Int64) -> Refusal? {
    let isSameSet = lastIssued[names].map { now - $0 <= 120 * 86_400_000_000 } ?? false
    var checks: [(Limit, String?, String)] = [(.certificatesPerFQDNSet, nil, Self.set(names))]
    if !isSameSet {
      checks.append((.newOrdersPerAccount, nil, "orders"))
      checks += domains.map { (.certificatesPerDomain, $0, "domain \($0)") }
    }
    checks += names.map { (.failedAuthorizations, $0, "failed \($0)") }
    let refusal = checks.compactMap { limit, subject, key in
      wait(limit, key, at: now).map { Refusal(limit: limit, subject: subject, wait: $0) }
    }.max { $0.wait < $1.wait }
    if let refusal {
      refusals.append(refusal)
      return refusal
    }
    if !isSameSet { count("orders", at: now) }
    return nil
  }

  /// Issuance: the set always counts, the domains unless it renews the same set; an empty bucket is not spent further.
  mutating func issue(_ names: [String], _ domains: [String], at now: Int64) {
    let isSameSet = lastIssued[names].map { now - $0 <= 120 * 86_400_000_000 } ?? false
    if wait(.certificatesPerFQDNSet, Self.set(names), at: now) == nil { count(Self.set(names), at: now) }
    if !isSameSet {
      for domain in domains where wait(.certificatesPerDomain, "domain \(domain)", at: now) == nil {
        count("domain \(domain)", at: now)
      }
    }
    for name in names { events["row \(name)"] = nil }
    lastIssued[names] = now
  }

  mutating func fail(_ name: String, at now: Int64) {
    if wait(.failedAuthorizations, "failed \(name)", at: now) == nil { count("failed \(name)", at: now) }
    if wait(.failedAuthorizationsForPausing, "row \(name)", at: now) == nil {
      count("row \(name)", at: now)
    } else {
      paused.insert(name)
    }
  }

  /// Somebody else's certificate under the domain.
  mutating func spendElsewhere(_ domain: String, at now: Int64) {
    if wait(.certificatesPerDomain, "domain \(domain)", at: now) == nil { count("domain \(domain)", at: now) }
  }

  private static func set(_ names: [String]) -> String { "set " + names.joined(separator: ",") }

  private mutating func count(_ key: String, at now: Int64) { events[key, default: []].append(now) }

  /// Nil if one more event at `now` keeps every interval within the rule; else how long until it would.
  private func wait(_ limit: Limit, _ key: String, at now: Int64) -> Int64? {
    guard let rule = rules[limit], let moments = events[key] else { return nil }
    var earliest = now
    moments.withUnsafeBufferPointer { moments in
      for index in moments.indices {
        // From moments[index] to now, both counted, with the new one: (count − burst) refills must fit in between.
        let excess = Int64(moments.count - index + 1 - rule.burst)
        if excess > 0 { earliest = max(earliest, moments[index] + excess * rule.refill) }
      }
    }
    return earliest > now ? earliest - now : nil
  }
}
