import ACME
import Fleet
import Foundation
import Journal
import Net
import PKI

/// Gets one certificate: key, order, challenges, finalize, download; each step recorded before it is believed.
struct Issuer: Sendable {
  let authority: any CertificateAuthority
  let settings: Authority
  let recorder: Recorder
  let preflight: Preflight
  /// Orders in flight: past 8 a CA gets no faster, and more only makes its answers wait in line.
  let orders: Gate
  let polls: PollMemory
  let clock: any TimeSource
  /// The first signal.
  var stop = StopSign()
  /// The CA's time, by which what it issues is valid.
  var authorityTime: @Sendable (Date) async -> Date = { $0 }

  /// How long the CA may take over one validation or one finalize before the attempt is given up.
  private static let patience: Duration = .seconds(180)

  /// Runs an attempt to its end. Failures end in the journal, never in a throw.
  ///
  /// - Throws: `JournalError` only: what cannot be recorded must not be done.
  func issue(_ order: Dispatcher.IssueOrder, on pair: PairSession) async throws(JournalError) {
    let of = AttemptReference(spec: order.spec.id, attempt: order.attempt.id)
    do throws(Interruption) {
      if !order.isResumed {
        let started = Event.attemptStarted(
          of: of, names: order.attempt.names, authority: settings.id, revision: order.revision)
        try await note([started], order.buckets)
      }
      let prepared = try await prepare(order, of, on: pair)
      try await orders.run { () async throws(Interruption) in
        try await converse(prepared, order.spec, of, on: pair)
      }
    } catch {
      switch error {
      case .journal(let fault): throw fault
      // What we ended ourselves is no verdict: as after a crash, the next run goes on from where the journal has it.
      case .failed where Task.isCancelled: return
      case .failed(let failure): try await recorder.record(.attemptFailed(of: of, failure: failure))
      // Nothing is recorded: the order goes on from where the journal has it, later in this run or in the next.
      case .left: return
      }
    }
  }

  // MARK: Before the order

  private func prepare(
    _ order: Dispatcher.IssueOrder, _ of: AttemptReference, on pair: PairSession
  ) async throws(Interruption) -> Attempt {
    var attempt = order.attempt
    if case .ordering = attempt.state {
      throw .failed(
        Failure(
          .orderLost,
          "an order for \(attempt.names) was asked for, but the run ended before the CA's answer was recorded"))
    }
    guard attempt.state == .makingKey else { return attempt }
    try await goOn()
    if let refusal = await pair.allow(order.spec.names.names) { throw .failed(refusal) }
    if let veto = try await look(order.spec, on: pair) { throw .failed(veto) }
    let key: Attempt.Key
    let spent = try journaled { () throws(JournalError) in try recorder.journal.spentKeys(of: of.spec) }
    switch await pair.makeKey(for: order.spec, attempt: of.attempt, reuse: order.reuse, spent: spent) {
    case .success(let made): key = made
    case .failure(let failure): throw .failed(failure)
    }
    try await note(.keyMade(of: of, key: key))
    try advance(&attempt, .keyMade(key))
    return attempt
  }

  /// Looks at the names; what speaks against one is kept for the plan, and a veto is the end.
  private func look(_ spec: CertificateSpec, on pair: PairSession) async throws(Interruption) -> Failure? {
    let findings = await preflight.look(at: spec, on: pair)
    guard findings.contains(where: { $0.verdict.kind != nil }) else { return nil }
    do throws(JournalError) {
      try await recorder.journal.keep(findings, at: clock.now)
    } catch {
      throw .journal(error)
    }
    return Preflight.veto(findings)
  }

  // MARK: With the CA

