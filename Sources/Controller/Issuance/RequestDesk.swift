import ACME
import Fleet
import Foundation
import Net

/// Lets each request to one CA leave at its time, and hears what the answers say about the pace.
///
/// An actor because every conversation of a run shares it: the CA counts requests by address, not by order.
actor RequestDesk {
  private var pacer: RequestPacer
  private let clock: any TimeSource
  private var places: [String: Endpoint]
  private var renewalInfo: String?
  private(set) var isOverIPv6 = false
  /// Seconds that the CA's clock was ahead of ours, by answers since they were last taken.
  private var skews: [Double] = []
  private var lastSkew = 0.0

  /// A wait longer than this is told to the caller instead of being sat out, so that a run can be stopped meanwhile.
  private static let patience: Double = 300

  init(_ authority: Authority, ceilings: [Endpoint: RequestCeiling], clock: any TimeSource) {
    pacer = RequestPacer(ceilings: ceilings)
    places = [authority.directory: .directory]
    self.clock = clock
  }

  /// The way to the CA, with each request in its turn.
  nonisolated func transport(over send: @escaping HTTPTransport) -> HTTPTransport {
    { (request) async throws(NetError) -> HTTPResponse in
      if let refusal = try await self.turn(of: request.url) { return refusal }
      let response = try await send(request)
      await self.heard(response, from: request.url)
      return response
    }
  }

  /// Learns which URL is which endpoint.
  func learn(_ directory: Directory) {
    places[directory.newNonce] = .newNonce
    places[directory.newAccount] = .newAccount
    places[directory.newOrder] = .newOrder
    if let revoke = directory.revokeCert { places[revoke] = .revokeCert }
    renewalInfo = directory.renewalInfo
  }

  /// What answers said of our clock since this was last asked.
  func takeSkews() -> [Double] {
    defer { skews = [] }
    return skews
  }

  /// The CA's time: what it issues is valid by that.
  func authorityTime(at now: Date) -> Date { abs(lastSkew) > 60 ? now.addingTimeInterval(lastSkew) : now }

  /// Whether the CA's newest answer disagrees with our clock: it is worth a second one before anything is ordered.
  var isDoubtful: Bool { abs(lastSkew) > 300 }

  /// Until when starting an order is in vain.
  func pausedUntil(at now: Date) -> Date? { pacer.pausedUntil(at: now) }

  /// Waits for the request's slot; where that is far off, answers in the CA's place, with its own Retry-After.
  ///
  /// - Throws: `cancelled` where the task was cancelled: then nothing is sent.
  private func turn(of url: String) async throws(NetError) -> HTTPResponse? {
    let endpoint = endpoint(of: url)
    let now = clock.now
    if let until = pacer.closed(endpoint, at: now), until.timeIntervalSince(now) > Self.patience {
      let seconds = Int(until.timeIntervalSince(now).rounded(.up))
      return HTTPResponse(
        status: 503, headers: [(name: "Retry-After", value: "\(seconds)")],
        body: Array("not asked: the CA wants to be left alone for another \(Wording.span(Double(seconds)))".utf8))
    }
    await clock.sleep(until: pacer.slot(for: endpoint, at: now))
    // A sleep that was ended is no turn; and no answer of the CA's, which did not hear of the request.
    if Task.isCancelled { throw NetError(.cancelled, "not asked: the run was ended") }
    return nil
  }

  private func heard(_ response: HTTPResponse, from url: String) {
    isOverIPv6 = response.remoteAddress.contains(":")
    let now = clock.now
    // RFC 9110 section 6.6.1: the moment at which the answer was made. One with an Age comes out of a cache.
    if let text = response.header("Date"), case .date(let date)? = RetryAfter(text), response.header("Age") == nil {
      lastSkew = date.timeIntervalSince(now)
      skews = (skews + [lastSkew]).suffix(2)
    }
    let retryAt = response.header("Retry-After").flatMap { RetryAfter($0) }.map { now + $0.delay(from: now).seconds }
    switch response.status {
    case 503: pacer.busy(retryAfter: retryAt, at: now)
    // With a problem document it is one bucket's matter, and the ledger's.
    case 429 where !response.isProblem: pacer.limited(endpoint(of: url), retryAfter: retryAt, at: now)
    default: break
    }
  }

  private func endpoint(of url: String) -> Endpoint {
    if let place = places[url] { return place }
    if let renewalInfo, url.hasPrefix(renewalInfo) { return .renewalInfo }
    return .other
  }
}

extension HTTPResponse {
  /// Whether the body can be read as a problem of the CA's own (RFC 8555 §6.7).
  fileprivate var isProblem: Bool {
    if header("Content-Type")?.lowercased().hasPrefix("application/problem+json") == true { return true }
    return String(decoding: body.prefix(4_096), as: UTF8.self).contains("urn:ietf:params:acme:error:")
  }
}
