import Fleet
import Testing

/// One try at one certificate: what may follow what, tried by every word in every place.
@Suite struct AttemptTests {
  private static let key = Attempt.Key(node: NodeID("lb0-a"), request: "CSR")
  private static let order = "https://ca.example/order/1"
  private static let occurrences: [Attempt.Occurrence] = [
    .keyMade(key), .orderRequested, .orderCreated(url: order), .finalizeRequested,
    .issued(SmallFleet.certificate(AttemptID("a1"))), .failed(Failure(.port80Closed, "refused")),
  ]

  private func fresh() throws -> Attempt {
    Attempt(id: AttemptID("a1"), spec: SpecID("lb0/n0"), names: try #require(NameSet(["n0.example"])))
  }

  /// How far the state is, by what must have been recorded for it.
  private func depth(_ state: Attempt.State) -> Int {
    switch state {
    case .makingKey: 0
    case .requestingOrder: 1
    case .ordering: 2
    case .validating: 3
    case .finalizing: 4
    case .issued: 5
    case .failed: 6
    }
  }

  @Test func theStraightWayLeadsToTheCertificate() throws {
    var attempt = try fresh()

    for occurrence in Self.occurrences.dropLast() { try attempt.apply(occurrence) }

    #expect(attempt.state == .issued(Self.key, SmallFleet.certificate(AttemptID("a1"))))
  }

  @Test func eachStateKeepsWhatTheNextStepNeeds() throws {
    var attempt = try fresh()

    try attempt.apply(.keyMade(Self.key))
    #expect(attempt.state == .requestingOrder(Self.key))
    try attempt.apply(.orderRequested)
    #expect(attempt.state == .ordering(Self.key))
    try attempt.apply(.orderCreated(url: Self.order))
    #expect(attempt.state == .validating(Self.key, order: Self.order))
    try attempt.apply(.finalizeRequested)
    #expect(attempt.state == .finalizing(Self.key, order: Self.order))
  }

  @Test func finalizeMayBeAskedAgainAfterACrash() throws {
    var attempt = try fresh()
    for occurrence in Self.occurrences.prefix(4) { try attempt.apply(occurrence) }
    let before = attempt

    try attempt.apply(.finalizeRequested)

    #expect(attempt == before)
  }

  @Test func everyOpenStateMayFail() throws {
    for count in 0..<5 {
      var attempt = try fresh()
      for occurrence in Self.occurrences.prefix(count) { try attempt.apply(occurrence) }
      try attempt.apply(.failed(Failure(.interrupted, "stopped")))
      #expect(attempt.state == .failed(Failure(.interrupted, "stopped")))
    }
  }

  @Test func nothingFollowsAnEnd() throws {
    for end in [4, 5] {
      var attempt = try fresh()
      for occurrence in Self.occurrences.prefix(4) { try attempt.apply(occurrence) }
      try attempt.apply(Self.occurrences[end])
      let ended = attempt
      for occurrence in Self.occurrences { #expect(throws: IllegalTransition.self) { try attempt.apply(occurrence) } }
      #expect(attempt == ended)
    }
  }

  @Test func noWalkSkipsAStepOrGoesBack() throws {
    for seed in 0..<3_000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var attempt = try fresh()
      for _ in 0..<30 {
        let occurrence = try #require(Self.occurrences.randomElement(using: &random))
        let before = attempt
        do {
          try attempt.apply(occurrence)
          let from = depth(before.state)
          let to = depth(attempt.state)
          #expect(to == from + 1 || to == 6 || (from == 4 && to == 4), "\(before.state) to \(attempt.state)")
          #expect(from < 5)
        } catch {
          #expect(attempt == before)
        }
      }
    }
  }
}
