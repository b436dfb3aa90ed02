import ACME
import Fleet
import Foundation

extension ACMEError {
  /// Whether the same question may have an answer soon: a broken connection, or a front that is busy. The order that it is about goes on meanwhile;
  /// `RequestDesk` waits as long as the front asked.
  var mayPass: Bool {
    switch kind {
    case .transport, .http(429, _): true
    default: isBusy
    }
  }
}

extension Issuer {
  /// Whether the CA may have spent a certificate on the order.
  enum Stage {
    case beforeFinalize, afterFinalize

    /// Before finalize an error ends the attempt. At and after it only the CA's clear word does: an answer that is cut, late or unreadable leaves
    /// the order as it is, to be asked again.
    func interruption(_ error: ACMEError, at now: Date) -> Interruption {
      let failure = Failure(error, at: now)
      switch (self, error.kind) {
      case (.afterFinalize, .transport), (.afterFinalize, .malformed), (.afterFinalize, .http): return .left(failure)
      case (.afterFinalize, .problem(let problem, let status))
      where error.isBusy || status >= 500
        || [.serverInternal, .orderNotReady, .badNonce].contains(problem.type):
        return .left(failure)
      default: return .failed(failure)
      }
    }

    /// The same for a CA that does not come to an end.
    func interruption(_ failure: Failure) -> Interruption {
      switch self {
      case .beforeFinalize: .failed(failure)
      case .afterFinalize: .left(failure)
      }
    }
  }
}

extension Duration {
  /// The same span in seconds.
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
