import Synchronization

/// What other threads want of a thread that owns a C library's handles: letters in order, and a bell.
final class Mailbox<Letter: Sendable>: Sendable {
  let doorbell = Doorbell()
  private let letters = Mutex<(waiting: [Letter], isClosed: Bool)>(([], false))

  /// False when nobody reads any more: the sender must answer for itself.
  func post(_ letter: Letter) -> Bool {
    let isOpen = letters.withLock { box in
      if !box.isClosed { box.waiting.append(letter) }
      return !box.isClosed
    }
    if isOpen { doorbell.ring() }
    return isOpen
  }

  /// Everything posted so far, in order.
  func collect() -> [Letter] {
    doorbell.answer()
    return letters.withLock { box in
      defer { box.waiting = [] }
      return box.waiting
    }
  }

  /// The last letters: no post succeeds after this.
  func close() -> [Letter] {
    letters.withLock { box in
      box.isClosed = true
      defer { box.waiting = [] }
      return box.waiting
    }
  }
}
