import Fleet
import Net

/// What DNS says, in the words of the preflight's rules.
struct NameServers: Sendable {
  private let panel: ResolverPanel
  private let known = KnownCAA()

  init(panel: ResolverPanel) { self.panel = panel }

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
