import Glibc

/// A point of the monotonic clock.
struct Instant: Comparable {
  let nanoseconds: UInt64

  static var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  static let never = Instant(nanoseconds: .max)

  static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  static func + (instant: Instant, duration: Duration) -> Instant {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, seconds < 1_000_000_000 else { return seconds < 0 ? instant : .never }
    let nanoseconds = UInt64(seconds) * 1_000_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000)
    return Instant(nanoseconds: instant.nanoseconds &+ nanoseconds)
  }
}

/// A binary heap of deadlines. A token may wait in it more than once; only its earliest wish counts, and whoever is
/// woken early asks again. A deadline that moves with every byte thus costs nothing.
struct TimerQueue {
  private var heap: [(deadline: Instant, token: Reactor.Token)] = []
  private var armed: [Reactor.Token: Instant] = [:]

  /// When somebody has to be woken next; cancelled wishes may make it too early, never too late.
  var next: Instant? { heap.first?.deadline }

  mutating func arm(_ token: Reactor.Token, at deadline: Instant) {
    guard deadline < armed[token] ?? .never else { return }
    armed[token] = deadline
    heap.append((deadline, token))
    var child = heap.count - 1
    while child > 0, heap[child].deadline < heap[(child - 1) / 2].deadline {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func cancel(_ token: Reactor.Token) { armed[token] = nil }

  mutating func due(at now: Instant) -> [Reactor.Token] {
    var tokens: [Reactor.Token] = []
    while let first = heap.first, first.deadline <= now {
      removeFirst()
      if armed[first.token] == first.deadline {
        armed[first.token] = nil
        tokens.append(first.token)
      }
    }
    return tokens
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      let left = parent * 2 + 1
      guard left < heap.count else { return }
      let right = left + 1
      let child = right < heap.count && heap[right].deadline < heap[left].deadline ? right : left
      guard heap[child].deadline < heap[parent].deadline else { return }
      heap.swapAt(parent, child)
      parent = child
    }
  }
}
