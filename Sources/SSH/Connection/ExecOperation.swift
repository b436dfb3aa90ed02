/// One remote command, from the opening of its channel to the peer's close.
final class ExecOperation: AwaitedOperation {
  private enum State {
    case opening
    case starting(NativeChannel)
    case running(NativeChannel)
    case closing(NativeChannel)
    case finished
  }

  private let command: String
  private let stdin: [UInt8]
  private let limit: Int
  private let bounds: CommandBounds
  private let deadlines: SSHDeadlines

  private var state = State.opening
  private var written = 0
  private var endIsSent = false
  private var stdout: [UInt8] = []
  private var stderr: [UInt8] = []
  private var dropped = 0
  /// The wire's position after our last byte, and how far the peer's TCP had come when we last looked.
  private var uploadMark: UInt64 = 0
  private var acknowledged: UInt64 = 0
  private var lastProgress = Instant.now
  /// The command has to be over by then, whatever it says.
  private var end = Instant.now
  /// What came last, in case the bounds' mark is cut in two.
  private var unmarked: [UInt8] = []
  private var isAbandoned = false
  private(set) var deadline: Instant
  var waiter: CheckedContinuation<Result<CommandResult, SSHError>, Never>?

  init(_ command: String, stdin: [UInt8], limit: Int, bounds: CommandBounds, deadlines: SSHDeadlines) {
    self.command = command
    self.stdin = stdin
    self.limit = max(0, limit)
    self.bounds = bounds
    self.deadlines = deadlines
    self.deadline = .now + deadlines.channel
  }

  var isFinished: Bool { if case .finished = state { true } else { false } }

  var channel: NativeChannel? {
    switch state {
    case .starting(let channel), .running(let channel), .closing(let channel): channel
    case .opening, .finished: nil
    }
  }

  // MARK: Driving

  func advance(on connection: isolated SSHConnection) -> Bool {
    switch state {
    case .opening: open(on: connection)
    case .starting(let channel): begin(channel, on: connection)
    case .running(let channel): transfer(channel, on: connection)
    case .closing(let channel): close(channel)
    case .finished: false
    }
  }

  private func open(on connection: isolated SSHConnection) -> Bool {
    if !isAbandoned, let spare = connection.takeSpare() {
      state = .starting(spare)
      return true
    }
    switch connection.open(for: self, { $0.openSession() }) {
    case .again: return false
    case .done(let channel):
      isAbandoned ? giveUp(channel) : (state = .starting(channel))
    case .failed(.channelFailure, let message):
      answer(.failure(connection.error(.channelRefused, .channel, message)))
      state = .finished
    case .failed(let code, let message): broken(connection, .channel, code, message)
    }
    return true
  }

  private func begin(_ channel: NativeChannel, on connection: isolated SSHConnection) -> Bool {
    switch channel.execute(command) {
    case .again: return false
    case .done:
      state = .running(channel)
      acknowledged = connection.wire.acknowledged
      end = .now + bounds.total
      progress()
    case .failed(.channelRequestDenied, let message):
      answer(.failure(connection.error(.channelRefused, .command, message)))
      giveUp(channel)
    case .failed(let code, let message): broken(connection, .command, code, message)
    }
    return true
  }

  private func transfer(_ channel: NativeChannel, on connection: isolated SSHConnection) -> Bool {
    var moved = false
    var isAlive = false
    // Both streams each turn: libssh2 does not show the end of file while standard error waits unread.
    for stream in [Int32(0), 1] {
      reading: while true {
        switch channel.read(stream: stream, into: Scratch.page) {
        case .again, .done(0): break reading
        case .done(let count):
          moved = true
          let bytes = UnsafeRawBufferPointer(rebasing: Scratch.page[..<count])
          if isSign(bytes, stream: stream) { isAlive = true }
          keep(bytes, stream: stream)
        case .failed(let code, let message):
          broken(connection, .command, code, message)
          return true
        }
      }
    }
    if dropped > max(8 * limit, 16 << 20) {
      answer(
        .failure(connection.error(.outputLimit, .command, "more than \(dropped) bytes beyond the limit of \(limit)")))
      giveUp(channel)
      return true
    }
    if channel.isAtEnd, case .done = channel.awaitClose() {
      finish(channel)
      return true
    }
    if write(channel, on: connection) { (moved, isAlive) = (true, true) }
    if isAlive { progress() }
    return moved && !isFinished
  }

