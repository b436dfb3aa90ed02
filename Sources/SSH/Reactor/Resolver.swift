import Glibc

/// A socket address.
struct Address: Sendable {
  let family: Int32
  let bytes: [UInt8]

  /// Opens a non-blocking socket and begins to connect; the error number otherwise.
  func connect() -> Result<Int32, SystemFailure> {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(family, type, 0)
    guard descriptor >= 0 else { return .failure(SystemFailure(code: errno)) }
    let status = bytes.withUnsafeBytes { raw in
      raw.withMemoryRebound(to: sockaddr.self) { Glibc.connect(descriptor, $0.baseAddress, socklen_t(bytes.count)) }
    }
    if status == 0 || errno == EINPROGRESS { return .success(descriptor) }
    let code = errno
    close(descriptor)
    return .failure(SystemFailure(code: code))
  }
}

/// An error number of the system.
struct SystemFailure: Error, Sendable {
  let code: Int32
}

/// Looks up names. getaddrinfo blocks, for up to half a minute when no resolver answers, so each lookup of a name has a
/// thread of its own that may outlive its deadline; an address is read on the spot. The number of threads is bounded
/// by the number of handshakes in flight.
enum Resolver {
  struct Failure: Error, Sendable {
    let code: Int32
    var message: String { gai_strerror(code).map { String(cString: $0) } ?? "error \(code)" }
    /// True when asking again later may help.
    var isTemporary: Bool { code == EAI_AGAIN || code == EAI_SYSTEM }
  }

  typealias Answer = Result<[Address], Failure>

  /// The reason for the box: a C thread takes one pointer.
  private final class Question: Sendable {
    let host: String
    let port: UInt16
    let tell: @Sendable (Answer) -> Void
    init(host: String, port: UInt16, tell: @escaping @Sendable (Answer) -> Void) {
      self.host = host
      self.port = port
      self.tell = tell
    }
  }

  /// Addresses in the order of RFC 6724, as the system sorts them. `tell` is called once, on any thread.
  static func resolve(_ host: String, port: UInt16, tell: @escaping @Sendable (Answer) -> Void) {
    if case .success(let addresses) = lookUp(host, port, flags: AI_NUMERICHOST) { return tell(.success(addresses)) }
    let question = Unmanaged.passRetained(Question(host: host, port: port, tell: tell))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let question = Unmanaged<Question>.fromOpaque(argument).takeRetainedValue()
        question.tell(Resolver.lookUp(question.host, question.port, flags: AI_ADDRCONFIG))
        return nil
      }, question.toOpaque())
    if status == 0 {
      pthread_detach(thread)
    } else {
      question.release()
      tell(.failure(Failure(code: EAI_MEMORY)))
    }
  }

  private static func lookUp(_ host: String, _ port: UInt16, flags: Int32) -> Answer {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = flags | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    guard status == 0 else { return .failure(Failure(code: status)) }
    defer { freeaddrinfo(list) }
    var addresses: [Address] = []
    var next = list
    while let info = next?.pointee, addresses.count < 8 {
      addresses.append(
        Address(
          family: info.ai_family,
          bytes: Array(UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen)))))
      next = info.ai_next
    }
    return .success(addresses)
  }
}
