import Foundation

/// A certificate in the scheduler. Parts refer to each other by index; a stamp tells an outdated heap entry from a living one.
struct Job: Sendable {
  let wish: Wish
  var place: Place
  var cell = 0
  var stamp = 0
  var readyAt: Microseconds = 0
  /// What held it before it became ready.
  var heldBy: Binding?

  enum Place: Sendable, Equatable {
    /// Added; looked at by the next `next`.
    case incoming
    /// In its cell's heap.
    case ready
    /// In the timer's heap: back-off, or a bucket of its own.
    case asleep(Binding)
    /// Behind the same names in flight, or a bucket whose tokens are all promised: looked at again when something ends.
    case aside
    case inFlight
    /// The slot is free.
    case gone
  }
}

/// What a job is for. An object, because a candidate holds a dozen texts and is looked at from its arrival to its start.
final class Wish: Sendable {
  let candidate: Candidate
  let rank: Rank

  init(_ candidate: Candidate, seed: UInt64) {
    self.candidate = candidate
    rank = Rank(candidate, seed: seed)
  }
}

/// The jobs of one lane on one pair: what stops when that pair has enough in flight.
struct Cell: Sendable {
  let lane: Int
  let pair: Int
  var jobs = Heap<Entry>()
  var stamp = 0
  var isParked = false
  var releasedAt: Microseconds = .min
  var parkedBy: Binding?
}

/// All jobs that need the same registered domains: they share a tail.
struct Lane: Sendable {
  let gate: Int
  let meters: [Int]
  var cellIndices: [Int] = []
  var cells = Heap<Entry>()
  var stamp = 0
  var isDirty = false
  var state = State.empty
  var wokeAt: Microseconds = .min
  var wokenBy: BucketKey?

  enum State: Sendable, Equatable {
    case empty, awake
    case asleep(meter: Int)
  }
}

/// A registered domain's bucket as seen by everyday work or by emergencies.
struct Meter: Sendable {
  let key: BucketKey
  let urgency: Urgency
  /// Ready jobs that need it.
  var ready: Int64 = 0
  var isDirty = false
  /// Lanes that wait for its next token.
  var sleeping = Heap<Entry>()
  var wakeAt: Microseconds?
}

/// The account's bucket of new orders, or no such bucket, with the lanes behind it that are awake.
struct Gate: Sendable {
  let key: BucketKey?
  let urgency: Urgency
  /// Domain buckets that are full while more waits than they hold: every moment is lost capacity.
  var full = Heap<TailEntry>()
  /// Domain buckets that refill; by the moment at which the last of their work could be done.
  var spent = Heap<TailEntry>()
  /// Lanes that no domain holds back.
  var free = Heap<Entry>()
  /// Lanes of which only what looks bad is left.
  var last = Heap<TailEntry>()
  var opening = Ledger.Opening.open
  var openedAt: Microseconds = .min
  /// Pairs with room whose parked cells wait until this gate opens.
  var waitingPairs: Set<Int> = []
}

/// What is in flight on a pair, and what had to step aside.
struct PairDesk: Sendable {
  let id: PairID
  var inFlight = 0
  var parked: [Int: Heap<Entry>] = [:]
  var parkedCount = 0
  var heldUntil: Microseconds = .min
  var wakeAt: Microseconds?
  var isDirty = false

  /// The first moment from `now` on at which orders may start; nil if none can be told. Windows and freezes have no say: they are for
  /// roll-outs, and what is issued before is ready when the pair opens.
  func opens(from now: Microseconds) -> Microseconds? {
    heldUntil < Date.distantFuture.microseconds ? max(now, heldUntil) : nil
  }
}

struct Entry: Sendable, Comparable {
  var rank: Rank
  var index: Int
  var stamp: Int

  static func < (left: Entry, right: Entry) -> Bool {
    left.rank == right.rank ? left.index < right.index : left.rank < right.rank
  }
}

/// The longest tail first.
struct TailEntry: Sendable, Comparable {
  /// Only of what looks bad: the one that failed least goes before any tail.
  var failures = 0
  var tail: Microseconds
  /// Among equal tails the bucket that has more left: it is nearer to being full.
  var tat: Microseconds
  var entry: Entry

  static func < (left: TailEntry, right: TailEntry) -> Bool {
    if left.failures != right.failures { return left.failures < right.failures }
    if left.tail != right.tail { return left.tail > right.tail }
    if left.tat != right.tat { return left.tat < right.tat }
    return left.entry < right.entry
  }
}

struct Alarm: Sendable, Comparable {
  var at: Microseconds
  var kind: Kind
  var index: Int
  var stamp: Int

  enum Kind: Int, Sendable {
    case wake, danger, meter, pair
  }

  static func < (left: Alarm, right: Alarm) -> Bool {
    (left.at, left.kind.rawValue, left.index) < (right.at, right.kind.rawValue, right.index)
  }
}

/// When a lane changes its queue: its bucket becomes full, or holds enough for all that waits. Nothing new can start by it.
struct Transition: Sendable, Comparable {
  var at: Microseconds
  var lane: Int
  var stamp: Int

  static func < (left: Transition, right: Transition) -> Bool { (left.at, left.lane) < (right.at, right.lane) }
}

/// Where a lane stands among all that could start now.
struct Precedence: Sendable, Comparable {
  /// 0 emergency, 1 a domain with a tail, 2 free, 3 looks bad.
  var tier: Int
  var tail: Microseconds
  var isSpent: Bool
  var rank: Rank
  var lane: Int

  static func < (left: Precedence, right: Precedence) -> Bool {
    if left.tier != right.tier { return left.tier < right.tier }
    if left.tail != right.tail { return left.tail > right.tail }
    if left.isSpent != right.isSpent { return right.isSpent }
    return left.rank < right.rank
  }
}
