import Appliance
import Fleet

extension CertificateState {
  /// The leaves that may lie on a node in this certificate's place without having been put there by hand.
  ///
  /// - Parameter ever: every leaf that was ever issued for each certificate: each is ours wherever it lies.
  func owned(on node: NodeID, ever: [SpecID: [String]]) -> [String] { ownLeaves(on: node) + (ever[spec.id] ?? []) }
}

extension BatchFile.Expected {
  /// What a rollout may overwrite in a certificate's place: what is its own, what `drift:` allows, or anything where a person said so.
  init(replacing certificate: CertificateState, on node: NodeID, ever: [SpecID: [String]], drift: DriftPolicy) {
    if certificate.mayOverwrite {
      self = .anything
    } else {
      let allowed = drift.overwritable(on: node, of: certificate)
      self = .leaves(certificate.owned(on: node, ever: ever) + [allowed].compactMap(\.self))
    }
  }
}
