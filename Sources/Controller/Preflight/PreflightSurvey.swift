import Fleet
import Journal

/// Looks at thousands of names at once, and keeps what it found as it goes.
struct PreflightSurvey: Sendable {
  let preflight: Preflight
  let journal: JournalStore
  let clock: any TimeSource

  /// Names under way at the same time: each asks DNS four times and a VIP once or twice, and waits most of the time.
  private static let inFlight = 256
  /// Findings to a transaction.
  private static let batch = 2_000

  /// Looks at everything; what was found before a fault or a cancellation is kept.
  func look(
    at subjects: [Preflight.Subject], _ checks: Set<Finding.Check> = Set(Finding.Check.allCases),
    progress: @Sendable (Int, Int) -> Void
  ) async throws(JournalError) -> [Finding] {
    var found: [Finding] = []
    var kept = 0
    var fault: JournalError?
    await withTaskGroup(of: [Finding].self) { group in
      var waiting = subjects[...]
      for subject in waiting.prefix(Self.inFlight) { group.addTask { await preflight.look(at: subject, checks) } }
      waiting = waiting.dropFirst(Self.inFlight)
      var done = 0
      while let findings = await group.next() {
        found += findings
        done += 1
        progress(done, subjects.count)
        if found.count - kept >= Self.batch {
          fault = await keep(found[kept...])
          kept = found.count
        }
        if fault == nil, !Task.isCancelled, let subject = waiting.popFirst() {
          group.addTask { await preflight.look(at: subject, checks) }
        }
      }
    }
    if let fault { throw fault }
    if let fault = await keep(found[kept...]) { throw fault }
    return found
  }

  /// What DNS says of certificates before anything is ordered for them: addresses and CAA, nothing that the pair must have been told of.
  func look(at specs: [CertificateSpec]) async throws(JournalError) -> [Finding] {
    let subjects = specs.flatMap { spec in
      spec.names.names.map { name in
        Preflight.Subject(
          name: name, vip: spec.vipReference, customer: spec.customer, method: .usualThumbprint, isAllowed: true)
      }
    }
    let survey = PreflightSurvey(preflight: preflight.anew(), journal: journal, clock: clock)
    return try await survey.look(at: subjects, [.addresses, .caa]) { _, _ in }
  }

  private func keep(_ findings: ArraySlice<Finding>) async -> JournalError? {
    do throws(JournalError) {
      try await journal.keep(Array(findings), at: clock.now)
      return nil
    } catch {
      return error
    }
  }
}