  private func converse(
    _ prepared: Attempt, _ spec: CertificateSpec, _ of: AttemptReference, on pair: PairSession
  ) async throws(Interruption) {
    var attempt = prepared
    var known: Order?
    while true {
      switch attempt.state {
      case .makingKey, .ordering, .issued, .failed: return
      case .requestingOrder:
        try await goOn()
        try await note(.orderRequested(of: of))
        try advance(&attempt, .orderRequested)
        let order = try await newOrder(attempt, spec)
        try await note(.orderCreated(of: of, url: order.url))
        try advance(&attempt, .orderCreated(url: order.url))
        known = order
      case .validating(_, let url):
        let order = try await current(known, at: url)
        known = try await validated(order, spec, on: pair, isResumed: known == nil)
        try await note(.finalizeRequested(of: of))
        try advance(&attempt, .finalizeRequested)
      case .finalizing(let key, let url):
        var order = try await current(known, at: url, .afterFinalize)
        if case .finalize = order.next(after: .answered) { order = try await finalized(order, key) }
        order = try await polled(order, .issuance, spec) { $0.next(after: .finalized) != .poll }
        let certificate = try await download(order, key, attempt)
        try await note(.issued(of: of, certificate: certificate))
        return
      }
    }
  }

  /// After the first signal nothing new is asked of the CA.
  private func goOn() async throws(Interruption) {
    if await stop.isSet { throw .left(Failure(.interrupted, "stopped before the order")) }
  }

  /// Waits, in short naps, so that a signal is heard.
  private func nap(_ pause: Duration) async {
    let end = clock.now + pause.seconds
    while clock.now < end, !Task.isCancelled {
      await clock.sleep(until: min(end, clock.now + 1))
      if await stop.endsPolls(at: clock.now) { return }
    }
  }

  private func newOrder(_ attempt: Attempt, _ spec: CertificateSpec) async throws(Interruption) -> Order {
    do throws(ACMEError) {
      return try await authority.newOrder(
        attempt.names.names, profile: spec.profile ?? settings.profile, replaces: nil)
    } catch {
      var failure = Failure(error, at: clock.now)
      if case .transport(let fault) = error.kind, fault.mayHaveArrived {
        failure = Failure(.orderLost, "the CA's answer to the order for \(attempt.names) was lost: \(fault.detail)")
      }
      throw .failed(failure)
    }
  }

  private func current(
    _ known: Order?, at url: String, _ stage: Stage = .beforeFinalize
  ) async throws(Interruption) -> Order {
    if let known { return known }
    return try await asked(stage) { () async throws(ACMEError) in try await authority.order(at: url) }
  }

  /// Finalize is sent once; when its answer is lost the order itself tells how far it came.
  private func finalized(_ order: Order, _ key: Attempt.Key) async throws(Interruption) -> Order {
    let request: CertificateRequest
    do {
      request = try CertificateRequest(pem: key.request)
    } catch {
      throw .failed(
        Failure(.keyNotMade, "the node's certificate request cannot be read: \(error.text)", node: key.node))
    }
    var tries = 0
    while true {
      do throws(ACMEError) {
        return try await authority.finalize(order, csr: request.der)
      } catch {
        // The answer is lost, or the CA says that it is another step's turn: the order itself tells how far it came.
        let mayHaveArrived = if case .transport(let fault) = error.kind { fault.mayHaveArrived } else { false }
        if mayHaveArrived || error.problem?.type == .orderNotReady {
          let now = try await current(nil, at: order.url, .afterFinalize).following(order)
          guard now.status == .ready || now.status == .pending else { return now }
        }
        tries += 1
        // It never left, or a busy front did not hand it on: the order is as ready as before.
        guard tries < 4, !Task.isCancelled, error.mayPass || error.problem?.type == .orderNotReady else {
          throw Stage.afterFinalize.interruption(error, at: clock.now)
        }
        await clock.sleep(until: clock.now + Double(tries))
      }
    }
  }

