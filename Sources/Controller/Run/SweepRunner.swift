import Fleet
import Foundation
import Journal
import Logging

/// Runs a sweep: one loop owns the dispatcher, children do the work, every event is recorded before it is believed.
struct SweepRunner {
  let inventory: Inventory
  let journal: JournalStore
  let pairs: [PairID: PairSession]
  let issuer: Issuer
  let deployer: Deployer
  /// Looks at DNS before anything is ordered.
  let survey: PreflightSurvey
  /// Sees what is served.
  let wire: WireLook
  let targets: NodeTargets
  let requests: RequestDesk
  let clock: any TimeSource
  let sink: any ProgressSink
  let logger: Logger
  /// Told once how far a renewal is, and until when it waits, when nothing else is left to do for a good while.
  let waits: @Sendable (Outcome, Dispatcher.Waiting) async throws(JournalError) -> Void

  /// How a run is bounded.
  struct Bounds: Sendable {
    var purpose: SweepPurpose
    var until: Date?
  }

  /// What a run came to.
  struct Outcome: Sendable {
    var end: SweepEnd
    var state: FleetState
    /// What a report needs of the records that the loop learnt, in journal order.
    var records: [Record]
    /// What was heard of the clocks.
    var clock = ClockReview()
  }

  /// What reaches the loop.
  enum Message: Sendable {
    case records([Record])
    case surveyed(PairID, PairSurvey)
    case looked([SpecID], [Finding])
    case seen(PairID)
    case attemptEnded(SpecID)
    case refused(Dispatcher.IssueOrder)
    case rolloutEnded(RolloutOrder, Failure?)
    case tick
    /// The first signal asks to finish what is under way, the second cancels it.
    case interrupt(Int)
    case journalFailed(JournalError)
  }

  /// Seconds between looks at the clock and at what other processes recorded.
  private static let tickSeconds = 0.1

  /// Runs until nothing is left to do, a bound is reached, or a signal asks to stop.
  ///
  /// - Throws: `JournalError`: what cannot be recorded must not be done.
  func run(
    _ start: Dispatcher, sweep: SweepID, bounds: Bounds, from sequence: Int64, messages: AsyncStream<Message>,
    post: AsyncStream<Message>.Continuation
  ) async throws(JournalError) -> Outcome {
    var loop = Loop(dispatcher: start, counter: ProgressCounter(plan: plan(start), at: clock.now), sweep: sweep)
    loop.lastSeen = sequence
    let ticks = TickGate()
    // A group that keeps results keeps each child that has ended, with its stack: 47 KB a certificate.
    await withDiscardingTaskGroup { group in
      group.addTask { [clock] in
        while !Task.isCancelled {
          await clock.sleep(until: clock.now + Self.tickSeconds)
          // The newest tick alone: where a turn takes longer than this, they do not queue up before what people ask.
          if await ticks.take() { post.yield(.tick) }
        }
      }
      post.yield(.tick)
      for pair in pairs.values where pair.hasTunnels { group.addTask { await pair.serve() } }
      for await message in messages {
        if case .tick = message { await ticks.done() }
        await handle(message, &loop, bounds)
        if case .interrupt(let count) = message, count > 1 { group.cancelAll() }
        if loop.isOverdue(at: clock.now) { group.cancelAll() }
        for work in loop.dispatcher.next(at: clock.now) { begin(work, &loop, &group, post) }
        if bounds.purpose == .renew, !loop.hasToldOfWait { await tellOfWait(&loop) }
        if loop.fault != nil || loop.dispatcher.isIdle { break }
      }
      for pair in pairs.values { await pair.close() }
      group.cancelAll()
    }
    post.finish()
    for await case .records(let rest) in messages { await learn(rest, &loop) }
    await sink.show(loop.counter.snapshot(at: clock.now, waiting: nil))
    if let fault = loop.fault { throw fault }
    if loop.end == .completed, loop.dispatcher.hasReachedMaximum { loop.end = .stopped }
    return outcome(loop)
  }

  /// All that one run's loop remembers.
  private struct Loop {
    var dispatcher: Dispatcher
    var counter: ProgressCounter
    let sweep: SweepID
    var end = SweepEnd.completed
    var records: [Record] = []
    var lastSeen: Int64 = 0
    var changeToken: Int64?
    var fault: JournalError?
    var lastShown = Date.distantPast
    var hasToldOfWait = false
    /// Certificates whose places on the nodes are being looked at, or were, before anything was ordered for them.
    var foreseen: Set<SpecID> = []
    var finish: PlanForecast.Finish?
    var foretellAt = Date.distantPast
    /// When the first signal came.
    var interruptedAt: Date?

