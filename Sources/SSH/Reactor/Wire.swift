import Glibc

/// The bytes of one SSH connection on their way: a TCP socket, or two queues that a channel of a jump host fills and
/// empties. libssh2 sees only `receive` and `send`, and `send` always takes the whole packet: libssh2 1.10 answers
/// BAD_USE (-39) when another packet comes while one is half sent (119 times in 3 s with 8 channels).
final class Wire: @unchecked Sendable {  // touched by the reactor's thread only
  enum End: Equatable {
    case closedByPeer
    case failed(Int32)
  }

  /// Above this a channel is not written to.
  static let backpressure = 65_536
  /// What one connection may read in one turn, so that a flood from one node does not starve the others.
  private static let budgetPerTurn = 262_144

  private(set) var descriptor: Int32 = -1
  private(set) var end: End?
  var outbound = ByteQueue()
  /// Used by tunnels only; a socket is read straight into libssh2's buffer.
  private var inbound = ByteQueue()
  private var isReadable = false
  private var budget = 0
  private var mustAcknowledge = false
  /// Bytes that ever came in.
  private(set) var received: UInt64 = 0
  /// Bytes that were ever put into `outbound`.
  private(set) var queued: UInt64 = 0
  /// The clear-text begin of the conversation (banner and KEXINIT), kept until the keys are exchanged:
  /// what was offered can be told without a second connection, for which sshd ≥ 9.8 might ban us.
  var opening: [UInt8]? = []

  var isFull: Bool { outbound.count > Wire.backpressure }
  var hasUnread: Bool { end == nil && (isSocket ? isReadable && budget > 0 : !inbound.isEmpty) }
  var isSocket: Bool { descriptor >= 0 }

  func attach(_ descriptor: Int32) {
    self.descriptor = descriptor
    end = nil
  }

  func beginTurn(readable: Bool) {
    budget = Wire.budgetPerTurn
    if readable { isReadable = true }
  }

  // MARK: What libssh2 calls

  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if !isSocket { return receiveFromTunnel(into: buffer) }
    guard isReadable, budget > 0 else { return end == nil ? -Int(EAGAIN) : 0 }
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        note(buffer, count)
        // A short read means that the socket is empty: spare the call that would only say EAGAIN.
        if count < buffer.count { isReadable = false }
        budget -= count
        mustAcknowledge = true
        return count
      }
      if count < 0, errno == EINTR { continue }
      isReadable = false
      if count == 0 {
        end = end ?? .closedByPeer
        return 0
      }
      if errno == EAGAIN { return -Int(EAGAIN) }
      end = end ?? .failed(errno)
      return -Int(errno)
    }
  }

  private func receiveFromTunnel(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard !inbound.isEmpty else { return end == nil ? -Int(EAGAIN) : 0 }
    let count = inbound.consume { waiting in
      let count = min(waiting.count, buffer.count)
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: waiting[..<count]))
      return count
    }
    note(buffer, count)
    return count
  }

  private func note(_ buffer: UnsafeMutableRawBufferPointer, _ count: Int) {
    received += UInt64(count)
    if opening != nil, (opening?.count ?? 0) < 16_384 {
      opening?.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard end == nil else { return -Int(ECONNRESET) }
    outbound.append(bytes)
    queued += UInt64(bytes.count)
    return bytes.count
  }

  // MARK: What the connection calls

  /// Gives the kernel what it takes, and acknowledges at once what came in: sshd keeps Nagle on for sessions without a
  /// terminal, and our delayed ACK would cost 40 ms a request (71 against 2,466 requests a second).
  func flush() {
    guard isSocket else { return }
    while !outbound.isEmpty, end == nil {
      let sent = outbound.consume { bytes in
        let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count < 0, errno != EAGAIN, errno != EINTR { end = .failed(errno) }
        return count
      }
      if sent <= 0 { break }
    }
    if mustAcknowledge {
      mustAcknowledge = false
      setOption(TCP_QUICKACK, 1, level: Int32(IPPROTO_TCP))
    }
  }

  /// How many of the bytes ever queued the peer's TCP has acknowledged. It grows on a slow but healthy link while
  /// megabytes wait in the kernel and nothing comes back.
  var acknowledged: UInt64 {
    var waiting: Int32 = 0
    if isSocket, ioctl(descriptor, UInt(TIOCOUTQ), &waiting) != 0 { waiting = 0 }
    return queued - UInt64(outbound.count) - min(UInt64(max(0, waiting)), queued - UInt64(outbound.count))
  }

  /// Bytes for a tunnelled connection.
  func deliver(_ bytes: UnsafeRawBufferPointer) { inbound.append(bytes) }

  func fail(_ end: End) { self.end = self.end ?? end }

  /// No Nagle; and keepalive probes of the kernel, which find a dead peer of an idle session in about a minute and keep
  /// the state of a firewall in between alive.
  func prepareSocket() {
    setOption(TCP_NODELAY, 1, level: Int32(IPPROTO_TCP))
    setOption(SO_KEEPALIVE, 1, level: SOL_SOCKET)
    setOption(TCP_KEEPIDLE, 30, level: Int32(IPPROTO_TCP))
    setOption(TCP_KEEPINTVL, 10, level: Int32(IPPROTO_TCP))
    setOption(TCP_KEEPCNT, 3, level: Int32(IPPROTO_TCP))
  }

  /// What became of a connect that was begun; 0 is success.
  var connectStatus: Int32 {
    var status: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &status, &length) == 0 ? status : errno
  }

  /// The socket's own address and port.
  var nearEnd: (address: [UInt8], port: UInt16)? {
    guard isSocket else { return nil }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard status == 0 else { return nil }
    let family = Int32(storage.ss_family)
    return withUnsafeBytes(of: &storage) { bytes in
      // sockaddr_in and sockaddr_in6 of Linux: the port at 2, big-endian; the address at 4, or at 8 for IPv6.
      let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
      switch family {
      case AF_INET: return (Array(bytes[4..<8]), port)
      case AF_INET6: return (Array(bytes[8..<24]), port)
      default: return nil
      }
    }
  }

  func setOption(_ name: Int32, _ value: Int32, level: Int32) {
    var value = value
    setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// `shutdown` first: freeing a session whose peer stalls says EAGAIN for ever otherwise (56 KiB leaked each).
  func hangUp() {
    end = end ?? .failed(ECONNABORTED)
    outbound = ByteQueue()
    if isSocket { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  func close() {
    if isSocket { Glibc.close(descriptor) }
    descriptor = -1
  }
}
