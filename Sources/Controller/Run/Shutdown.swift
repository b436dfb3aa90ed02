@preconcurrency import Dispatch
import Glibc
import Synchronization

/// Signals, in the one file that may leave structured concurrency: the first asks a run to finish what is under way, the second cancels it.
final class ShutdownSignals: Sendable {
  private let sources: [any DispatchSourceSignal]
  private let counter = Counter()
  private let numbers: [Int32]

  /// Calls `onSignal` for each SIGINT and SIGTERM and the first SIGHUP, with how many have come.
  init(onSignal: @escaping @Sendable (Int) -> Void) {
    let queue = DispatchQueue(label: "certfleet.signals")
    // Under `nohup` SIGHUP is ignored from the start, and stays so.
    numbers = [SIGINT, SIGTERM] + (Self.isIgnored(SIGHUP) ? [] : [SIGHUP])
    sources = numbers.map { [counter] number in
      // The default action would end the process before the source sees the signal.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if let count = counter.next(number) { onSignal(count) }
      }
      source.resume()
      return source
    }
  }

  /// Gives the signals their default action back. After one SIGHUP the others stay ignored: the report is still to be made.
  func stop() {
    for source in sources { source.cancel() }
    for number in numbers where number != SIGHUP || !counter.hasHungUp { signal(number, SIG_DFL) }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// A terminal that closes sends SIGHUP twice, from the kernel and from the shell: together they are one wish to end.
  private final class Counter: Sendable {
    private let state = Mutex((count: 0, hasHungUp: false))

    var hasHungUp: Bool { state.withLock(\.hasHungUp) }

    func next(_ number: Int32) -> Int? {
      state.withLock { state in
        if number == SIGHUP {
          if state.hasHungUp { return nil }
          state.hasHungUp = true
        }
        state.count += 1
        return state.count
      }
    }
  }
}
