import Foundation

/// A port that answers no SYN: its accept queue is full and nobody accepts.
final class BlackHole {
  let port: UInt16
  private var descriptors: [Int32] = []

  init(host: String) throws {
    port = try FreePort.find(on: host)
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    descriptors.append(listener)
    var address = FreePort.socketAddress(host, port)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
    }
    guard status == 0, listen(listener, 0) == 0 else { throw ToolFailure(text: "cannot listen") }
    for _ in 0..<4 {
      let filler = socket(
        AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
      descriptors.append(filler)
      _ = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(filler, $0, length) }
      }
    }
  }

  deinit { for descriptor in descriptors { close(descriptor) } }
}

/// How many sockets of this process are connected to a port.
func socketsTo(_ port: UInt16) -> Int {
  (0..<4_096).filter { descriptor in
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(Int32(descriptor), $0, &length) }
    }
    return status == 0 && address.sin_family == sa_family_t(AF_INET) && address.sin_port == port.bigEndian
  }.count
}
