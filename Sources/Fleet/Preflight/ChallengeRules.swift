/// What came of asking for a made-up token, as the CA would ask.
public enum ChallengeSight: Sendable, Equatable {
  /// Something answered, after these hops.
  case answer(Answer)
  /// The CA would not follow the redirect.
  case strayed(String, hops: [ChallengeHop])
  /// Somebody said that nobody listens there.
  case refused(String, hops: [ChallengeHop])
  /// No answer from here, for this reason: hairpin NAT or a firewall may let the CA through where we do not get.
  case silent(String, hops: [ChallengeHop])

  /// An answer that is no redirect.
  public struct Answer: Sendable, Equatable {
    /// The HTTP status.
    public var status: Int
    /// The body, trailing white space cut off as the CA does it. Hostile.
    public var body: String
    /// What `X-Certfleet-Pair` says.
    public var pair: String?
    /// Who answered: an address and a port.
    public var place: String
    /// The way there.
    public var hops: [ChallengeHop]

    /// Collects the parts.
    public init(status: Int, body: String, pair: String?, place: String, hops: [ChallengeHop]) {
      self.status = status
      self.body = body
      self.pair = pair
      self.place = place
      self.hops = hops
    }
  }
}

/// Whether the challenge path of a name is answered as it must be.
public struct ChallengeRules: Sendable {
  private let name: String
  private let vip: VIPReference
  private let customer: CustomerID?
  private let method: ChallengeMethod
  private let token: String
  private let thumbprint: String
  /// Whether the pair was told to answer for this name: the rule answers for no others.
  private let isAllowed: Bool
  private let book: AddressBook

  /// Collects the parts.
  public init(
    name: String, vip: VIPReference, customer: CustomerID?, method: ChallengeMethod, token: String, thumbprint: String,
    isAllowed: Bool, book: AddressBook
  ) {
    self.name = name
    self.vip = vip
    self.customer = customer
    self.method = method
    self.token = token
    self.thumbprint = thumbprint
    self.isAllowed = isAllowed
    self.book = book
  }

  /// Judges what our own VIP answered: what is wrong here is ours to mend, and every order would be lost.
  public func judgeVIP(_ sight: ChallengeSight) -> Judgement {
    switch sight {
    case .answer(let answer):
      if let pair = answer.pair, pair != vip.pair.rawValue {
        return Judgement(
          .vetoes(.vipAnswersWrongly),
          "VIP \(vip.vip) (\(answer.place)) is answered by pair \(Printable.short(pair)), not \(vip.pair)")
      }
      if isRight(answer) { return Judgement(.passes, "\(answer.place) answers the challenge") }
      if answer.body.hasPrefix(token + ".") {
        return Judgement(
          .vetoes(.vipAnswersWrongly),
          told(answer) + "; the rule there is for another account key: paste the lines that certfleet enroll prints")
      }
      if let held = held(answer) { return held }
      return undecided ?? Judgement(.vetoes(.vipAnswersWrongly), told(answer))
    case .strayed(let reason, let hops):
      return undecided
        ?? Judgement(.vetoes(.vipAnswersWrongly), "the VIP redirects \(name) away\(via(hops)): \(reason)")
    case .refused(let reason, let hops):
      guard hops.count > 1 else { return Judgement(.fails(.port80Closed), "\(reason), asked for \(name)") }
      return undecided
        ?? Judgement(
          .vetoes(.vipAnswersWrongly), "the VIP redirects \(name) to where nobody answers\(via(hops)): \(reason)")
    case .silent(let reason, let hops):
      return Judgement(.unknown, "no answer from here for \(name)\(via(hops)): \(reason)")
    }
  }

  /// Judges what was found on the CA's own way, by DNS, at an address that is not the VIP's.
  public func judgeRoute(_ sight: ChallengeSight) -> Judgement {
    switch sight {
    case .answer(let answer):
      if let pair = answer.pair, pair != vip.pair.rawValue {
        return Judgement(
          book.verdict(answeredBy: PairID(pair), for: customer),
          "\(name) is answered by pair \(Printable.short(pair)), not \(vip.pair)")
      }
      if isRight(answer) { return Judgement(.passes, "\(answer.place) passes the challenge on to the load balancer") }
      return undecided ?? Judgement(.fails(answer.hops.count > 1 ? .redirectAway : .wrongAnswer), told(answer))
    case .strayed(let reason, let hops):
      return Judgement(.fails(.redirectAway), "\(name)\(via(hops)): \(reason)")
    case .refused(let reason, let hops):
      return Judgement(
        .fails(hops.count > 1 ? .redirectAway : .port80Closed), "\(reason), asked for \(name)\(via(hops))")
    case .silent(let reason, let hops):
      return Judgement(.unknown, "no answer from here for \(name)\(via(hops)): \(reason)")
    }
  }

  /// Something listens at the tunnel's port and gives no answer: the way leads there, and whose it is shows when the tunnel is opened.
  private func held(_ answer: ChallengeSight.Answer) -> Judgement? {
    guard case .tunnel(let port) = method, answer.status == 502 || answer.status == 504 else { return nil }
    return Judgement(
      .unknown,
      told(answer) + "; something holds the tunnel's port \(port) on the node and does not answer, "
        + "mostly a session that was cut off")
  }

  private var undecided: Judgement? {
    isAllowed
      ? nil
      : Judgement(.unknown, "the load balancer was not told of \(name) yet; the first run does that before it orders")
  }

  private func isRight(_ answer: ChallengeSight.Answer) -> Bool {
    switch method {
    case .thumbprint: answer.status == 200 && answer.body == "\(token).\(thumbprint)"
    // Nobody listens yet at the tunnel's port: 503 is HAProxy's word that the route leads there.
    case .tunnel: answer.status == 503 || answer.pair == vip.pair.rawValue
    }
  }

  private func told(_ answer: ChallengeSight.Answer) -> String {
    "\(answer.place) answered the challenge for \(name)\(via(answer.hops)) with \(answer.status): "
      + "\"\(Printable.short(answer.body))\""
  }

  private func via(_ hops: [ChallengeHop]) -> String {
    hops.count > 1
      ? " (redirected to \(hops.dropFirst().map { Printable.short($0.url) }.joined(separator: ", then ")))" : ""
  }
}