  private func progress() {
    lastProgress = .now
    // While bytes of ours are on their way, look four times as often whether the peer's TCP takes them.
    deadline = min(end, lastProgress + (acknowledged < uploadMark ? bounds.idle / 4 : bounds.idle))
  }

  /// Whether these bytes show that the command gets on: any, or those with the mark.
  private func isSign(_ bytes: UnsafeRawBufferPointer, stream: Int32) -> Bool {
    guard let mark = bounds.mark else { return true }
    guard stream == 0 else { return false }
    unmarked.append(contentsOf: bytes)
    let isMarked = unmarked.contains(mark)
    unmarked = Array(unmarked.suffix(max(0, mark.count - 1)))
    return isMarked
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, stream: Int32) {
    let room = max(0, limit - (stream == 0 ? stdout.count : stderr.count))
    let kept = UnsafeRawBufferPointer(rebasing: bytes.prefix(room))
    if stream == 0 { stdout.append(contentsOf: kept) } else { stderr.append(contentsOf: kept) }
    dropped += bytes.count - kept.count
  }

  private func write(_ channel: NativeChannel, on connection: isolated SSHConnection) -> Bool {
    var moved = false
    while written < stdin.count, !connection.wire.isFull {
      let step = stdin.withUnsafeBytes { channel.write(UnsafeRawBufferPointer(rebasing: $0[written...])) }
      switch step {
      case .again, .done(0): return moved
      case .done(let count):
        written += count
        moved = true
        uploadMark = connection.wire.queued
      case .failed(.channelClosed, _), .failed(.channelEOFSent, _):
        written = stdin.count
        endIsSent = true
      case .failed(let code, let message):
        broken(connection, .command, code, message)
        return true
      }
    }
    if written == stdin.count, !endIsSent {
      switch channel.sendEnd() {
      case .again: break
      case .done, .failed:
        endIsSent = true
        moved = true
        uploadMark = connection.wire.queued
      }
    }
    return moved
  }

  // MARK: Ends

  private func finish(_ channel: NativeChannel) {
    let signal = channel.exitSignal
    answer(
      .success(
        CommandResult(
          status: signal == nil ? channel.exitStatus : nil, signal: signal, stdout: stdout, stderr: stderr,
          outputTruncated: dropped > 0)))
    giveUp(channel)
  }

  private func giveUp(_ channel: NativeChannel) {
    state = .closing(channel)
    deadline = .now + deadlines.close
    stdout = []
    stderr = []
  }

  private func close(_ channel: NativeChannel) -> Bool {
    if case .again = channel.close() { return false }
    state = .finished
    return true
  }

  private func broken(_ connection: isolated SSHConnection, _ phase: SSHError.Phase, _ code: SSHCode, _ message: String)
  {
    connection.die(.connectionLost, phase, "\(message) (libssh2 \(code.rawValue))")
  }

  func expire(on connection: isolated SSHConnection) {
    switch state {
    case .opening: connection.die(.timedOut, .channel, "the server did not open a channel")
    case .starting(let channel):
      answer(.failure(connection.error(.timedOut, .channel, "the server did not answer the request to run a command")))
      giveUp(channel)
    case .running(let channel):
      // A slow link with our megabytes still in the kernel is healthy as long as the peer's TCP takes them.
      let position = connection.wire.acknowledged
      if acknowledged < uploadMark, position > acknowledged, end > .now {
        acknowledged = position
        return progress()
      }
      let silence = min(end, lastProgress + bounds.idle)
      if silence > .now {
        deadline = acknowledged < uploadMark ? min(silence, .now + bounds.idle / 4) : silence
        return
      }
      let what = written < stdin.count ? " after \(written) of \(stdin.count) bytes of input" : ""
      let why = end <= .now ? "not done after \(bounds.total)" : "no progress for \(bounds.idle)\(what)"
      answer(.failure(connection.error(.timedOut, .command, why)))
      giveUp(channel)
    case .closing: connection.die(.timedOut, .channel, "the server did not close a channel")
    case .finished: break
    }
  }

  func cancel(on connection: isolated SSHConnection) {
    answer(.failure(connection.error(.cancelled, .command, "cancelled")))
    switch state {
    case .opening: isAbandoned = true
    case .starting(let channel), .running(let channel): giveUp(channel)
    case .closing, .finished: break
    }
  }

  func fail(_ error: SSHError) {
    answer(.failure(error))
    state = .finished
  }
}
