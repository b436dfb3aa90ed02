import Glibc

/// Wakes a thread that sleeps in `poll`: a socket pair, which any thread may ring.
///
/// A descriptor of our own instead of `curl_multi_wakeup`: the multi handle then belongs to its thread alone and needs no
/// lock, and c-ares, which has no such call, is woken the same way.
struct Doorbell: ~Copyable, Sendable {
  /// What the sleeping thread polls for input. -1 where the system gave none: the thread then wakes by its timeout.
  let descriptor: Int32
  private let button: Int32

  init() {
    var ends: (Int32, Int32) = (-1, -1)
    let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let status = withUnsafeMutableBytes(of: &ends) { bytes in
      socketpair(AF_UNIX, Int32(kind), 0, bytes.bindMemory(to: Int32.self).baseAddress)
    }
    (descriptor, button) = status == 0 ? ends : (-1, -1)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    close(button)
  }

  /// Wakes the thread, now or at its next sleep.
  func ring() {
    var one: UInt8 = 1
    // EAGAIN means that the socket is full: it was rung already.
    if button >= 0 { _ = write(button, &one, 1) }
  }

  /// Forgets every ring so far. Whoever answers looks at the work *after* this, so that no ring is lost.
  func answer() {
    guard descriptor >= 0 else { return }
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { room in
      while read(descriptor, room.baseAddress, room.count) == room.count {}
    }
  }
}
