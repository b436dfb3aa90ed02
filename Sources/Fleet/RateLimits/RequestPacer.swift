public import Foundation

/// The CA's resources as its front end counts requests to them.
public enum Endpoint: String, Sendable, CaseIterable, Codable {
  case newNonce = "/acme/new-nonce"
  case newAccount = "/acme/new-account"
  case newOrder = "/acme/new-order"
  case revokeCert = "/acme/revoke-cert"
  case renewalInfo = "/acme/renewal-info"
  case directory = "/directory"
  /// Everything else: orders, authorizations, challenges, finalize, certificates.
  case other = "/acme/*"
}

/// Requests a second from one address, and how many at once.
public struct RequestCeiling: Sendable, Hashable, Codable {
  /// The sustained rate.
  public var perSecond: Double
  /// How many may come at once.
  public var burst: Int

  /// A ceiling.
  public init(perSecond: Double, burst: Int) {
    self.perSecond = perSecond
    self.burst = burst
  }

  enum CodingKeys: String, CodingKey {
    case perSecond = "rps"
    case burst
  }
}

/// Tells each request when it may leave, so that the CA's front end never answers 503 to us. Lives in memory only: a second of waiting
/// after a restart is cheaper than a write for every request.
public struct RequestPacer: Sendable {
  private let spans: [Endpoint: Quota]
  private var tats: [Endpoint: Microseconds] = [:]
  private var quietUntil: Microseconds = 0
  private var closedUntil: [Endpoint: Microseconds] = [:]
  private var level = 0

  /// Keeps below these ceilings by a fifth: requests leave evenly, but the network bunches them.
  public init(ceilings: [Endpoint: RequestCeiling]) {
    spans = ceilings.compactMapValues { ceiling in
      let interval = 1 / max(0.001, ceiling.perSecond * 0.8)
      return Quota(burst: Int64(max(1, Double(ceiling.burst) * 0.8)), count: 1, periodSeconds: interval)
    }
  }

  /// Takes the next slot and says when it is: `now` itself, or later.
  public mutating func slot(for endpoint: Endpoint, at now: Date) -> Date {
    let moment = max(now.microseconds, quietUntil, closedUntil[endpoint] ?? 0)
    guard let span = spans[endpoint] else { return Date(microseconds: moment) }
    let slowed = Quota(burst: span.burst, refillMicroseconds: span.refillMicroseconds << slowness(at: moment))
    let tat = tats[endpoint] ?? 0
    let leaves = max(moment, slowed.earliest(tat: tat, cost: 1) ?? moment)
    tats[endpoint] = max(leaves, tat) + slowed.refillMicroseconds
    return Date(microseconds: leaves)
  }

  /// The CA answered 503: everything waits as it says, and at least 5, 10, 20 … 300 seconds; then all goes at half the pace, at most
  /// four times halved, and doubles again with every quiet minute.
  public mutating func busy(retryAfter: Date?, at now: Date) {
    let moment = now.microseconds
    // Many requests in flight get the same 503: they are one event.
    if moment >= quietUntil { level = nextLevel(at: moment) }
    let pause = Microseconds(min(300, 5 * (1 << (level - 1)))) * 1_000_000
    quietUntil = max(quietUntil, moment + pause, believed(retryAfter, at: moment))
  }

  /// The CA, or what stands before it, answered 429 without a word on which limit: this endpoint waits as it says, else a minute.
  public mutating func limited(_ endpoint: Endpoint, retryAfter: Date?, at now: Date) {
    let moment = now.microseconds
    let until = retryAfter == nil ? moment + 60_000_000 : believed(retryAfter, at: moment)
    closedUntil[endpoint] = max(closedUntil[endpoint] ?? 0, until)
  }

  /// Until when no order can be taken to its end: the CA is busy, or an endpoint that orders need is closed to us.
  public func pausedUntil(at now: Date) -> Date? {
    let needed: [Endpoint] = [.newNonce, .newOrder, .other]
    let until = needed.reduce(quietUntil) { max($0, closedUntil[$1] ?? 0) }
    return until > now.microseconds ? Date(microseconds: until) : nil
  }

  /// Until when nothing leaves for this endpoint, whatever its ceiling.
  public func closed(_ endpoint: Endpoint, at now: Date) -> Date? {
    let until = max(quietUntil, closedUntil[endpoint] ?? 0)
    return until > now.microseconds ? Date(microseconds: until) : nil
  }

  /// An hour is the most that is believed.
  private func believed(_ retryAfter: Date?, at now: Microseconds) -> Microseconds {
    min(retryAfter?.microseconds ?? 0, now + 3_600_000_000)
  }

  private func nextLevel(at now: Microseconds) -> Int { min(7, remaining(level, at: now) + 1) }

  private func slowness(at now: Microseconds) -> Int {
    min(4, remaining(level, at: now))
  }

  private func remaining(_ level: Int, at now: Microseconds) -> Int {
    guard level > 0 else { return 0 }
    return max(0, level - Int(max(0, now - quietUntil) / 60_000_000))
  }
}
