import Fleet
import Foundation
import Testing

@testable import Journal

@Suite struct LoadTests {
  /// Sizes as they are in the field: a leaf of 1.6 kB, one intermediate, two nodes. The times are printed, not asserted: machines differ.
  @Test func tenThousandCertificatesAreTakenInAndLoaded() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let clock = ContinuousClock()

      let importing = try await clock.measure {
        _ = try await store.append((0..<10_000).map { .specAdded(spec($0)) }, sweep: nil, at: noon)
      }
      let issuing = try await clock.measure {
        for start in stride(from: 0, to: 10_000, by: 500) {
          let batch = start..<start + 500
          _ = try await store.append(batch.flatMap(issue) + roll(batch.map(reference)), sweep: ID("s"), at: noon)
        }
      }
      var state = FleetState()
      let loading = try clock.measure { state = try store.fleetState() }

      print("10,000 certificates: import \(importing), issue and install \(issuing), load \(loading)")
      #expect(state.certificates.count == 10_000)
      #expect(state.certificates.values.allSatisfy { $0.served != nil && $0.installations.count == 2 })
    }
  }

  private func spec(_ number: Int) -> CertificateSpec {
    EventWalk.plainSpec(SpecID("p\(number % 200)/c\(number)"), names: ["n\(number).example.org"])
  }

  private func reference(_ number: Int) -> AttemptReference {
    AttemptReference(spec: spec(number).id, attempt: AttemptID("a\(number)"))
  }

  private func roll(_ batch: [AttemptReference]) -> [Event] {
    [
      .installed(node: ID("n1"), certificates: batch, proof: .memory, reason: "passive"),
      .installed(node: ID("n2"), certificates: batch, proof: .wire, reason: "handshake"), .served(certificates: batch),
    ]
  }

  private func issue(_ number: Int) -> [Event] {
    let spec = spec(number)
    let of = reference(number)
    let pem = "-----BEGIN CERTIFICATE-----\n" + String(repeating: String(repeating: "M", count: 64) + "\n", count: 24)
    let certificate = IssuedCertificate(
      attempt: of.attempt, sha256: String(repeating: "0", count: 64), serial: "0A", notBefore: noon,
      notAfter: noon.addingTimeInterval(90 * 86_400), issuer: "R10",
      chain: [pem + "\(number)\n-----END CERTIFICATE-----\n", pem + "-----END CERTIFICATE-----\n"],
      publicKeySHA256: String(repeating: "1", count: 64))
    return [
      .attemptStarted(of: of, names: spec.names, authority: ID("le"), revision: 1),
      .keyMade(of: of, key: Attempt.Key(node: ID("n1"), request: pem)), .orderRequested(of: of),
      .orderCreated(of: of, url: "https://ca.example/order/\(number)"), .finalizeRequested(of: of),
      .issued(of: of, certificate: certificate),
    ]
  }
}
