import Fleet
import Net

/// What DNS says, in the words of the preflight's rules.
struct NameServers: Sendable {
  private let panel: ResolverPanel
  private let port: UInt16
  private let zones: ZoneServers
  private let known = KnownCAA()
  private let knownWords = KnownWords()

  /// - Parameter port: where the zones' own name servers listen.
  init(panel: ResolverPanel, port: UInt16 = 53) {
    self.panel = panel
    self.port = port
    zones = ZoneServers(panel: panel, port: port)
  }

  /// The same resolvers without what they said before: in a run of days DNS changes.
  func anew() -> NameServers { NameServers(panel: panel, port: port) }

  /// The addresses of a name, as each resolver tells them.
  func addresses(of name: String) async -> [AddressSighting] {
    async let four = panel.lookup(name, .a)
    async let six = panel.lookup(name, .aaaa)
    let (fours, sixes) = await (four, six)
    return zip(fours, sixes).map { four, six in
      AddressSighting(resolver: four.resolver, four: Self.addresses(four.answer), six: Self.addresses(six.answer))
    }
  }

  /// The CAA answers along the climb, up to the first that decides. Parents are shared by thousands of names and asked for once.
  func caa(of name: String) async -> [CAAAnswer] {
    var answers: [CAAAnswer] = []
    for place in CAARules.climb(name) {
      let answer = await caa(at: place)
      answers.append(answer)
      if answer != .none { break }
    }
    return answers
  }

  private func caa(at place: String) async -> CAAAnswer {
    if let answer = await known.answer(at: place) { return answer }
    let opinions = await panel.lookup(place, .caa).map { Self.caa($0.answer) }
    // Records of one resolver count, for the CA may see them too; then a failure; a silent resolver has no vote.
    let answer =
      opinions.first { if case .records = $0 { true } else { false } } ?? opinions.first { $0 == .broken }
      ?? opinions.first { $0 == .none } ?? opinions.first ?? .silent("there is no resolver")
    await known.learn(answer, at: place)
    return answer
  }

  // MARK: Certainty

  /// Whether a name without addresses has none for certain: what its zone's own servers say is asked for only where all resolvers say no.
  func certainty(of name: String, _ sightings: [AddressSighting], likely: Judgement) async -> Judgement {
    guard case .fails(.nameNotFound) = likely.verdict, Certainty.hasNoAddress(sightings) else { return likely }
    let witnesses = await witnesses(of: name, [.a, .aaaa])
    return Certainty.judge(likely, sightings, witnesses: witnesses)
  }

  /// Whether CAA forbids for certain, by each resolver and by the zones' own servers along the climb.
  func certainty(of name: String, likely: Judgement, issuer: CAAIssuer) async -> Judgement {
    guard case .fails(.caaForbids) = likely.verdict, issuer.isTold, issuer.account != nil else { return likely }
    var climb: [Certainty.CAAWitness] = []
    for place in CAARules.climb(name) {
      let witness: Certainty.CAAWitness
      if let known = await knownWords.witness(at: place) {
        witness = known
      } else {
        let opinions = await panel.lookup(place, .caa).map { Self.caa($0.answer) }
        let zone = await witnesses(of: place, [.caa])
        witness = Certainty.CAAWitness(resolvers: opinions, zone: zone)
        await knownWords.learn(witness, at: place)
      }
      climb.append(witness)
      if witness.resolvers.contains(where: { $0 != .none }) { break }
    }
    return Certainty.judge(likely, name, climb: climb, issuer: issuer)
  }

  private func witnesses(of name: String, _ types: [RecordType]) async -> [ZoneWitness] {
    switch await zones.ask(name, types) {
    case .unclear: []
    case .told(let statements):
      statements.map { ZoneWitness(server: $0.server, words: $0.replies.map(Self.word)) }
    }
  }

  private static func word(_ reply: DNSReply) -> OwnWord {
    if reply.isOwnDenial { return .nothing }
    guard reply.isAuthoritative, case .records(let records) = caa(reply.answer), !records.isEmpty else {
      return .unclear
    }
    return .records(records)
  }

  private static func addresses(_ answer: DNSAnswer) -> AddressAnswer {
    switch answer {
    case .records(let records):
      .addresses(
        records.compactMap { record in
          if case .address(let address) = record { address } else { nil }
        })
    case .noSuchName: .noSuchName
    case .noData: .noData
    case .serverFailure, .malformed: .broken
    case .refused: .silent("refuses to answer us")
    case .noServer: .silent("cannot be reached")
    case .timedOut: .silent("does not answer in time")
    }
  }

  private static func caa(_ answer: DNSAnswer) -> CAAAnswer {
    switch answer {
    case .records(let records):
      .records(
        records.compactMap { record in
          if case .caa(let critical, let tag, let value) = record {
            CAARecord(isCritical: critical, tag: tag, value: value)
          } else {
            nil
          }
        })
    case .noSuchName, .noData: .none
    case .serverFailure, .malformed: .broken
    case .refused: .silent("the resolver refuses to answer us")
    case .noServer: .silent("the resolver cannot be reached")
    case .timedOut: .silent("the resolver does not answer in time")
    }
  }

  /// What was found about the places of climbs: thousands of names share their parents.
  private actor KnownWords {
    private var witnesses: [String: Certainty.CAAWitness] = [:]

    func witness(at place: String) -> Certainty.CAAWitness? { witnesses[place] }
    func learn(_ witness: Certainty.CAAWitness, at place: String) { witnesses[place] = witness }
  }

  /// The answers of this look. What was not answered is asked again by the next name.
  private actor KnownCAA {
    private var answers: [String: CAAAnswer] = [:]

    func answer(at place: String) -> CAAAnswer? { answers[place] }

    func learn(_ answer: CAAAnswer, at place: String) {
      if case .silent = answer { return }
      answers[place] = answer
    }
  }
}
