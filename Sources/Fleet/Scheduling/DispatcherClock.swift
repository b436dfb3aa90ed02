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

  /// A clock that is days behind must not hide what is in danger by true time; what one that is ahead finds due is not allowed anyway.
  func planningTime(at now: Date) -> Date { clock.stopsOrders ? max(now, clock.trueTime(at: now)) : now }

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
