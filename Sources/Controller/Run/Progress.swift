public import Fleet
public import Foundation

/// Where a run stands at this moment, for a bar, a line or an object of `--json`.
public struct ProgressSnapshot: Sendable, Equatable {
  /// When it was taken.
  public var at: Date
  /// When the run began.
  public var startedAt: Date
  /// Pairs asked, of those to ask.
  public var pairs: Count
  /// Certificates issued, of those to issue.
  public var issuing: Count
  /// Certificates served, of those to roll out.
  public var rollingOut: Count
  /// Failures of this run by cause, most frequent first.
  public var failures: [(kind: Failure.Kind, count: Int)]
  /// Why orders wait: the limit that binds and until when.
  public var waiting: Dispatcher.Waiting?
  /// Certificates a second over the last minute.
  public var rate: Double

  /// So many of so many.
  public struct Count: Sendable, Equatable {
    /// What is done.
    public var done: Int
    /// What there is to do.
    public var total: Int

    /// Collects the parts.
    public init(done: Int, total: Int) {
      self.done = done
      self.total = total
    }
  }

  /// When the last certificate would be issued, and what it waits for: the answer of `plan`. Nil where none waits.
  public var finish: PlanForecast.Finish?

  /// The same in words: a span where it is near, else a date with what binds it.
  public var left: String? {
    guard let finish else { return nil }
    let seconds = finish.at.timeIntervalSince(at)
    return seconds < 3_600 ? "about \(Wording.span(max(1, seconds))) left" : "issued by \(finish.text)"
  }

  /// Compares all but the order of equally frequent failures.
  public static func == (left: Self, right: Self) -> Bool {
    left.pairs == right.pairs && left.issuing == right.issuing && left.rollingOut == right.rollingOut
      && left.waiting == right.waiting && left.finish?.at == right.finish?.at
      && left.failures.map(\.kind) == right.failures.map(\.kind)
      && left.failures.map(\.count) == right.failures.map(\.count)
  }
}

/// Who is told how a run goes.
public protocol ProgressSink: Sendable {
  /// A new picture, several times a second.
  func show(_ snapshot: ProgressSnapshot) async
  /// Records as they are made, for `--json` and logs.
  func recorded(_ records: [Record]) async
  /// Something that a person should read now, before the result.
  func warn(_ text: String) async
}

/// Counts what a run's records say.
struct ProgressCounter {
  private let startedAt: Date
  private var surveyed = 0
  private var toSurvey = 0
  private var issued: Set<SpecID> = []
  private var failed: [SpecID: Failure.Kind] = [:]
  private var toIssue: Set<SpecID> = []
  private var toServe: Set<SpecID> = []
  private var served: Set<SpecID> = []
  private var recent: [Date] = []

  init(plan: Plan, at now: Date) {
    startedAt = now
    for change in plan.changes {
      switch change.action {
      case .issue, .renew:
        toIssue.insert(change.spec)
        toServe.insert(change.spec)
      case .redeploy: toServe.insert(change.spec)
      case .keep, .blocked: break
      }
    }
  }

  mutating func surveyStarted() { toSurvey += 1 }
  mutating func surveyEnded() { surveyed += 1 }

  mutating func count(_ record: Record) {
    switch record.event {
    case .attemptStarted(let of, _, _, _):
      toIssue.insert(of.spec)
      toServe.insert(of.spec)
    case .issued(let of, _):
      issued.insert(of.spec)
      failed[of.spec] = nil
      recent.append(record.at)
    case .attemptFailed(let of, let failure): failed[of.spec] = failure.kind
    case .authorityFailing(_, let specs, _): for spec in specs { failed[spec] = .authorityFailing }
    case .specVetoed(let spec, let failure), .ejected(_, let spec, let failure): failed[spec] = failure.kind
    case .served(let items):
      for item in items {
        served.insert(item.spec)
        toServe.insert(item.spec)
        failed[item.spec] = nil
      }
    default: break
    }
  }

  mutating func snapshot(
    at now: Date, waiting: Dispatcher.Waiting?, finish: PlanForecast.Finish? = nil
  ) -> ProgressSnapshot {
    recent.removeAll { now.timeIntervalSince($0) > 60 }
    let window = min(60, max(1, now.timeIntervalSince(startedAt)))
    let kinds = failed.values.reduce(into: [Failure.Kind: Int]()) { $0[$1, default: 0] += 1 }
    return ProgressSnapshot(
      at: now, startedAt: startedAt, pairs: .init(done: surveyed, total: toSurvey),
      issuing: .init(done: issued.count, total: toIssue.count),
      rollingOut: .init(done: served.count, total: toServe.count),
      failures: kinds.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map { ($0.key, $0.value) },
      waiting: waiting, rate: Double(recent.count) / window, finish: finish)
  }
}
