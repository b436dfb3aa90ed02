import Fleet
import Foundation
import Net
import PKI

/// Looks at what each VIP serves for each name now.
struct ServedDoctor: Sendable {
  let probe: CertificateProbe
  /// Extra roots in which issued chains may end; nil: the system's.
  let trust: String?
  let clock: any TimeSource

  /// Handshakes at the same time.
  private static let inFlight = 32

  func rows(_ certificates: [CertificateState], _ inventory: Inventory) async -> [PairID: [DoctorReport.Row]] {
    let book = AddressBook(inventory)
    let gate = Gate(limit: Self.inFlight)
    return await withTaskGroup(of: Seen.self) { group in
      for (index, certificate) in certificates.enumerated() {
        guard let vip = book.vip(certificate.spec.vipReference) else { continue }
        group.addTask {
          let rows = await gate.run { await self.rows(of: certificate, vip) }
          return Seen(index: index, pair: certificate.spec.pair, rows: rows)
        }
      }
      let found = await group.reduce(into: [Seen]()) { $0.append($1) }
      return found.sorted { $0.index < $1.index }.reduce(into: [:]) { $0[$1.pair, default: []] += $1.rows }
    }
  }

  private struct Seen: Sendable {
    var index: Int
    var pair: PairID
    var rows: [DoctorReport.Row]
  }

  private func rows(of certificate: CertificateState, _ vip: VIP) async -> [DoctorReport.Row] {
    var rows: [DoctorReport.Row] = []
    for name in certificate.spec.names.names { rows.append(await row(name, certificate, vip)) }
    return rows
  }

  private func row(_ name: String, _ certificate: CertificateState, _ vip: VIP) async -> DoctorReport.Row {
    func row(_ verdict: DoctorReport.Verdict, _ evidence: String, _ remedy: String? = nil) -> DoctorReport.Row {
      .init(verdict, DoctorReport.served, of: name, pair: certificate.spec.pair, evidence, remedy: remedy)
    }
    let asked = name.hasPrefix("*.") ? "certfleet" + name.dropFirst() : name
    let place = "\(vip.address):\(vip.httpsPort)"
    // Before the first issue nothing is expected yet.
    let isExpected = certificate.served != nil
    do {
      let served = try await probe.chain(
        servedAt: vip.address, port: vip.httpsPort, serverName: asked, deadline: .seconds(10))
      let chain = try served.chainPEM.map { pem throws(PKIError) in try X509Certificate(pem: pem) }
      guard let leaf = chain.first else { return row(.unknown, "\(place) shows no certificate") }
      let until = "valid until \(Wording.minute(leaf.notAfter)) UTC"
      if leaf.sha256Hex == certificate.issued?.sha256 { return row(.good, "ours, \(until)") }
      let verdict = try leaf.verdict(
        intermediates: Array(chain.dropFirst()), trust: trust.map { .bundle(path: $0) } ?? .system, at: clock.now,
        serverName: asked)
      switch verdict {
      case .complete where isExpected:
        return row(.note, "another than ours, of \(leaf.issuer), \(until)", Failure.Kind.servesOldCertificate.advice)
      case .complete: return row(.good, "one of \(leaf.issuer), \(until)")
      case .refused(let refusal, _):
        let words = "\(refusal.text): one of \(leaf.issuer), \(until)"
        return isExpected ? row(.bad, words, Failure.Kind.servesOldCertificate.advice) : row(.unknown, words)
      }
    } catch let error as NetError {
      let words = "\(place): \(error.detail)"
      return isExpected
        ? row(.bad, words, "Check that the VIP is up and port \(vip.httpsPort) reaches it.") : row(.unknown, words)
    } catch {
      return row(.note, "\(place) shows a certificate that cannot be read")
    }
  }
}