    /// Seconds that what is under way may take after the first signal, so that the end comes within 30 s.
    static let patience = 22.0

    /// Whether what is still under way is ended, as by a second signal; the next run goes on with it.
    func isOverdue(at now: Date) -> Bool { interruptedAt.map { now.timeIntervalSince($0) >= Self.patience } ?? false }
  }

  private func outcome(_ loop: Loop) -> Outcome {
    Outcome(
      end: loop.end, state: loop.dispatcher.state, records: loop.records, clock: loop.dispatcher.clock)
  }

  private func plan(_ dispatcher: Dispatcher) -> Plan {
    Planner.plan(dispatcher.state, inventory: inventory, at: clock.now)
  }

  private func tellOfWait(_ loop: inout Loop) async {
    guard let waiting = loop.dispatcher.longWait(at: clock.now) else { return }
    loop.hasToldOfWait = true
    do throws(JournalError) {
      try await waits(outcome(loop), waiting)
    } catch {
      loop.fault = loop.fault ?? error
    }
  }

  // MARK: News

  private func handle(_ message: Message, _ loop: inout Loop, _ bounds: Bounds) async {
    switch message {
    case .records(let records): await learn(records, &loop)
    case .surveyed(let pair, let survey):
      loop.counter.surveyEnded()
      loop.dispatcher.surveyed(pair, survey)
    case .looked(let specs, let found): loop.dispatcher.looked(at: specs, found, at: clock.now)
    case .seen(let pair): loop.dispatcher.seen(pair)
    case .attemptEnded(let spec): loop.dispatcher.attemptEnded(spec, at: clock.now)
    case .refused(let order): loop.dispatcher.refused(order, at: clock.now)
    case .rolloutEnded(let order, let failure): loop.dispatcher.rolloutEnded(order, failure: failure, at: clock.now)
    case .tick: await tick(&loop, bounds)
    case .interrupt:
      loop.end = .interrupted
      loop.interruptedAt = loop.interruptedAt ?? clock.now
      loop.dispatcher.stop()
    case .journalFailed(let fault): loop.fault = loop.fault ?? fault
    }
  }

  private func learn(_ records: [Record], _ loop: inout Loop) async {
    do throws(JournalError) {
      let rows = believed(records, &loop)
      for record in records {
        loop.counter.count(record)
        if case .hostKeysPinned(let node, let keys) = record.event { await targets.pin(node, keys) }
        // What may be overwritten now is asked for anew.
        if case .retryAsked(let spec) = record.event { loop.foreseen.remove(spec) }
      }
      loop.records += records.compactMap(\.forReport)
      if !rows.isEmpty { _ = try await journal.append([], sweep: loop.sweep, at: clock.now, buckets: rows) }
      await sink.recorded(records)
      let events = loop.dispatcher.takeEvents()
      guard !events.isEmpty else { return }
      await learn(try await journal.append(events, sweep: loop.sweep, at: clock.now), &loop)
    } catch {
      loop.fault = loop.fault ?? error
    }
  }

  private func believed(_ records: [Record], _ loop: inout Loop) -> [BucketRow] {
    let lesson = loop.dispatcher.learn(records)
    // The journal folded the same records and refuses what the machine forbids, so this is a fault of ours; the run goes on without it.
    for fault in lesson.disbelieved { logger.error("an event was not believed", metadata: ["error": "\(fault)"]) }
    return lesson.rows
  }

