import Foundation

extension Dispatcher {
  /// A certificate as the scheduler sees it. What failed before, or looked bad to the preflight, goes last.
  func candidate(_ certificate: CertificateState, isRenewal: Bool, at now: Date) -> Candidate {
    Candidate(
      spec: certificate.spec.id, kind: isRenewal ? .renew : .issue, pair: certificate.spec.pair,
      customer: certificate.spec.customer, order: planned(certificate, inventory.authorities[0].id, at: now),
      expiry: certificate.servedNotAfter, dangerAt: certificate.issued?.dangerAt,
      weight: certificate.spec.customer.flatMap { weights[$0] } ?? 1,
      looksBad: hasOwnFailure(certificate),
      failures: certificate.failures)
  }

  /// It failed before, or the preflight thinks that it will.
  func hasOwnFailure(_ certificate: CertificateState) -> Bool {
    certificate.lastFailure?.kind.retry == .backOff || badLooking.contains(certificate.spec.id)
  }
}
