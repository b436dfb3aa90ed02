/// What one of the zone's own servers said of a name.
public enum OwnWord: Sendable, Equatable {
  /// With authority: no such name, or no such record.
  case nothing
  /// With authority: these CAA records.
  case records([CAARecord])
  /// Anything else: an address, no authority, SERVFAIL, silence.
  case unclear
}

/// One of the zone's own servers, and what it said.
public struct ZoneWitness: Sendable, Equatable {
  /// The server.
  public var server: String
  /// Its word on each question that was asked.
  public var words: [OwnWord]

  /// Collects the parts.
  public init(server: String, words: [OwnWord]) {
    self.server = server
    self.words = words
  }
}

/// Whether an order would fail without any doubt. A resolver's no may be old, or a company's inside view; certain is only what every resolver
/// says and what the zone's own servers say with authority. Everything else counts as likely.
public enum Certainty {
  /// A name without any address, by every resolver that was asked and by each of its zone's servers that was asked for A and AAAA.
  public static func hasNoAddress(_ sightings: [AddressSighting]) -> Bool {
    !sightings.isEmpty
      && sightings.allSatisfy { sighting in
        [sighting.four, sighting.six].allSatisfy { $0 == .noSuchName || $0 == .noData }
      }
  }

  /// What likely is, made certain by the zone's own servers.
  public static func judge(
    _ likely: Judgement, _ sightings: [AddressSighting], witnesses: [ZoneWitness]
  ) -> Judgement {
    guard case .fails(.nameNotFound) = likely.verdict, hasNoAddress(sightings), !witnesses.isEmpty,
      witnesses.allSatisfy({ !$0.words.isEmpty && $0.words.allSatisfy { $0 == .nothing } })
    else { return likely }
    return Judgement(.certain(.nameNotFound), told(likely.evidence, witnesses))
  }

  /// What the resolvers and the zone's servers said of the CAA records of one place of the climb.
  public struct CAAWitness: Sendable, Equatable {
    /// As each resolver told it.
    public var resolvers: [CAAAnswer]
    /// As the zone's own servers told it.
    public var zone: [ZoneWitness]

    /// Collects the parts.
    public init(resolvers: [CAAAnswer], zone: [ZoneWitness]) {
      self.resolvers = resolvers
      self.zone = zone
    }
  }

  /// The same for CAA: each voice, resolver or server of the zone, must tell of a climb that forbids by itself.
  ///
  /// - Parameter climb: one entry for each place, from the name up to the one whose records decide.
  public static func judge(
    _ likely: Judgement, _ name: String, climb: [CAAWitness], issuer: CAAIssuer
  ) -> Judgement {
    // Without the directory's own word, or our account's URL, only the CA knows whom the records mean.
    guard case .fails(.caaForbids) = likely.verdict, issuer.isTold, issuer.account != nil, let last = climb.last
    else { return likely }
    for place in climb.dropLast() {
      guard !place.resolvers.isEmpty, !place.zone.isEmpty, place.resolvers.allSatisfy({ $0 == .none }),
        place.zone.allSatisfy({ $0.words == [.nothing] })
      else { return likely }
    }
    let below = Array(repeating: CAAAnswer.none, count: climb.count - 1)
    func forbids(_ answer: CAAAnswer) -> Bool {
      guard case .records = answer else { return false }
      return CAARules.judge(name, below + [answer], issuer: issuer).verdict == .fails(.caaForbids)
    }
    let words = last.zone.flatMap(\.words)
    guard !last.resolvers.isEmpty, last.resolvers.allSatisfy(forbids), !words.isEmpty,
      words.allSatisfy({ word in
        if case .records(let records) = word { forbids(.records(records)) } else { false }
      })
    else { return likely }
    return Judgement(.certain(.caaForbids), told(likely.evidence, last.zone))
  }

  private static func told(_ evidence: String, _ witnesses: [ZoneWitness]) -> String {
    let servers = Set(witnesses.map(\.server)).sorted().map { Printable.short($0) }.joined(separator: ", ")
    return "\(evidence), say the zone's own name servers (\(servers)) as well"
  }
}
