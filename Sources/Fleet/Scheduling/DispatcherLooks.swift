public import Foundation

/// What a run knows of what it may order: looked at before, held back where an order would certainly fail, looked at again later.
struct OrderLooks: Sendable {
  /// Whether anything is looked at: a forecast goes by what is known.
  let isAsked: Bool
  private(set) var findings: Findings
  var held: HeldBack
  /// Looked at right now.
  private(set) var looking: Set<SpecID> = []
  private var wanted: Set<SpecID> = []
  private var seenAt: [SpecID: Date] = [:]
  private var next: [SpecID: Date] = [:]
  private var looksAtHeld: [SpecID: Int] = [:]
  /// Orders that may still be made for what is in doubt.
  var triesInDoubt = HeldBack.triesInDoubt

  /// What was seen counts for so long before an order: 10 min.
  static let freshSeconds = 600.0
  /// What is held back is looked at again after 10 min, 20, 40, … 6 h.
  static func pause(afterLooks count: Int) -> Double { min(600 * Double(1 << min(count - 1, 10)), 6 * 3_600) }

  init(_ findings: Findings, _ held: HeldBack, isAsked: Bool) {
    self.findings = findings
    self.held = held
    self.isAsked = isAsked
  }

  /// When something that is held back is looked at again.
  var nextLook: Date? { next.values.min() }

  /// Whether so many looks are under way or asked for that no more are begun for what waits in the queue.
  func isCrowded(_ most: Int) -> Bool { looking.count + wanted.count >= most }

  /// Whether something is still to be looked at.
  var isAwaited: Bool { !wanted.isEmpty }

  func isSeen(_ spec: SpecID) -> Bool { seenAt[spec] != nil }
  func isFresh(_ spec: SpecID, at now: Date) -> Bool {
    seenAt[spec].map { now.timeIntervalSince($0) <= Self.freshSeconds } ?? false
  }

  /// Asks for a look.
  mutating func want(_ spec: SpecID) {
    if isAsked, !looking.contains(spec) { wanted.insert(spec) }
  }

  /// It is another certificate now.
  mutating func forget(_ spec: SpecID) {
    seenAt[spec] = nil
    next[spec] = nil
    looksAtHeld[spec] = nil
    held.learn(nil, of: spec)
  }

  /// What is to be looked at now.
  mutating func begin(at now: Date) -> [SpecID] {
    for (spec, date) in next where date <= now {
      next[spec] = nil
      want(spec)
    }
    let begun = wanted.sorted()
    looking.formUnion(wanted)
    wanted = []
    return begun
  }

  /// What was seen.
  mutating func learn(_ certificates: [CertificateState], _ found: [Finding], at now: Date) {
    for finding in found { findings.learn(finding) }
    for certificate in certificates {
      let spec = certificate.spec.id
      seenAt[spec] = now
      let finding = findings.certain(of: certificate.spec, at: now)
      held.learn(finding, of: spec)
      guard finding != nil else {
        next[spec] = nil
        looksAtHeld[spec] = nil
        continue
      }
      let count = (looksAtHeld[spec] ?? 0) + 1
      looksAtHeld[spec] = count
      next[spec] = now.addingTimeInterval(Self.pause(afterLooks: count))
    }
  }

  mutating func ended(_ specs: [SpecID]) { looking.subtract(specs) }
}

extension Dispatcher {
  /// What DNS said of certificates that were to be ordered.
  public mutating func looked(at specs: [SpecID], _ found: [Finding], at now: Date) {
    looks.ended(specs)
    let wasInDoubt = looks.held.doubt != nil
    looks.learn(specs.compactMap { state.certificates[$0] }, found, at: now)
    for spec in specs {
      guard let certificate = state.certificates[spec] else { continue }
      if looks.findings.worst(of: certificate.spec, at: now) == nil {
        badLooking.remove(spec)
      } else {
        badLooking.insert(spec)
      }
    }
    dirty.formUnion(specs)
    // The question concerns all that look so, also those of which nothing is news.
    if wasInDoubt != (looks.held.doubt != nil) { dirty.formUnion(looks.held.certain.keys) }
  }

  /// What is held back, and whether that is in doubt, as far as this run has looked.
  public var heldBack: HeldBack { looks.held }

  mutating func lookWork(at now: Date) -> [Work] {
    guard looks.isAsked, mayOrder else { return [] }
    let specs = looks.begin(at: now).compactMap { state.certificates[$0]?.spec }
    return specs.isEmpty ? [] : [.look(specs)]
  }

  /// Whether an order may be made for it now; what was not looked at in this run is looked at first.
  mutating func isFree(_ certificate: CertificateState, at now: Date) -> Bool {
    let id = certificate.spec.id
    if certificate.attempt != nil || looks.held.insisted.contains(id) { return true }
    // What this account validated has its try a day, and waits for no look.
    if let next = HeldBack.nextTry(certificate), next <= now { return true }
    if looks.isAsked, !looks.isSeen(id) {
      looks.want(id)
      return false
    }
    switch looks.held.reason(of: certificate, at: now) {
    case nil: return true
    case .inDoubt: return looks.triesInDoubt > 0
    default: return false
    }
  }

  /// Whether what was seen of it is young enough for an order: in a run of days its turn may come long after the first look.
  func isSeenLately(_ certificate: CertificateState, at now: Date) -> Bool {
    let id = certificate.spec.id
    if !looks.isAsked || looks.held.insisted.contains(id) || looks.isFresh(id, at: now) { return true }
    return HeldBack.nextTry(certificate).map { $0 <= now } ?? false
  }

  /// Its turn came, but it is looked at again first.
  mutating func giveBack(_ lease: Lease, at now: Date) {
    _ = ledger.release(lease.attempt, order: .notPlaced, at: now)
    scheduler.finished(lease.spec)
    looks.want(lease.spec)
  }

  /// One of those in doubt is tried: after a few the rest waits for an answer.
  mutating func countDoubted(_ spec: SpecID, at now: Date) {
    guard let certificate = state.certificates[spec], case .inDoubt? = looks.held.reason(of: certificate, at: now)
    else { return }
    looks.triesInDoubt -= 1
    guard looks.triesInDoubt == 0 else { return }
    for other in looks.held.certain.keys where other != spec {
      guard let certificate = state.certificates[other], case .inDoubt? = looks.held.reason(of: certificate, at: now)
      else { continue }
      scheduler.remove(other)
    }
  }

  /// The CA validated what looked certain to fail: what this machine sees of DNS is wrong, and the rest goes on.
  mutating func answerDoubt(by spec: SpecID) {
    guard looks.held.doubt != nil, looks.held.certain[spec] != nil, state.certificates[spec] != nil else { return }
    looks.held.refute()
    dirty.formUnion(looks.held.certain.keys)
  }
}