  /// Looks at the clock, and at what operators recorded beside this run.
  private func tick(_ loop: inout Loop, _ bounds: Bounds) async {
    loop.dispatcher.hear(authority: await requests.takeSkews())
    loop.dispatcher.authorityIsQuiet(until: await requests.pausedUntil(at: clock.now), at: clock.now)
    if let until = bounds.until, clock.now >= until, loop.end == .completed {
      loop.end = .stopped
      loop.dispatcher.stop()
    }
    do {
      let token = try journal.changeToken()
      if token != loop.changeToken {
        loop.changeToken = token
        let others = try journal.recordsAfter(loop.lastSeen)
        loop.lastSeen = others.last?.sequence ?? loop.lastSeen
        let news = others.filter { $0.sweep != loop.sweep }
        if !news.isEmpty { await learn(news, &loop) }
      }
    } catch {
      loop.fault = loop.fault ?? error
    }
    if clock.now.timeIntervalSince(loop.lastShown) >= 0.2 {
      loop.lastShown = clock.now
      foretell(&loop)
      await sink.show(
        loop.counter.snapshot(at: clock.now, waiting: loop.dispatcher.waiting, finish: loop.finish))
    }
  }

  /// When all would be issued, by the forecast that `plan` makes; a fiftieth of the time is well spent on it.
  private func foretell(_ loop: inout Loop) {
    guard clock.now >= loop.foretellAt else { return }
    let began = clock.now
    let total = loop.dispatcher.forecast(at: began).total
    loop.finish = total.map { PlanForecast.Finish($0, nil) }
    loop.foretellAt = clock.now.addingTimeInterval(max(5, 50 * clock.now.timeIntervalSince(began)))
  }

  // MARK: Work

  private func begin(
    _ work: Dispatcher.Work, _ loop: inout Loop, _ group: inout DiscardingTaskGroup,
    _ post: AsyncStream<Message>.Continuation
  ) {
    switch work {
    case .look(let specs):
      group.addTask { [survey] in
        do throws(JournalError) {
          let found = try await survey.look(at: specs)
          post.yield(.looked(specs.map(\.id), found))
        } catch {
          post.yield(.journalFailed(error))
        }
      }
    case .survey(let id):
      guard let pair = pairs[id] else { return giveUp(work, &loop) }
      loop.counter.surveyStarted()
      group.addTask {
        do throws(JournalError) {
          let survey = try await pair.survey()
          post.yield(.surveyed(id, survey))
        } catch {
          post.yield(.journalFailed(error))
        }
      }
    case .see(let id, let specs):
      guard let pair = pairs[id] else { return giveUp(work, &loop) }
      let certificates = specs.compactMap { loop.dispatcher.state.certificates[$0] }
      group.addTask { [deployer, wire] in
        let look = PairLook(pair: pair, recorder: deployer.recorder, wire: wire, clock: clock)
        do throws(JournalError) {
          try await look.look(at: certificates)
        } catch {
          post.yield(.journalFailed(error))
        }
        post.yield(.seen(id))
      }
    case .issue(let order):
      guard let pair = pairs[order.spec.pair] else { return giveUp(work, &loop) }
      let certificate = loop.dispatcher.state.certificates[order.spec.id]
      var anew: [CertificateState] = []
      if !order.isResumed, !loop.foreseen.contains(order.spec.id) {
        // All that may be ordered for this pair, in one step.
        anew = loop.dispatcher.orderable(on: order.spec.pair).filter { !loop.foreseen.contains($0.spec.id) }
        loop.foreseen.formUnion(anew.map(\.spec.id))
      }
      group.addTask { [issuer, anew] in
        do throws(JournalError) {
          if !order.isResumed, let certificate, try await pair.refuses(certificate, anew: anew) {
            post.yield(.refused(order))
            return
          }
          try await issuer.issue(order, on: pair)
        } catch {
          post.yield(.journalFailed(error))
        }
        post.yield(.attemptEnded(order.spec.id))
      }
    case .rollOut(let order):
      guard let pair = pairs[order.pair] else { return giveUp(work, &loop) }
      let certificates = order.items.compactMap { loop.dispatcher.state.certificates[$0.spec] }
      let neighbour = loop.dispatcher.neighbour(of: certificates, on: order.pair)
      group.addTask { [deployer] in
        do throws(JournalError) {
          let failure = try await deployer.rollOut(order, certificates, neighbour: neighbour, on: pair)
          post.yield(.rolloutEnded(order, failure))
        } catch {
          post.yield(.journalFailed(error))
        }
      }
    }
  }

  /// Work for a pair that this run has no session with: a fault of ours. It is told as ended, else the run would wait for it for ever.
  private func giveUp(_ work: Dispatcher.Work, _ loop: inout Loop) {
    logger.error("work for a pair without a session", metadata: ["work": "\(work)"])
    loop.dispatcher.giveUp(work, at: clock.now)
  }
}
