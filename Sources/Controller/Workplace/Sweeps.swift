public import Fleet
import Foundation
import Journal

extension Workplace {
  /// Runs a sweep to its end, and mails the report.
  ///
  /// - Throws: `.couldNotRun` when another run is going on (a `renew` hands its work to that one instead) or the journal cannot be written.
  public func sweep(_ request: SweepRequest, progress: any ProgressSink) async throws(CommandFault) -> SweepReport {
    let plan = try request.plan.map { (path) throws(CommandFault) in try SavedPlan.load(from: path) }
    let controllerKeys = try ControllerKeys(inventory)
    let controller = try await controllerID()
    if request.purpose == .renew, let fault = await refreshSuffixes() { await progress.warn(fault) }
    let (imported, inputs) = try await synchroniseForSweep()
    if let inputs { for line in [inputs.title] + inputs.lines { await progress.warn(Printable.terminal(line)) } }
    if !imported.warnings.isEmpty {
      await progress.warn(
        "\(Wording.count(imported.warnings.count, "warning")) about the lists: certfleet check shows more")
    }
    for line in imported.renamed + imported.returns { await progress.warn(line) }
    if !imported.proposedRemovals.isEmpty {
      let count = imported.proposedRemovals.count
      await progress.warn(
        "\(Wording.count(count, "certificate is", "certificates are")) no longer in the lists; "
          + "certfleet import --remove takes \(count == 1 ? "it" : "them") out")
    }
    let lock = try journaled(
      try SweepLock.tryAcquire(directory: inventory.state, purpose: request.purpose, at: clock.now))
    guard let lock else { return try await besideAnother(request, inputs, progress) }
    let report = try await journaled { () async throws(JournalError) in
      try await sweepAlone(request, plan, controllerKeys, controller, inputs, progress)
    }
    lock.release()
    return report
  }

  private func sweepAlone(
    _ request: SweepRequest, _ plan: SavedPlan?, _ controllerKeys: ControllerKeys?, _ controller: String,
    _ inputs: InputReview?,
    _ progress: any ProgressSink
  ) async throws(JournalError) -> SweepReport {
    let startedAt = clock.now
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededGenerator(seed: seed)
    let sweep: SweepID = random.id("s")
    let snapshot = try journal.snapshot()
    let drift = plan.map { PlanDrift($0, snapshot.state, inventory: inventory, at: startedAt) }
    if let plan, let drift { for line in drift.lines(since: plan.plan.at) { await progress.warn(line) } }
    let abandoned = try journal.openRollouts()
    let untold = try journal.untoldLostOrders()
    let unwanted = try journal.unwantedKeys()
    _ = try await journal.append(
      [.sweepStarted(sweep: sweep, seed: seed, purpose: request.purpose)]
        + abandoned.map { .rolloutEnded(rollout: $0.id, end: .abandoned, cause: nil) }, sweep: sweep, at: startedAt)
    for line in crowdedSets(of: snapshot.state) { await progress.warn(line) }
    var dispatcher = Dispatcher(
      state: snapshot.state, inventory: inventory, ledger: Ledger(tables: limits, rows: snapshot.buckets),
      seed: random.next(), surveysAll: request.purpose == .renew, seesServed: true, maximum: request.maximum ?? .max,
      only: plan.map { $0.specs.subtracting(drift?.revised ?? []) },
      untidy: unwanted.pairs(in: inventory).union(abandoned.map(\.pair)), findings: try journal.findings(),
      looksFirst: true, insisted: try journal.insisted(), at: startedAt)
    let settled = dispatcher.tidyLedger(at: startedAt)
    if !settled.isEmpty { _ = try await journal.append([], sweep: sweep, at: startedAt, buckets: settled) }
    let forecast = KeptForecast(dispatcher.forecast(at: startedAt))
    if let forecast { try await journal.keep(forecast, of: sweep) }
    let bounds = SweepRunner.Bounds(purpose: request.purpose, until: request.until.map { startedAt + $0 })
    @Sendable func report(_ outcome: SweepRunner.Outcome) throws(JournalError) -> SweepReport {
      let held = HeldBack(
        try journal.findings(), of: outcome.state.certificates.values, insisted: try journal.insisted(), at: clock.now)
      var report = SweepReport(
        sweep: sweep, purpose: request.purpose, end: outcome.end, startedAt: startedAt, endedAt: clock.now,
        before: snapshot.state, after: outcome.state, records: outcome.records, inventory: inventory,
        held: held, untold: untold)
      report.inputs = inputs
      report.rootNote = PreferredRoot.note(inventory.authorities[0], outcome.state)
      report.clock = outcome.clock.title == nil ? nil : outcome.clock
      return report
    }
    let stage = SweepStage(
      inventory: inventory, journal: journal, requests: requestDesk(), clock: clock, sink: progress, sweep: sweep,
      unwanted: unwanted, controllerKeys: controllerKeys, controller: controller
    ) { (outcome, waiting) async throws(JournalError) in
      var report = try report(outcome)
      report.goesOn = waiting.until
      report.waitsFor = waiting.boundBy.description
      if let text = await mail(report)?.text { await progress.warn("certfleet: " + text) }
    }
    let (outcome, closed) = try await stage.run(dispatcher, bounds: bounds, from: snapshot.sequence)
    _ = try await journal.append([.sweepEnded(sweep: sweep, end: outcome.end)], sweep: sweep, at: clock.now)
    var report = try report(outcome)
    report.authorityFailure = closed
    report.pace = PaceReview(try journal.forecast(of: sweep), records: outcome.records, end: outcome.end)
    report.mail = await mail(report)
    return report
  }