  /// Answers every pending challenge, tells the CA, and waits until the order is ready.
  private func validated(
    _ order: Order, _ spec: CertificateSpec, on pair: PairSession, isResumed: Bool
  ) async throws(Interruption) -> Order {
    guard order.status == .pending else {
      if order.status == .invalid { throw await failed(order, spec, on: pair, wasAsked: isResumed) }
      return order
    }
    // Whether an earlier run had told the CA to look.
    var wasAsked = false
    var tokens: [String] = []
    var challenges: [Challenge] = []
    for url in order.authorizations {
      let authorization = try await asked { () async throws(ACMEError) in try await authority.authorization(at: url) }
      // RFC 8555 §7.1.4: a valid one was proved before and needs nothing; an invalid one never comes back.
      if authorization.status == .valid { continue }
      guard authorization.status == .pending else {
        throw await failed(order, spec, on: pair, wasAsked: isResumed)
      }
      guard let challenge = authorization.challenge(.http01), let token = challenge.token else {
        throw .failed(
          Failure(.authorityRefused, "the CA offers no http-01 challenge", name: authorization.identifier.value))
      }
      tokens.append(token)
      challenges.append(challenge)
      if isResumed, challenge.status != .pending { wasAsked = true }
    }
    let holder = await pair.activeNode(for: spec.vip, atMost: 5)
    // Asked again right before the CA looks: a pair that failed over meanwhile is answered by the node that is active now.
    if let failure = await pair.present(tokens: tokens, for: spec.vip) { throw .failed(failure) }
    do throws(Interruption) {
      for challenge in challenges where challenge.status == .pending {
        _ = try await asked { () async throws(ACMEError) in try await authority.respond(to: challenge) }
      }
      let ready = try await polled(order, .validation, spec) { $0.status != .pending }
      await pair.withdraw(tokens: tokens)
      if ready.status == .invalid {
        let cause = await reason(ready, spec)
        if let excuse = await pair.failedOver(since: holder, for: spec.vip, cause) { throw .failed(excuse) }
        throw await blamed(cause, spec, on: pair, wasAsked: wasAsked)
      }
      return ready
    } catch {
      await pair.withdraw(tokens: tokens)
      throw error
    }
  }

  /// Polls the order, not its authorizations: one request answers for all of them. Where validation takes long, they are looked at too: a CA may
  /// leave a challenge pending with an error and wait to be asked again (RFC 8555 section 8.2).
  private func polled(
    _ start: Order, _ phase: PollMemory.Phase, _ spec: CertificateSpec, until done: (Order) -> Bool
  ) async throws(Interruption) -> Order {
    var order = start
    var schedule = PollSchedule(first: await polls.firstPoll(of: phase), total: Self.patience)
    var review = ChallengeReview(from: clock.now)
    let stage: Stage = phase == .issuance ? .afterFinalize : .beforeFinalize
    let began = clock.now
    var hasWaited = false
    while !done(order), order.status != .invalid {
      hasWaited = true
      let asked = order.retryAfter?.delay(from: clock.now)
      let elapsed = Duration.seconds(clock.now.timeIntervalSince(began))
      switch schedule.next(retryAfter: asked, elapsed: elapsed) {
      case .wait(let pause): await nap(pause)
      case .later(let pause):
        throw stage.interruption(
          Failure(.authorityBusy, "the CA wants to be asked again later", retryAfter: clock.now + pause.seconds))
      case .giveUp:
        throw stage.interruption(
          Failure(.authorityBusy, "the CA did not come to a result in time", retryAfter: clock.now + 60))
      }
      let mustEnd = await stop.endsPolls(at: clock.now)
      if mustEnd || Task.isCancelled { throw .left(Failure(.interrupted, "stopped while the CA was at work")) }
      if phase == .validation, review.isDue(at: clock.now) { try await answerAgain(order, &review, spec) }
      order = try await self.asked(stage) { () async throws(ACMEError) in try await authority.order(at: start.url) }
        .following(order)
    }
    if hasWaited { await polls.observe(phase, took: .seconds(clock.now.timeIntervalSince(began))) }
    return order
  }

  /// Answers challenges again that failed and may be tried again; after enough of that, what the CA saw is the failure.
  private func answerAgain(
    _ order: Order, _ review: inout ChallengeReview, _ spec: CertificateSpec
  ) async throws(Interruption) {
    for url in order.authorizations {
      let authorization = try await asked { () async throws(ACMEError) in try await authority.authorization(at: url) }
      guard authorization.status == .pending, let challenge = authorization.challenge(.http01),
        let error = challenge.error
      else { continue }
      guard review.allowsAnother(of: challenge.url) else {
        let failure = await preflight.explained(
          Failure(challenge: error, name: authorization.identifier.value), spec: spec)
        throw .failed(failure)
      }
      _ = try await asked { () async throws(ACMEError) in try await authority.respond(to: challenge) }
    }
  }

