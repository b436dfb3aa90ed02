import Foundation

/// What the records that come in mean to a run.
extension Dispatcher {
  /// What became of records that were learnt.
  public struct Lesson: Sendable {
    /// The rows of the ledger that moved because of them, to be stored.
    public var rows: [BucketRow] = []
    /// Why records were not believed: the machine forbids them.
    public var disbelieved: [IllegalTransition] = []
  }

  /// Folds records into the state; what they touch is decided anew. One that does not fold takes nothing from those beside it.
  public mutating func learn(_ records: [Record]) -> Lesson {
    var rows: [BucketKey: BucketRow] = [:]
    var lesson = Lesson()
    for record in records {
      // Before it is folded: by what was. What the CA did counts, believed or not.
      for row in settle(record) { rows[row.key] = row }
      watchAuthority(record)
      do throws(IllegalTransition) {
        try state.apply(record)
        noteChanges(of: record.event)
      } catch {
        lesson.disbelieved.append(error)
      }
    }
    lesson.rows = rows.values.sorted { $0.key < $1.key }
    return lesson
  }

  private mutating func noteChanges(of event: Event) {
    for subject in event.subjects {
      switch subject {
      case .certificate(let spec):
        dirty.insert(spec)
        if let pair = state.certificates[spec]?.spec.pair { members[pair, default: []].insert(spec) }
      case .pair(let pair): dirtyAll(of: pair)
      case .node, .account: break
      }
    }
    heed(event)
  }

  /// What an event means to this run beyond the state that it leaves.
  private mutating func heed(_ event: Event) {
    switch event {
    case .retryAsked(let spec):
      forgetTroubles(of: spec)
      looks.held.insist(spec)
    case .specAdded(let spec), .specChanged(let spec):
      forgetTroubles(of: spec.id)
      looks.forget(spec.id)
      looks.held.count(state.certificates.count)
    case .attemptStarted(let of, _, _, _): looks.held.tried(of.spec)
    case .issued(let of, _):
      issuedNow.insert(of.spec)
      answerDoubt(by: of.spec)
      quiet.since = nil
      if let certificate = state.certificates[of.spec] { issuedSets.learn(certificate) }
    case .ejected(let rollout, let spec, let failure): ejections[rollout, default: [:]][spec] = failure
    case .hostKeysPinned(let node, _):
      // An operator mended the way to a node: its pair is asked again, whatever was given up there gets another chance.
      for pair in pairs.values where pair.nodes.contains(where: { $0.id == node }) {
        if standings[pair.id]?.survey != nil { standings[pair.id] = .unknown }
        for spec in members[pair.id] ?? [] { faults.forget(spec) }
        dirtyAll(of: pair.id)
      }
    case .renewalAsked: dirty.formUnion(state.certificates.keys)
    default: break
    }
  }
}
