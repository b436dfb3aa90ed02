/// The way of one batch onto one pair: certificates that share one reload per node.
///
/// What it keeps, whatever happens: nothing is activated that was not staged there; the second node keeps the old set until the first was
/// seen to serve the new one; rolling back one node never depends on the other; what was put back is verified; what was staged is cleaned up.
public struct Rollout: Sendable, Equatable {
  /// Identifies it in the journal and in directory names on the nodes.
  public let id: RolloutID
  /// Whether a second node takes part; false for pairs of one node and for a pair whose peer is dead.
  public let hasSecond: Bool
  /// Where it stands.
  public private(set) var state: State
  /// The failure that turned it round, if one did.
  public private(set) var cause: Failure?
  /// How far each node came, in turn order.
  private var progress: [Progress]

  /// Starts with the check. `first` holds fewer active VIPs; which node that is, the caller knows.
  public init(id: RolloutID, hasSecond: Bool) {
    self.id = id
    self.hasSecond = hasSecond
    state = .doing(.check)
    progress = [.untouched, .untouched]
  }

  /// Whose turn a step is.
  public enum Turn: String, Sendable, Codable, CaseIterable {
    /// The node with fewer active VIPs.
    case first
    /// Its peer.
    case second

    fileprivate var index: Int { self == .first ? 0 : 1 }
  }

  /// One thing to do; each may be repeated safely.
  public enum Step: Sendable, Equatable, Codable {
    /// Who is active now, and keys sealed for the node that does not hold them.
    case check
    /// Files into a directory of this rollout, on the same file system as their targets; each PEM is checked alone, apart from everything that
    /// is in use, and bad ones are ejected by the caller.
    case stage(Turn)
    /// The new set goes into memory and onto disk; the previous set is kept.
    case activate(Turn)
    /// The best proof that this node allows.
    case verify(Turn)
    /// A handshake with the VIP.
    case verifyVIP
    /// The previous set goes back.
    case rollBack(Turn)
    /// The previous set is served again.
    case verifyOld(Turn)
    /// Staged files are removed; the previous set stays.
    case cleanUp(Turn)

    fileprivate var isCleanUp: Bool { if case .cleanUp = self { true } else { false } }
  }

  /// What a step came to.
  public enum Outcome: Sendable, Equatable {
    case succeeded
    /// The node refused or did something else; it answers.
    case failed(Failure)
    /// The node no longer answers.
    case nodeLost(Failure)
  }

  /// Where a rollout stands.
  public enum State: Sendable, Equatable {
    /// The step to do now.
    case doing(Step)
    /// Every node serves the new set. Final.
    case done
    /// Every node that was touched serves the old set, verified. Final.
    case refused
    /// The other node serves the new set; this one did not take part to the end and owes it. Final.
    case degraded(Turn)
    /// This node could not be brought back or proved to be; a person must look. Final.
    case stranded(Turn)
  }

  /// Whether this node ends with the new set.
  public func serves(_ turn: Turn) -> Bool { progress[turn.index] == .verified }

  private enum Progress: Sendable, Equatable {
    case untouched, staged, activated, verified, rolledBack, restored, cleaned, lost
  }

  /// Moves on, or throws and stays where it is. The outcome must answer the step that `state` names.
  public mutating func apply(_ step: Step, _ outcome: Outcome) throws(IllegalTransition) {
    guard state == .doing(step) else { throw IllegalTransition("\(step) while \(state) in rollout \(id)") }
    switch outcome {
    case .succeeded: advance(after: step)
    case .failed(let failure): turnRound(at: step, failure, nodeIsLost: false)
    case .nodeLost(let failure): turnRound(at: step, failure, nodeIsLost: true)
    }
  }

