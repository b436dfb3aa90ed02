public import Foundation

/// What a CA's refusal says about its limits.
public enum RateLimitSignal: Sendable, Equatable {
  /// This limit is used up until then; other work goes on. The subject is what the text names, if it names one.
  case limited(Limit, subject: String?, until: Date)
  /// The CA paused these names for our account. Only a person who opens the link ends it.
  case paused(names: String, unpauseURL: String)
  /// The CA, or its front end, is overloaded: everything slows down. The date is the CA's, where it gave one.
  case busy(until: Date?)
  /// 429 in words that we do not know.
  case unknown(until: Date?)

  /// Reads an answer; nil where it is about something else.
  ///
  /// 429 with Retry-After is one bucket; 429 without it is a pause, or less than half a second left, told apart by the text; 503 is
  /// everything. Boulder's overload answer has the type `rateLimited` with status 503: the status decides.
  /// - Parameters:
  ///   - type: the problem's type URN.
  ///   - retryAfter: the header, seconds already added to `now`.
  public static func read(
    status: Int, type: String?, detail: String, retryAfter: Date?, at now: Date
  ) -> RateLimitSignal? {
    if status == 503 { return .busy(until: retryAfter) }
    guard status == 429 || type == "urn:ietf:params:acme:error:rateLimited" else { return nil }
    // Hostile text: longer than any of Boulder's is not searched.
    let text = String(detail.prefix(4_096))
    let prevented = /prevented from requesting certificates for (.+) and possibly others\. Please visit: (\S+)/
    if let pause = text.firstMatch(of: prevented) {
      return .paused(names: String(pause.1), unpauseURL: String(pause.2))
    }
    if text.contains("Service busy; retry later.") { return .busy(until: retryAfter) }
    guard let (limit, subject) = limit(in: text) else { return .unknown(until: retryAfter) }
    // Boulder rounds the header: none means that under half a second is left.
    return .limited(limit, subject: subject, until: retryAfter ?? moment(in: text, at: now))
  }

  /// Where a pause is ended, if these are the words of one.
  public static func unpauseLink(in detail: String) -> String? {
    guard let signal = read(status: 429, type: nil, detail: detail, retryAfter: nil, at: .distantPast),
      case .paused(_, let link) = signal
    else { return nil }
    return link.hasPrefix("https://") ? link : nil
  }

  /// The failure that it is for the attempt. None of them counts as the customer's.
  public func failure(_ detail: String, at now: Date) -> Failure {
    switch self {
    case .limited(_, let subject, let until): Failure(.rateLimited, detail, name: subject, retryAfter: until)
    case .paused: Failure(.paused, detail)
    case .busy(let until): Failure(.authorityBusy, detail, retryAfter: until)
    // Unknown words without a time: ask again in an hour rather than at once.
    case .unknown(let until):
      Failure(.rateLimited, detail, retryAfter: until ?? now.addingTimeInterval(3_600))
    }
  }

  private static func limit(in text: String) -> (Limit, String?)? {
    if let match = text.firstMatch(of: /too many certificates \(\d+\) already issued for "([^"]+)" in the last \S+/) {
      return (.certificatesPerDomain, String(match.1).lowercased())
    }
    if let match = text.firstMatch(of: /too many failed authorizations \(\d+\) for "([^"]+)" in the last \S+/) {
      return (.failedAuthorizations, String(match.1).lowercased())
    }
    if text.contains(/too many new orders \(\d+\) from this account in the last \S+/) {
      return (.newOrdersPerAccount, nil)
    }
    if text.contains(/too many certificates \(\d+\) already issued for this exact set of identifiers in the last \S+/) {
      return (.certificatesPerFQDNSet, nil)
    }
    if text.contains(/too many new registrations \(\d+\) from this IP address in the last \S+/) {
      return (.newRegistrationsPerIPAddress, nil)
    }
    if text.contains(/too many new registrations \(\d+\) from this \/48 subnet of IPv6 addresses in the last \S+/) {
      return (.newRegistrationsPerIPv6Range, nil)
    }
    return nil
  }

  /// The absolute time in the text, or a second from now.
  private static func moment(in text: String, at now: Date) -> Date {
    let soon = now.addingTimeInterval(1)
    guard
      let match = text.firstMatch(
        of: /retry after (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) UTC/)
    else { return soon }
    var parts = DateComponents()
    parts.year = Int(match.1)
    parts.month = Int(match.2)
    parts.day = Int(match.3)
    parts.hour = Int(match.4)
    parts.minute = Int(match.5)
    parts.second = Int(match.6)
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return max(soon, calendar.date(from: parts) ?? soon)
  }
}

extension Ledger {
  /// The buckets that a refusal of this order was about; none where its words named none.
  public static func buckets(of signal: RateLimitSignal, _ order: PlannedOrder) -> [BucketKey] {
    switch signal {
    case .paused, .busy, .unknown: []
    case .limited(let limit, let subject, _): keys(limit, subject, order)
    }
  }

  /// Moves the buckets that a refusal of this order reveals.
  public mutating func apply(_ signal: RateLimitSignal, to order: PlannedOrder, at now: Date) -> [BucketRow] {
    switch signal {
    case .paused, .busy, .unknown: []
    case .limited(let limit, let subject, let until):
      Self.keys(limit, subject, order).reduce(into: []) { rows, key in
        rows = Self.merged(rows, resync(key, retryAfter: until.timeIntervalSince(now), at: now))
      }
    }
  }

  /// The buckets that a refusal speaks of. Where the CA's suffix list draws the border of a registered domain elsewhere than ours, the
  /// domains on both sides are meant, so that the next order waits too.
  static func keys(_ limit: Limit, _ subject: String?, _ order: PlannedOrder) -> [BucketKey] {
    switch limit {
    case .newOrdersPerAccount: return [.newOrders(order.authority)]
    case .certificatesPerFQDNSet: return [.exactSet(order.names, order.authority)]
    case .newRegistrationsPerIPAddress, .newRegistrationsPerIPv6Range: return [.newAccounts(limit, order.authority)]
    case .failedAuthorizations: return subject.map { [.failures($0, order.authority)] } ?? []
    case .failedAuthorizationsForPausing: return subject.map { [.pausing($0, order.authority)] } ?? []
    case .certificatesPerDomain:
      guard let subject else { return order.registeredDomains.map { .domain($0, order.authority) } }
      let ours = order.registeredDomains.filter {
        $0 == subject || $0.hasSuffix("." + subject) || subject.hasSuffix("." + $0)
      }
      return Set(ours + [subject]).sorted().map { .domain($0, order.authority) }
    }
  }
}