  private func failed(
    _ order: Order, _ spec: CertificateSpec, on pair: PairSession, wasAsked: Bool
  ) async -> Interruption {
    let failure = await reason(order, spec)
    return await blamed(failure, spec, on: pair, wasAsked: wasAsked)
  }

  /// Where the CA looked while no run was there to answer through the tunnel, that is no verdict on the name.
  private func blamed(
    _ failure: Failure, _ spec: CertificateSpec, on pair: PairSession, wasAsked: Bool
  ) async -> Interruption {
    guard wasAsked, case .tunnel = await pair.challengeMethod(for: spec.vip) else { return .failed(failure) }
    return .failed(failure.ofOurAbsence)
  }

  /// Why an order became invalid: each failed challenge, with what DNS says about that name. The CA counts a failure for each.
  private func reason(_ order: Order, _ spec: CertificateSpec) async -> Failure {
    var failures: [Failure] = []
    for url in order.authorizations {
      do throws(Interruption) {
        let authorization = try await asked { () async throws(ACMEError) in try await authority.authorization(at: url) }
        guard let problem = authorization.error else { continue }
        let failure = Failure(challenge: problem, name: authorization.identifier.value)
        failures.append(await preflight.explained(failure, spec: spec))
      } catch {
        continue
      }
    }
    if let failure = Failure(together: failures) { return failure }
    if let problem = order.error { return Failure(problem, status: 403, at: clock.now) }
    return Failure(.challengeFailed, "the CA gave the order up without a reason", name: spec.names.first)
  }

  // MARK: The certificate

  /// What the CA made is never ordered again because an answer was unclear: the order keeps it, and the journal has the order.
  private func download(
    _ order: Order, _ key: Attempt.Key, _ attempt: Attempt
  ) async throws(Interruption) -> IssuedCertificate {
    if order.status == .invalid {
      let problem = order.error
      throw .failed(
        problem.map { Failure($0, status: 403, at: clock.now) }
          ?? Failure(.authorityRefused, "the CA gave the order up at finalize"))
    }
    let chain = try await asked(.afterFinalize) { () async throws(ACMEError) in
      try await authority.certificate(of: order, preferredRoot: settings.preferredRoot)
    }
    let now = await authorityTime(clock.now)
    let trust: TrustAnchors = settings.roots.map { .bundle(path: $0) } ?? .system
    switch CertificateCheck(attempt: attempt, key: key, trust: trust).certificate(from: chain, at: now) {
    case .success(let certificate): return certificate
    case .failure(let failure): throw .failed(failure)
    }
  }

  // MARK: Seams

  /// Converts the CA's errors once. What may safely be asked twice is: a connection that broke is no verdict on a name.
  private func asked<Answer: Sendable>(
    _ stage: Stage = .beforeFinalize, _ question: () async throws(ACMEError) -> Answer
  ) async throws(Interruption) -> Answer {
    var tries = 0
    while true {
      do throws(ACMEError) {
        return try await question()
      } catch {
        tries += 1
        guard error.mayPass, tries < 4, !Task.isCancelled else { throw stage.interruption(error, at: clock.now) }
        await clock.sleep(until: clock.now + Double(tries))
      }
    }
  }

  private func journaled<Value>(_ ask: () throws(JournalError) -> Value) throws(Interruption) -> Value {
    do throws(JournalError) { return try ask() } catch { throw .journal(error) }
  }

  private func note(_ event: Event) async throws(Interruption) { try await note([event], []) }

  private func note(_ events: [Event], _ buckets: [BucketRow]) async throws(Interruption) {
    do throws(JournalError) {
      try await recorder.record(events, buckets: buckets)
    } catch {
      throw .journal(error)
    }
  }

  private func advance(_ attempt: inout Attempt, _ occurrence: Attempt.Occurrence) throws(Interruption) {
    do throws(IllegalTransition) {
      try attempt.apply(occurrence)
    } catch {
      throw .failed(Failure(.internalError, error.description))
    }
  }
}
