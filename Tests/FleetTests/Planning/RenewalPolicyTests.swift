import Fleet
import Foundation
import Testing

@testable import Fleet

@Suite struct RenewalPolicyTests {
  private let start = Date(timeIntervalSince1970: 1_790_000_000)

  /// G5: the planner renewed certificates of six days at half their life, the forecast at two thirds.
  @Test(arguments: [90.0, 45, 10, 9.9, 6.7]) func planAndForecastRenewAtTheSameMoment(_ days: Double) {
    let life = days * 86_400
    let end = start.addingTimeInterval(life)
    let issued = IssuedCertificate(
      attempt: "a1", sha256: "", serial: "", notBefore: start, notAfter: end, issuer: "", chain: [], publicKeySHA256: ""
    )

    #expect(issued.dueAt == RenewalPolicy.due(end, life: life))
    #expect(issued.dueAt == end.addingTimeInterval(days < 10 ? -life / 2 : -life / 3))
    #expect(issued.dangerAt == RenewalPolicy.danger(end, life: life))
    #expect(issued.dueAt < issued.dangerAt)
  }
}
