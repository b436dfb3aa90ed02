public import Foundation
import Net
public import PKI

/// When a CA would like a certificate to be renewed (RFC 9773).
public struct RenewalInfo: Sendable, Hashable {
  /// The window in which a random instant is drawn, once; a new one only when the window changes.
  public let window: Range<Date>
  /// Why, for people.
  public let explanationURL: String?
  /// When to ask again, clamped to a minute and a day (section 4.3.2 allows both clamps); six hours where the CA says nothing.
  public let askAgainAfter: Duration

  /// Makes one: what a scripted CA needs.
  public init(window: Range<Date>, explanationURL: String? = nil, askAgainAfter: Duration) {
    self.window = window
    self.explanationURL = explanationURL
    self.askAgainAfter = askAgainAfter
  }

  struct Wire: Decodable {
    struct Window: Decodable {
      let start, end: String
    }
    let suggestedWindow: Window
    let explanationURL: String?
  }
}

extension ACMEServer {
  /// The CA's wish for a certificate, by a plain unsigned request.
  ///
  /// - Returns: `nil` where the CA has no renewal information, the certificate has no identifier, or the window is empty: then a part of the lifetime
  ///   decides (section 4.2).
  public func renewalInfo(for certificate: X509Certificate, at now: Date) async throws(ACMEError) -> RenewalInfo? {
    guard let base = directory.renewalInfo, let identifier = certificate.ariCertID else { return nil }
    let url = base.hasSuffix("/") ? base + identifier : base + "/" + identifier
    let response = try await get(url)
    let wire = try ACMEAnswer.decode(RenewalInfo.Wire.self, response, url: url)
    guard let start = RFC3339.date(wire.suggestedWindow.start), let end = RFC3339.date(wire.suggestedWindow.end) else {
      throw ACMEError(.malformed("a renewal window without dates"), url: url)
    }
    guard start < end else { return nil }
    let wait = ACMEAnswer.retryAfter(response)?.delay(from: now) ?? .seconds(21_600)
    return RenewalInfo(
      window: start..<end, explanationURL: wire.explanationURL,
      askAgainAfter: min(max(wait, .seconds(60)), .seconds(86_400)))
  }
}
