/// One connection that the server took for us on a forwarded port.
final class ForwardedOperation: Operation {
  /// What is read ahead of the handler; beyond that the channel's window closes.
  private static let readAhead = 65_536

  private struct Reader {
    let limit: Int
    let deadline: Instant
    let continuation: CheckedContinuation<Result<[UInt8], SSHError>, Never>
  }

  private struct Writer {
    var bytes: [UInt8]
    var offset = 0
    let deadline: Instant
    let continuation: CheckedContinuation<Result<Void, SSHError>, Never>
  }

  private(set) var channel: NativeChannel?
  private let closing: Duration
  private var ended: (() -> Void)?
  private var isClosing = false
  private var closeDeadline = Instant.never
  private var mustSendEnd = false
  private var inbound = ByteQueue()
  private var atEnd = false
  private var reader: Reader?
  private var writer: Writer?
  private var failure: SSHError?

  /// `ended` is called once, when the channel is gone.
  init(_ channel: NativeChannel, closing: Duration, ended: @escaping () -> Void) {
    self.channel = channel
    self.closing = closing
    self.ended = ended
  }

  var isFinished: Bool { channel == nil }

  var deadline: Instant {
    min(closeDeadline, min(reader?.deadline ?? .never, writer?.deadline ?? .never))
  }

  // MARK: Driving

  func advance(on connection: isolated SSHConnection) -> Bool {
    guard let channel else { return false }
    if isClosing, writer == nil {
      if case .again = channel.close() { return false }
      gone()
      return true
    }
    var moved = read(channel, on: connection)
    if write(channel, on: connection) { moved = true }
    return moved
  }

  private func read(_ channel: NativeChannel, on connection: isolated SSHConnection) -> Bool {
    var moved = false
    reading: while inbound.count < ForwardedOperation.readAhead {
      switch channel.read(stream: 0, into: Scratch.page) {
      case .again, .done(0): break reading
      case .done(let count):
        moved = true
        inbound.append(UnsafeRawBufferPointer(rebasing: Scratch.page[..<count]))
      case .failed(let code, let message):
        connection.die(.connectionLost, .forward, "\(message) (libssh2 \(code.rawValue))")
        return true
      }
    }
    if !atEnd, channel.isAtEnd {
      atEnd = true
      moved = true
    }
    satisfyReader()
    return moved
  }

  private func satisfyReader() {
    guard let reader, !inbound.isEmpty || atEnd else { return }
    self.reader = nil
    reader.continuation.resume(returning: .success(inbound.take(reader.limit)))
  }

  private func write(_ channel: NativeChannel, on connection: isolated SSHConnection) -> Bool {
    var moved = false
    while let offset = writer?.offset, let count = writer?.bytes.count, offset < count, !connection.wire.isFull {
      let step =
        writer?.bytes.withUnsafeBytes { channel.write(UnsafeRawBufferPointer(rebasing: $0[offset...])) } ?? .again
      switch step {
      case .again, .done(0): return moved
      case .done(let taken):
        moved = true
        writer?.offset += taken
      case .failed(.channelClosed, let message), .failed(.channelEOFSent, let message):
        finishWriter(.failure(connection.error(.connectionLost, .forward, message)))
        return true
      case .failed(let code, let message):
        connection.die(.connectionLost, .forward, "\(message) (libssh2 \(code.rawValue))")
        return true
      }
    }
    if let writer, writer.offset == writer.bytes.count {
      moved = true
      finishWriter(.success(()))
    }
    return moved
  }

  private func finishWriter(_ result: Result<Void, SSHError>) {
    let continuation = writer?.continuation
    writer = nil
    continuation?.resume(returning: result)
  }

  // MARK: The handler's verbs

  func read(
    _ limit: Int, until deadline: Instant, _ continuation: CheckedContinuation<Result<[UInt8], SSHError>, Never>
  ) {
    if let failure { return continuation.resume(returning: .failure(failure)) }
    precondition(reader == nil, "one reader at a time")
    reader = Reader(limit: max(1, limit), deadline: deadline, continuation: continuation)
    satisfyReader()
  }

  func write(
    _ bytes: [UInt8], until deadline: Instant, _ continuation: CheckedContinuation<Result<Void, SSHError>, Never>
  ) {
    if let failure { return continuation.resume(returning: .failure(failure)) }
    precondition(writer == nil, "one writer at a time")
    writer = Writer(bytes: bytes, deadline: deadline, continuation: continuation)
  }

  /// Closes the channel, after what is being written.
  func giveUp() {
    guard !isClosing else { return }
    isClosing = true
    closeDeadline = .now + closing
  }

  private func gone() {
    channel = nil
    ended?()
    ended = nil
  }

  // MARK: Ends

  func expire(on connection: isolated SSHConnection) {
    let now = Instant.now
    let late = connection.error(.timedOut, .forward, "the peer of a forwarded connection is too slow")
    if let reader, reader.deadline <= now {
      self.reader = nil
      reader.continuation.resume(returning: .failure(late))
    }
    if let writer, writer.deadline <= now { finishWriter(.failure(late)) }
    guard closeDeadline <= now else { return }
    if writer != nil {
      finishWriter(.failure(late))
      closeDeadline = now + closing
    } else {
      connection.die(.timedOut, .forward, "the server did not close a channel")
    }
  }

  /// Whoever reads or writes is let go.
  func cancel(on connection: isolated SSHConnection) {
    release(connection.error(.cancelled, .forward, "cancelled"))
    giveUp()
  }

  func fail(_ error: SSHError) {
    failure = error
    release(error)
    gone()
  }

  private func release(_ error: SSHError) {
    let reading = reader?.continuation
    reader = nil
    reading?.resume(returning: .failure(error))
    finishWriter(.failure(error))
  }
}

/// Lets a channel be the answer to a task.
struct ForwardedHandle: @unchecked Sendable {  // looked into on the reactor's thread only
  let operation: ForwardedOperation
}

/// Lets a listener be known to a task.
struct ListenHandle: @unchecked Sendable {  // looked into on the reactor's thread only
  let operation: ListenOperation
}
