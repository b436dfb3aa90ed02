import Fleet
import PKI

/// Whether the CA offers the chain that the inventory prefers. It answers with its usual one where it does not, and says nothing.
enum PreferredRoot {
  /// What the newest certificate shows of that; nil where all is as wanted, nothing is wanted, or nothing was issued yet.
  static func note(_ authority: Authority, _ state: FleetState) -> String? {
    guard let wanted = authority.preferredRoot,
      let newest = state.certificates.values.compactMap(\.issued).max(by: { $0.notBefore < $1.notBefore }),
      let last = newest.chain.last
    else { return nil }
    do throws(PKIError) {
      let names = try X509Certificate(pem: last).issuerCommonNames
      guard !names.contains(wanted) else { return nil }
      return "the CA offers no chain under “\(wanted)” (`preferred_root:`); its newest certificate here ends under "
        + "“\(names.joined(separator: " "))”: correct the name, or leave the key out"
    } catch {
      return nil
    }
  }
}
