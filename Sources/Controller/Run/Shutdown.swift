@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Signals, in the one file that may leave structured concurrency: the first asks a run to finish what is under way, the second cancels it.
final class ShutdownSignals: Sendable {
  private let sources: [any DispatchSourceSignal]

  /// Calls `onSignal` for each SIGINT and SIGTERM, with how many have come.
  init(onSignal: @escaping @Sendable (Int) -> Void) {
    let queue = DispatchQueue(label: "certfleet.signals")
    let counter = Counter()
    sources = [SIGINT, SIGTERM].map { number in
      // The default action would end the process before the source sees the signal.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { onSignal(counter.next()) }
      source.resume()
      return source
    }
  }

  /// Gives the signals their default action back.
  func stop() {
    for source in sources { source.cancel() }
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
  }

  private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
      count.withLock { count in
        count += 1
        return count
      }
    }
  }
}