  private mutating func advance(after step: Step) {
    switch step {
    case .check: state = .doing(.stage(.first))
    case .stage(let turn):
      progress[turn.index] = .staged
      state = turn == .first && hasSecond ? .doing(.stage(.second)) : .doing(.activate(.first))
    case .activate(let turn):
      progress[turn.index] = .activated
      state = .doing(.verify(turn))
    case .verify(let turn):
      progress[turn.index] = .verified
      state = turn == .first && takesPart(.second) ? .doing(.activate(.second)) : .doing(.verifyVIP)
    case .verifyVIP: tidy()
    case .rollBack(let turn):
      progress[turn.index] = .rolledBack
      state = .doing(.verifyOld(turn))
    case .verifyOld(let turn):
      progress[turn.index] = .restored
      undo()
    case .cleanUp(let turn):
      if progress[turn.index] != .verified { progress[turn.index] = .cleaned } else { cleaned.insert(turn) }
      tidy()
    }
  }

  private var cleaned: Set<Turn> = []

  private mutating func turnRound(at step: Step, _ failure: Failure, nodeIsLost: Bool) {
    if cause == nil, !step.isCleanUp { cause = failure }
    switch step {
    case .check:
      state = .refused
    case .stage(let turn), .activate(let turn), .verify(let turn):
      if nodeIsLost {
        lose(turn, wasActivating: step != .stage(turn))
      } else {
        // What was staged or half activated on this node is put back by itself.
        if step == .stage(turn) { progress[turn.index] = .staged } else { progress[turn.index] = .activated }
        undo()
      }
    case .verifyVIP:
      // The nodes were each proved; a VIP that serves something else means that the wrong node answers or none: put all back.
      undo()
    case .rollBack(let turn), .verifyOld(let turn):
      strandedTurn = strandedTurn ?? turn
      progress[turn.index] = .lost
      undo()
    case .cleanUp(let turn):
      // Left-overs are harmless dot-files, swept by the next rollout; the result stands.
      cleaned.insert(turn)
      if progress[turn.index] != .verified { progress[turn.index] = .cleaned }
      tidy()
    }
  }

  private var strandedTurn: Turn?
  private var owingTurn: Turn?
  /// The second node was lost while the new set was on its way into its memory: should all be put back, it is the one that cannot be.
  private var owingMayServeNew = false

  /// The first node lost: the second still holds the old set and must not be touched before a node was seen to serve the new one, so all ends
  /// here. The second lost: the first serves the new set, proved, and the second owes it.
  private mutating func lose(_ turn: Turn, wasActivating: Bool) {
    progress[turn.index] = .lost
    switch turn {
    case .first:
      if wasActivating { strandedTurn = strandedTurn ?? .first }
      undo()
    case .second:
      owingTurn = .second
      owingMayServeNew = wasActivating
      switch progress[Turn.first.index] {
      case .staged: state = .doing(.activate(.first))
      case .verified: state = .doing(.verifyVIP)
      case .untouched, .activated, .rolledBack, .restored, .cleaned, .lost: undo()
      }
    }
  }

  private func takesPart(_ turn: Turn) -> Bool { hasSecond && progress[turn.index] != .lost }

  /// Puts back what is active, second node first, then cleans what was staged.
  private mutating func undo() {
    isUndoing = true
    for turn in [Turn.second, .first] where progress[turn.index] == .activated || progress[turn.index] == .verified {
      state = .doing(.rollBack(turn))
      return
    }
    tidy()
  }

  private var isUndoing = false

  private mutating func tidy() {
    for turn in Turn.allCases {
      switch progress[turn.index] {
      case .staged, .restored:
        state = .doing(.cleanUp(turn))
        return
      case .verified where !cleaned.contains(turn):
        state = .doing(.cleanUp(turn))
        return
      case .untouched, .activated, .verified, .rolledBack, .cleaned, .lost: continue
      }
    }
    if let strandedTurn {
      state = .stranded(strandedTurn)
    } else if isUndoing, owingMayServeNew {
      state = .stranded(.second)
    } else if isUndoing {
      state = .refused
    } else if let owingTurn {
      state = .degraded(owingTurn)
    } else {
      state = .done
    }
  }
}
