import Fleet
import Foundation

/// What one look at a pair comes to: events for what changed, and a line for each place for what was seen last.
struct LookFindings {
  let at: Date
  private(set) var events: [Event] = []
  private(set) var sightings: [Sighting] = []

  /// What nodes say of another controller.
  private let strangers: [NodeID: String]

  init(strangers: [NodeID: String], at now: Date) {
    self.strangers = strangers
    at = now
  }

  mutating func judge(_ certificate: CertificateState, _ seen: PairSighting, _ own: OwnLeaves?) {
    let own = own ?? OwnLeaves()
    var drifts: [NodeID: Drift] = [:]
    var places: Set<DriftPlace> = [.vip]
    for node in seen.nodes {
      places.insert(.node(node.id))
      guard let expected = certificate.expected(on: node.id) else { continue }
      let standard = DriftClassifier.Standard(expected: expected, own: own, otherController: strangers[node.id])
      let pieces = seen.sightings(of: certificate.spec, on: node.id)
      let asked = pieces.flatMap(\.asked)
      let now = at
      let drift = pieces.lazy.compactMap { DriftClassifier.drift($0, standard, at: now) }.first
      drifts[node.id] = drift
      note(certificate, .node(node.id), drift, isAsked: !asked.isEmpty, asked.joined(separator: ", "))
    }
    if let expected = certificate.expectedAtVIP { judgeVIP(certificate, seen, expected, own, drifts) }
    // A node that is no longer there has no drift.
    for (place, _, _) in certificate.standingDrift where !places.contains(place) {
      events.append(.driftGone(spec: certificate.spec.id, place: place, isHealed: false))
    }
  }

  private mutating func judgeVIP(
    _ certificate: CertificateState, _ seen: PairSighting, _ expected: ExpectedLeaf, _ own: OwnLeaves,
    _ drifts: [NodeID: Drift]
  ) {
    let wire = seen.wire(atVIPOf: certificate.spec)
    let active = seen.active[certificate.spec.vip].flatMap { drifts[$0] }
    let drift = DriftClassifier.drift(
      atVIP: wire, DriftClassifier.Standard(expected: expected, own: own), active: active, at: at)
    switch wire {
    case .leaf, .nothing: note(certificate, .vip, drift, isAsked: true, "handshake")
    case .dead(let why), .unclear(let why): note(certificate, .vip, nil, isAsked: false, why)
    case .notAsked: break
    }
  }

  private mutating func note(
    _ certificate: CertificateState, _ place: DriftPlace, _ drift: Drift?, isAsked: Bool, _ words: String
  ) {
    let spec = certificate.spec.id
    sightings.append(
      Sighting(
        spec: spec, place: place, verdict: drift != nil ? .differs : isAsked ? .same : .unclear,
        detail: drift?.detail ?? words, at: at))
    let known = certificate.drifts[place]?.current
    if let drift {
      if known?.isSame(as: drift) != true { events.append(.driftSeen(spec: spec, place: place, drift: drift)) }
    } else if known != nil, isAsked {
      events.append(.driftGone(spec: spec, place: place, isHealed: false))
    }
  }
}
