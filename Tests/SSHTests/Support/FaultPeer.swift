import Foundation
import Synchronization

/// A TCP peer that misbehaves in one way. With an upstream it is a proxy that turns bad later.
final class FaultPeer: Sendable {
  enum Fault: Sendable {
    /// Accepts, then says nothing.
    case silent
    /// Says this, then waits.
    case says(String)
    /// Says this, then closes.
    case saysAndCloses(String)
    /// Says this, then resets.
    case resetsAfter(String)
    /// Relays, and stops relaying what the server sends after so many bytes; the connection stays.
    case stallsAfter(Int)
    /// Relays, and resets both sides after so many bytes of the server.
    case cutsAfter(Int)
    /// Relays so many bytes a second each way, and waits that long before the first.
    case slow(bytesPerSecond: Int, delay: Duration)
    /// Relays with this delay one way.
    case latency(Duration)
  }

  let host: String
  let port: UInt16
  private let fault: Fault
  private let upstream: (host: String, port: UInt16)?
  private let listener: Int32
  private let descriptors = Mutex<Set<Int32>>([])
  private let stopped = Mutex(false)
  /// From now on nothing is relayed any more.
  private let isFrozen = Mutex(false)

  init(_ fault: Fault, host: String = "127.0.0.1", upstream: (host: String, port: UInt16)? = nil) throws {
    self.fault = fault
    self.host = host
    self.upstream = upstream
    port = try FreePort.find(on: host)
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    if case .slow = fault {
      // Set before the connection exists, it keeps the window small: the bytes wait in the sender, as on a real line.
      var small: Int32 = 4_096
      setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, 4)
    }
    var address = FreePort.socketAddress(host, port)
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0, listen(listener, 512) == 0 else { throw ToolFailure(text: "cannot listen") }
    Thread.detachNewThread { self.acceptAll() }
  }

  func freeze() { isFrozen.withLock { $0 = true } }

  func stop() {
    stopped.withLock { $0 = true }
    shutdown(listener, Int32(SHUT_RDWR))
    descriptors.withLock { for descriptor in $0 { shutdown(descriptor, Int32(SHUT_RDWR)) } }
  }

  private func acceptAll() {
    while !stopped.withLock({ $0 }) {
      let client = accept(listener, nil, nil)
      guard client >= 0 else { break }
      descriptors.withLock { _ = $0.insert(client) }
      Thread.detachNewThread { self.serve(client) }
    }
    close(listener)
  }

  private func end(_ descriptor: Int32) {
    descriptors.withLock { _ = $0.remove(descriptor) }
    close(descriptor)
  }

  private func serve(_ client: Int32) {
    switch fault {
    case .silent: wait(client)
    case .says(let text):
      say(text, client)
      wait(client)
    case .saysAndCloses(let text):
      say(text, client)
      end(client)
    case .resetsAfter(let text):
      say(text, client)
      var page = [UInt8](repeating: 0, count: 256)
      recv(client, &page, 16, 0)
      reset(client)
      end(client)
    case .stallsAfter, .cutsAfter, .slow, .latency: relay(client)
    }
  }

  private func say(_ text: String, _ client: Int32) {
    let bytes = Array(text.utf8)
    send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// Reads and forgets until the other side goes.
  private func wait(_ client: Int32) {
    var page = [UInt8](repeating: 0, count: 4_096)
    while recv(client, &page, page.count, 0) > 0 {}
    end(client)
  }

  private func reset(_ descriptor: Int32) {
    var hard = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
  }

  private func relay(_ client: Int32) {
    guard let upstream, let server = FreePort.connect(upstream.host, upstream.port) else { return end(client) }
    descriptors.withLock { _ = $0.insert(server) }
    for descriptor in [client, server] {
      var one: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }
    let other = DispatchGroup()
    other.enter()
    Thread.detachNewThread {
      self.pump(from: client, to: server, isFromServer: false)
      other.leave()
    }
    pump(from: server, to: client, isFromServer: true)
    other.wait()
    end(client)
    end(server)
  }

  private func pump(from source: Int32, to sink: Int32, isFromServer: Bool) {
    var relayed = 0
    var page = [UInt8](repeating: 0, count: 32_768)
    if case .slow(_, let delay) = fault, isFromServer { pause(delay) }
    while true {
      var limit = page.count
      if case .slow(let rate, _) = fault { limit = max(1, rate / 20) }
      if isFromServer, case .cutsAfter(let count) = fault { limit = max(1, min(limit, count - relayed)) }
      if isFromServer, case .stallsAfter(let count) = fault { limit = max(1, min(limit, count - relayed)) }
      let count = recv(source, &page, limit, 0)
      guard count > 0 else { break }
      if case .latency(let delay) = fault { pause(delay) }
      if isFromServer, case .stallsAfter(let stop) = fault, relayed >= stop { continue }
      if isFrozen.withLock({ $0 }) { continue }
      if send(sink, page, count, Int32(MSG_NOSIGNAL)) <= 0 { break }
      relayed += count
      if case .slow(let rate, _) = fault { pause(.milliseconds(count * 1_000 / rate)) }
      if isFromServer, case .cutsAfter(let stop) = fault, relayed >= stop {
        reset(sink)
        reset(source)
        break
      }
    }
    shutdown(sink, Int32(SHUT_RDWR))
    shutdown(source, Int32(SHUT_RDWR))
  }

  private func pause(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    _ = usleep(UInt32(seconds * 1_000_000 + attoseconds / 1_000_000_000_000))  // the delay is the fault itself
  }
}
