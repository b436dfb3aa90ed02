import Foundation

@testable import Fleet

/// Sixty days of a fleet in virtual time: new names, renewals that fall due, names that always fail or move away, a CA that is down,
/// others who eat the same limits, a process that is killed. Scheduler, ledger, dates of renewal and back-off are those of real runs;
/// the CA is the model that counts events.
struct LongRun {
  var names: Int
  var days = 60.0
  var seed: UInt64 = 1
  var sites: [Site] = []
  /// Others' certificates by domain, and orders of another client with our account (nil), by time.
  var others: [(at: Double, domain: String?)] = []
  var kills: [Double] = []
  var outages: [ClosedRange<Double>] = []

  /// One certificate and its fate.
  struct Site {
    var spec: SpecID
    var pair: PairID
    var names: NameSet
    var domains: [String]
    /// The start of the served certificate's life; nil where there is none yet.
    var issuedAt: Double?
    /// Renewed in the window that ARI (RFC 9773) suggests, or only known to the CA as the same set.
    var hasRenewalInfo: Bool
    /// From when on every validation fails, if ever.
    var breaksAt: Double?
    /// Validations that fail before the first one succeeds.
    var stumbles = 0
  }

  /// As many new orders a name as 100,000 names have at Let's Encrypt; its limits of domains, sets and failures as they are.
  var rules: [Limit: ModelCA.Rule] {
    let share = Double(names) / 100_000
    var rules = VirtualFleet.production
    rules[.newOrdersPerAccount] = ModelCA.Rule(
      burst: max(20, Int(300 * share)), refill: Int64(36_000_000 / share))
    return rules
  }

  /// A fleet of which 45 in a hundred are served already; of every hundred 5 always fail, 2 move away, 5 fail at first.
  init(names: Int, seed: UInt64 = 1) {
    self.names = names
    self.seed = seed
    var dice = Dice(seed)
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &dice) < percent }
    var domain = 0
    while sites.count < names {
      domain += 1
      // One domain in some hundreds is a large customer's, which takes weeks by itself.
      let size = domain % 500 == 7 ? 200 : Int.random(in: 1...(domain % 10 == 0 ? 40 : 10), using: &dice)
      for index in 0..<min(size, names - sites.count) {
        guard let set = NameSet(["n\(index).d\(domain).example"]) else { continue }
        let pair = PairID("lb\(domain % 50)")
        var site = Site(
          spec: SpecID("\(pair)/\(set.first)"), pair: pair, names: set, domains: ["d\(domain).example"],
          hasRenewalInfo: chance(50))
        if chance(45) { site.issuedAt = -Double.random(in: 0...59, using: &dice) * 86_400 }
        if chance(5) {
          site.breaksAt = 0
        } else if chance(2) {
          site.breaksAt = Double.random(in: 0...days, using: &dice) * 86_400
        } else if chance(5) {
          site.stumbles = Int.random(in: 1...3, using: &dice)
        }
        sites.append(site)
      }
    }
    // Others get certificates under a large customer's domain and some small ones, and place orders with our account for a day.
    let shared = [7] + (1...max(2, domain / 100)).filter { $0 % 500 != 7 }
    for number in shared {
      for _ in 0..<Int.random(in: 20...60, using: &dice) {
        others.append((Double.random(in: 0...14, using: &dice) * 86_400, "d\(number).example"))
      }
    }
    let refill = Double(rules[.newOrdersPerAccount]?.refill ?? 0) / 1e6
    for day in [4.0, 11, 33] { others += (0..<20).map { (day * 86_400 + Double($0) * refill * 0.7, nil) } }
    kills = (0..<12).map { _ in Double.random(in: 0...days, using: &dice) * 86_400 }
    outages = [(2, 40), (9.5, 400), (20, 1_440), (41, 10)].map { day, minutes in
      day * 86_400...(day * 86_400 + minutes * 60)
    }
  }

  /// Names that can be issued to the end, because their validations succeed.
  func isWell(_ site: Site) -> Bool { site.breaksAt == nil }

  func play() -> LongRunOutcome {
    var player = LongRunPlayer(self)
    player.play()
    return player.outcome
  }
}

/// What sixty days brought.
struct LongRunOutcome {
  /// First certificates, and those that replaced one.
  var issued = 0
  var renewed = 0
  var orders = 0
  /// When the last first certificate of a name that can be issued was there. Seconds.
  var lastFirst = 0.0
  /// Names that can be issued and were not, that were ever without a valid certificate after they had one, and that came into danger.
  var missing: [SpecID] = []
  var expired: [SpecID] = []
  var endangered: [SpecID] = []
  var refusals = 0
  /// Refusals by limits of which nobody else had taken anything since the last refusal told all.
  var foreseeable: [String] = []
  var overruns: [String] = []
  var paused: Set<String> = []
  /// Orders that the CA's outages swallowed.
  var busy = 0
}
