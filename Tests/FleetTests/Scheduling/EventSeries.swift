/// The moments at which one limit's events happened, in order. In every interval of length w at most `burst + w/refill` may lie.
struct EventSeries: Sendable {
  let burst: Int
  /// Microseconds.
  let refill: Int64
  private(set) var moments: [Int64] = []
  /// The largest `moment − index · refill` so far: the start of the interval that is nearest to its limit.
  private var tightest = Int64.min

  init(burst: Int, refill: Int64) {
    self.burst = burst
    self.refill = refill
  }

  mutating func append(_ moment: Int64) {
    tightest = max(tightest, moment - Int64(moments.count) * refill)
    moments.append(moment)
  }

  /// Whether so many more events at `now` would break the rule in some interval. A quick answer; `earliest` and `hasOverrun` count.
  func isOver(with more: Int, at now: Int64) -> Bool {
    if more > burst { return true }
    guard !moments.isEmpty else { return false }
    // The interval from event i to now holds count − i + more events, so (count − i + more − burst) refills must fit in.
    return tightest + Int64(moments.count + more - burst) * refill > now
  }

  /// When so many more events would break the rule in no interval: every interval is looked at.
  func earliest(with more: Int) -> Int64 {
    moments.withUnsafeBufferPointer { moments in
      var earliest = Int64.min
      for index in moments.indices {
        let excess = Int64(moments.count - index + more - burst)
        if excess > 0 { earliest = max(earliest, moments[index] + excess * refill) }
      }
      return earliest
    }
  }

  /// Whether any interval holds more than it may: brute force over all pairs of events, up to 5,000; of longer series all pairs that
  /// lie up to 3,000 events apart, and beyond that every distance that is a hundredth longer than the one before.
  var hasOverrun: Bool {
    moments.withUnsafeBufferPointer { moments in
      var count = burst + 1
      while count <= moments.count {
        let shortest = Int64(count - burst) * refill
        var first = 0
        while first + count <= moments.count {
          if moments[first + count - 1] - moments[first] < shortest { return true }
          first += 1
        }
        count = moments.count <= 5_000 || count < burst + 3_000 ? count + 1 : count + count / 100
      }
      return false
    }
  }
}
