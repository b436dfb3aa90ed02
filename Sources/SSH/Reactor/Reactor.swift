import CLibSSH2
import Glibc
import Synchronization

/// The one thread on which everything of SSH happens: it waits on epoll, and it is the serial executor of every
/// `SSHConnection`. A second thread buys nothing below some 500 nodes a second.
final class Reactor: SerialExecutor, @unchecked Sendable {  // all but `inbox` is touched by its own thread only
  static let shared = Reactor()

  /// What a source of events asks to be told.
  struct Handlers {
    let ready: (Readiness) -> Void
    let timer: () -> Void
  }

  struct Readiness: OptionSet {
    let rawValue: Int
    static let read = Readiness(rawValue: 1)
    static let write = Readiness(rawValue: 2)
  }

  typealias Token = UInt64

  private enum Work {
    case job(UnownedJob)
    case call(@Sendable () -> Void)
  }

  private struct Inbox {
    var work: [Work] = []
    var isSignalled = false
  }

  private let inbox = Mutex(Inbox())
  private var local: [Work] = []
  private var handlers: [Token: Handlers] = [:]
  private var timers = TimerQueue()
  private var lastToken: Token = 0
  private let poller: Int32
  /// Wakes the loop; non-blocking.
  let bell: Int32
  private var thread = pthread_t()

  private init() {
    poller = epoll_create1(Int32(EPOLL_CLOEXEC))
    bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(poller >= 0 && bell >= 0, "no file descriptor left for the SSH reactor")
    Reactor.raiseDescriptorLimit()
    NativeSession.initializeLibrary()
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: 0))
    epoll_ctl(poller, EPOLL_CTL_ADD, bell, &event)
    let status = pthread_create(
      &thread, nil,
      { argument in
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)  // signals belong to the main thread
        pthread_setname_np(pthread_self(), "ssh-reactor")
        if let argument { Unmanaged<Reactor>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(status == 0, "no thread left for the SSH reactor")
  }

  /// The usual soft limit of 1,024 is less than the sessions we promise; the hard limit is the administrator's word.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 16_384))
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  // MARK: Executor

  var isCurrent: Bool { pthread_equal(pthread_self(), thread) != 0 }

  func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  func checkIsolated() { precondition(isCurrent, "SSH state touched outside its thread") }

  func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Runs `call` on the reactor's thread, after what is already waiting there.
  func submit(_ call: @escaping @Sendable () -> Void) { add(.call(call)) }

  private func add(_ work: consuming Work) {
    if isCurrent { return local.append(work) }
    let mustRing = inbox.withLock { [work] inbox in
      inbox.work.append(work)
      defer { inbox.isSignalled = true }
      return !inbox.isSignalled
    }
    if mustRing { eventfd_write(bell, 1) }
  }

  // MARK: Sources of events (reactor's thread only)

  func register(_ source: Handlers) -> Token {
    lastToken += 1
    handlers[lastToken] = source
    return lastToken
  }

  func unregister(_ token: Token) {
    handlers[token] = nil
    timers.cancel(token)
  }

  func watch(_ descriptor: Int32, for token: Token, _ interest: Readiness, isNew: Bool) {
    // EPOLLRDHUP is not asked for: end of file shows as readable.
    var events: UInt32 = 0
    if interest.contains(.read) { events |= EPOLLIN.rawValue }
    if interest.contains(.write) { events |= EPOLLOUT.rawValue }
    var event = epoll_event(events: events, data: epoll_data_t(u64: token))
    epoll_ctl(poller, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event)
  }

  /// Calls the timer handler of `token` at `deadline` or earlier; only the earliest wish of a token is kept.
  func wake(_ token: Token, at deadline: Instant) { timers.arm(token, at: deadline) }

  // MARK: The loop

  private func run() -> Never {
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    while true {
      runWork()
      let count = epoll_wait(poller, &events, Int32(events.count), timeout())
      for event in events.prefix(Int(max(0, count))) {
        let token = event.data.u64
        guard token != 0 else {
          silenceBell()
          continue
        }
        // An event of a descriptor closed a moment ago finds no handler: tokens are never used twice.
        let failed = event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        var readiness: Readiness = []
        if failed || event.events & EPOLLIN.rawValue != 0 { readiness.insert(.read) }
        if failed || event.events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
        handlers[token]?.ready(readiness)
      }
      // What has happened goes before what has not: after a stall of the machine an answer may lie beside its deadline.
      runWork()
      for token in timers.due(at: .now) { handlers[token]?.timer() }
    }
  }

  /// One batch only, so that jobs which make jobs cannot starve the sockets.
  private func runWork() {
    var batch = local
    local.removeAll(keepingCapacity: true)
    inbox.withLock { inbox in
      batch += inbox.work
      inbox.work.removeAll(keepingCapacity: true)
    }
    for work in batch {
      switch work {
      case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
      case .call(let call): call()
      }
    }
  }

  private func silenceBell() {
    var value: eventfd_t = 0
    inbox.withLock { inbox in
      eventfd_read(bell, &value)
      inbox.isSignalled = false
    }
  }

  private func timeout() -> Int32 {
    if !local.isEmpty { return 0 }
    guard let next = timers.next else { return -1 }
    let now = Instant.now
    return next <= now ? 0 : Int32(min(60_000, (next.nanoseconds - now.nanoseconds) / 1_000_000 + 1))
  }
}
