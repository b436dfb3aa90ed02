import Foundation

/// What a wrong clock means to a run.
extension Dispatcher {
  /// The CA's answers had these differences, in seconds, the newest last.
  public mutating func hear(authority skews: [Double]) {
    let before = clock.error
    for skew in skews { clock.heard(authority: skew) }
    if clock.error != before { dirty.formUnion(state.certificates.keys) }
  }

  mutating func hear(nodes skews: [NodeID: Int]) {
    let before = clock.error
    clock.heard(skews)
    if clock.error != before { dirty.formUnion(state.certificates.keys) }
  }

  /// With a wrong clock only what is in danger by true time is ordered, once.
  func allowsByClock(_ certificate: CertificateState, at now: Date) -> Bool {
    guard clock.stopsOrders else { return true }
    return !orderedByWrongClock.contains(certificate.spec.id)
      && clock.allowsOrder(dangerAt: certificate.issued?.dangerAt, at: now)
  }

  mutating func countByClock(_ spec: SpecID) {
    if clock.stopsOrders { orderedByWrongClock.insert(spec) }
  }
}
