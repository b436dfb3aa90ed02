/// Bytes that wait, first in first out.
struct ByteQueue {
  private var storage: [UInt8] = []
  private var head = 0

  var count: Int { storage.count - head }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ bytes: UnsafeRawBufferPointer) { storage.append(contentsOf: bytes) }

  mutating func append(_ bytes: some Sequence<UInt8>) { storage.append(contentsOf: bytes) }

  /// Lends the bytes; the answer says how many of them are done with.
  mutating func consume(_ body: (UnsafeRawBufferPointer) -> Int) -> Int {
    let used = storage.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[head...])) }
    drop(used)
    return used
  }

  /// Takes at most `limit` bytes.
  mutating func take(_ limit: Int) -> [UInt8] {
    let taken = Array(storage[head..<head + min(limit, count)])
    drop(taken.count)
    return taken
  }

  private mutating func drop(_ used: Int) {
    head += max(0, used)
    if head == storage.count {
      // A burst must not keep its memory for the life of a session.
      storage.removeAll(keepingCapacity: storage.capacity <= 65_536)
      head = 0
    } else if head > 65_536, head * 2 > storage.count {
      storage.removeFirst(head)
      head = 0
    }
  }
}