  /// Mails what is worth a mail: a nightly sweep always, a run that did something or needs somebody.
  ///
  /// - Returns: what became of it; nil where the inventory says nothing of mail.
  private func mail(_ report: SweepReport) async -> MailNote? {
    guard let settings = inventory.mail else { return nil }
    let desk = MailDesk(journal: journal, settings: settings, clock: clock)
    let total = report.total
    let isNews = total.issued + total.renewed > 0 || report.needsAttention || total.newlyFailed > 0
    return await desk.send(report.purpose == .renew || isNews ? desk.message(report) : nil, sweep: report.sweep)
  }

  // MARK: Beside a run

  /// Seconds between looks at how the run beside us gets on.
  private static let lookSeconds = 0.5

  private func besideAnother(
    _ request: SweepRequest, _ inputs: InputReview?, _ progress: any ProgressSink
  ) async throws(CommandFault) -> SweepReport {
    do throws(JournalError) {
      let holder = try SweepLock.holder(directory: inventory.state)
      guard request.purpose == .renew else {
        let who = holder.map { "process \($0.pid), since \(Wording.minute($0.since)) UTC" } ?? "just started"
        throw JournalError.inUse(
          "a run is going on (\(who)); certfleet status shows how far it is, and import, retry, pause and renew work beside it"
        )
      }
      return try await handOver(inputs, progress, holder)
    } catch {
      throw CommandFault(error)
    }
  }

  /// Hands the due renewals to the run that is going on, waits until each is done one way or the other, and reports as if it had done them.
  private func handOver(
    _ inputs: InputReview?, _ progress: any ProgressSink, _ holder: SweepLock.Holder?
  ) async throws(JournalError) -> SweepReport {
    let startedAt = clock.now
    var random = SeededGenerator(seed: UInt64.random(in: .min ... .max))
    let sweep: SweepID = random.id("s")
    let before = try journal.fleetState()
    let plan = Planner.plan(before, inventory: inventory, at: startedAt)
    let due = Set(plan.changes.filter { $0.action == .renew || $0.action == .redeploy }.map(\.spec))
    let asked = try await journal.append([.renewalAsked(sweep: sweep)], sweep: nil, at: startedAt)
    let runner = holder.map { "process \($0.pid)" } ?? "another process"
    await progress.warn("a run is going on (\(runner)): it takes over \(Wording.count(due.count, "due renewal"))")
    while try SweepLock.isHeld(directory: inventory.state) {
      let now = try journal.fleetState()
      if due.allSatisfy({ Self.isSettled($0, before, now) }) { break }
      await clock.sleep(until: clock.now + Self.lookSeconds)
    }
    let after = try journal.fleetState()
    let records = try journal.recordsAfter(asked.last?.sequence ?? 0)
    var report = SweepReport(
      sweep: sweep, purpose: .renew, end: .completed, startedAt: startedAt, endedAt: clock.now, before: before,
      after: after, records: records, inventory: inventory)
    report.inputs = inputs
    report.mail = await mail(report)
    return report
  }

  /// A renewal is done when the new certificate is served, or when a try failed since.
  private static func isSettled(_ spec: SpecID, _ before: FleetState, _ now: FleetState) -> Bool {
    guard let old = before.certificates[spec], let new = now.certificates[spec] else { return true }
    if let issued = new.issued, issued.attempt != old.issued?.attempt || old.served != issued.attempt {
      return new.served == issued.attempt || new.lastFailureAt != old.lastFailureAt
    }
    return new.lastFailureAt != old.lastFailureAt
  }
}
