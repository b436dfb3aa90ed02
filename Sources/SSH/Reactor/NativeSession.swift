import CLibSSH2
import Glibc

// All of libssh2 that certfleet uses stands in this file, behind one Swift verb each, so that no pointer of a session
// leaves it. Nothing here waits: every verb answers at once. Called on the reactor's thread only.

/// One libssh2 session.
final class NativeSession {
  typealias SendCallback =
    @convention(c) (
      Int32, UnsafeRawPointer?, Int, Int32, UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> Int

  /// What the C callbacks find behind the session's abstract pointer.
  final class Context {
    let wire: Wire
    var password: SSHSecret?
    /// Signs the bytes, says "not yet", or fails.
    var signer: (([UInt8]) -> Step<[UInt8]>)?
    var disconnectMessage: String?
    init(wire: Wire) { self.wire = wire }

    static func of(_ abstract: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Context? {
      abstract?.pointee.map { Unmanaged<Context>.fromOpaque($0).takeUnretainedValue() }
    }
  }

  enum Method: Int32, CaseIterable {
    case keyExchange = 0
    case hostKey, cipherOut, cipherIn, macOut, macIn
  }

  private let session: OpaquePointer
  private let context: Context

  static func initializeLibrary() { libssh2_init(0) }

  static var libraryVersion: String { libssh2_version(0).map { String(cString: $0) } ?? "unknown" }

  /// rsa-sha2 came with 1.11.
  static var signsRSAWithSHA1Only: Bool { libssh2_version(0x01_0b00) == nil }

  init?(wire: Wire) {
    context = Context(wire: wire)
    guard let session = libssh2_session_init_ex(nil, nil, nil, Unmanaged.passUnretained(context).toOpaque()) else {
      return nil
    }
    self.session = session
    libssh2_session_set_blocking(session, 0)
    shim_set_io(
      session,
      { _, bytes, count, _, abstract in
        Context.of(abstract)?.wire.send(UnsafeRawBufferPointer(start: bytes, count: count)) ?? -Int(EBADF)
      },
      { _, buffer, count, _, abstract in
        Context.of(abstract)?.wire.receive(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
          ?? -Int(EBADF)
      },
      { _, _, message, length, _, _, abstract in
        guard let message, length > 0 else { return }
        let text = UnsafeRawBufferPointer(start: message, count: min(Int(length), 300))
        Context.of(abstract)?.disconnectMessage = String(decoding: text, as: UTF8.self)
      })
  }

  /// The wire must have hung up: then every send fails at once and nothing can say EAGAIN for ever. The bound is for
  /// a library that would.
  deinit {
    var attempts = 0
    while libssh2_session_free(session) == SSHCode.again.rawValue, attempts < 1_000 { attempts += 1 }
  }

  // MARK: Errors

  private func step(_ status: Int32) -> Step<Void> { status == 0 ? .done(()) : failure(status) }

  private func failure<Value>(_ status: Int32) -> Step<Value> {
    status == SSHCode.again.rawValue ? .again : .failed(SSHCode(rawValue: status), lastMessage)
  }

  private func step<Value>(_ handle: OpaquePointer?, _ wrap: (OpaquePointer) -> Value) -> Step<Value> {
    if let handle { return .done(wrap(handle)) }
    let status = libssh2_session_last_errno(session)
    return failure(status == 0 ? SSHCode.channelFailure.rawValue : status)
  }

  private var lastMessage: String {
    var text: UnsafeMutablePointer<CChar>?
    var length: Int32 = 0
    libssh2_session_last_error(session, &text, &length, 0)
    guard let text, length > 0 else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: text, count: Int(length)), as: UTF8.self)
  }

  /// The server's words when it hung up.
  var disconnectMessage: String? { context.disconnectMessage }

  // MARK: Handshake

  /// Names unknown to the library are left out; false when it knows none of them.
  ///
  /// libssh2 1.10 would take them out by itself, with a memcpy over overlapping memory.
  func prefer(_ names: [String], for method: Method) -> Bool {
    let known = Set(supported(method))
    let names = names.filter(known.contains)
    return !names.isEmpty && libssh2_session_method_pref(session, method.rawValue, names.joined(separator: ",")) == 0
  }

  func supported(_ method: Method) -> [String] {
    var names: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    let count = libssh2_session_supported_algs(session, method.rawValue, &names)
    guard count > 0, let names else { return [] }
    defer { libssh2_free(session, names) }
    return (0..<Int(count)).compactMap { names[$0].map { String(cString: $0) } }
  }

  func negotiated(_ method: Method) -> String? {
    libssh2_session_methods(session, method.rawValue).map { String(cString: $0) }
  }

  func handshake(descriptor: Int32) -> Step<Void> { step(libssh2_session_handshake(session, descriptor)) }

  /// The server's first line, once it came.
  var banner: String? { libssh2_session_banner_get(session).map { String(cString: $0) } }

  var hostKey: [UInt8]? {
    var length = 0
    var type: Int32 = 0
    return libssh2_session_hostkey(session, &length, &type).map {
      Array(UnsafeRawBufferPointer(start: $0, count: length))
    }
  }

  // MARK: Authentication

  /// The methods that the server would take; nil when it wants none at all.
  func authenticationMethods(user: String) -> Step<[String]?> {
    guard let list = libssh2_userauth_list(session, user, UInt32(user.utf8.count)) else {
      if libssh2_userauth_authenticated(session) != 0 { return .done(nil) }
      return failure(libssh2_session_last_errno(session))
    }
    return .done(String(cString: list).split(separator: ",").map(String.init))
  }

  /// libssh2 1.10 takes the lengths and calls `strlen` on the keys all the same.
  func authenticate(user: String, publicKey: [UInt8], privateKey: [UInt8]) -> Step<Void> {
    CText.lend(publicKey) { open, openCount in
      CText.lend(privateKey) { secret, secretCount in
        step(
          libssh2_userauth_publickey_frommemory(
            session, user, user.utf8.count, publicKey.isEmpty ? nil : open, openCount, secret, secretCount, nil))
      }
    }
  }

  /// `sign` is asked again and again until it has the signature: the agent is asked without blocking.
  func authenticate(user: String, blob: [UInt8], sign: @escaping ([UInt8]) -> Step<[UInt8]>) -> Step<Void> {
    context.signer = sign
    defer { context.signer = nil }
    var abstract: UnsafeMutableRawPointer? = Unmanaged.passUnretained(context).toOpaque()
    return step(
      libssh2_userauth_publickey(
        session, user, blob, blob.count,
        { _, signature, length, data, count, abstract in
          guard let signer = Context.of(abstract)?.signer, let data, let signature, let length else {
            return SSHCode.publicKeyUnverified.rawValue
          }
          switch signer(Array(UnsafeBufferPointer(start: data, count: count))) {
          case .again: return SSHCode.again.rawValue
          case .failed(let code, _): return code.rawValue
          case .done(let bytes):
            // libssh2 frees it with the session's allocator, which is malloc's.
            guard let copy = malloc(max(1, bytes.count)) else { return SSHCode.outOfMemory.rawValue }
            copy.copyMemory(from: bytes, byteCount: bytes.count)
            signature.pointee = copy.assumingMemoryBound(to: UInt8.self)
            length.pointee = bytes.count
            return 0
          }
        }, &abstract))
  }

  func authenticate(user: String, password: SSHSecret) -> Step<Void> {
    password.bytes.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        step(
          libssh2_userauth_password_ex(
            session, user, UInt32(user.utf8.count), text.baseAddress ?? UnsafePointer(bitPattern: 1),
            UInt32(text.count), nil))
      }
    }
  }

  /// Answers one question without echo with the password, and anything else with nothing: what is asked for is text
  /// of a peer, and a second question of that kind means that the first answer was wrong.
  func authenticateInteractively(user: String, password: SSHSecret) -> Step<Void> {
    if context.password == nil { context.password = password }
    return step(
      libssh2_userauth_keyboard_interactive_ex(
        session, user, UInt32(user.utf8.count),
        { _, _, _, _, count, prompts, responses, abstract in
          guard let responses, let prompts, let context = Context.of(abstract) else { return }
          for index in 0..<Int(count) { responses[index] = LIBSSH2_USERAUTH_KBDINT_RESPONSE(text: nil, length: 0) }
          guard count == 1, prompts[0].echo == 0, let secret = context.password,
            let copy = malloc(max(1, secret.bytes.count))
          else { return }
          copy.copyMemory(from: secret.bytes, byteCount: secret.bytes.count)
          responses[0].text = copy.assumingMemoryBound(to: CChar.self)
          responses[0].length = UInt32(secret.bytes.count)
          context.password = SSHSecret(bytes: [])
        }))
  }

  // MARK: Channels

  func openSession() -> Step<NativeChannel> {
    // The macro libssh2_channel_open_session: window 2 MiB, packets of 32 KiB.
    step(libssh2_channel_open_ex(session, "session", 7, 2 * 1_024 * 1_024, 32_768, nil, 0)) {
      NativeChannel($0, of: self)
    }
  }

  func openTunnel(to host: String, port: UInt16) -> Step<NativeChannel> {
    step(libssh2_channel_direct_tcpip_ex(session, host, Int32(port), "127.0.0.1", 22)) { NativeChannel($0, of: self) }
  }

  func listen(host: String, port: UInt16, queue: Int) -> Step<(listener: NativeListener, port: UInt16)> {
    var bound: Int32 = Int32(port)
    let handle = libssh2_channel_forward_listen_ex(session, host, Int32(port), &bound, Int32(queue))
    return step(handle) { (NativeListener($0, of: self), UInt16(truncatingIfNeeded: bound)) }
  }

  /// Puts the farewell into the queue.
  func disconnect() { libssh2_session_disconnect_ex(session, SSH_DISCONNECT_BY_APPLICATION, "done", "") }

  fileprivate func finish(_ status: Int32) -> Step<Void> { step(status) }
  fileprivate func fail<Value>(_ status: Int) -> Step<Value> { failure(Int32(truncatingIfNeeded: status)) }
}

/// One channel. Nothing is freed by dropping it: `close` must say done, or the session must go.
final class NativeChannel {
  private let channel: OpaquePointer
  private unowned let session: NativeSession

  fileprivate init(_ channel: OpaquePointer, of session: NativeSession) {
    self.channel = channel
    self.session = session
  }

  func execute(_ command: String) -> Step<Void> {
    session.finish(
      libssh2_channel_process_startup(channel, "exec", 4, command, UInt32(command.utf8.count)))
  }

  /// Stream 0 is standard output, 1 standard error; 2 exists nowhere, but asking for it reads the transport.
  /// Zero bytes mean the end of the stream.
  func read(stream: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Step<Int> {
    let count = libssh2_channel_read_ex(
      channel, stream, buffer.bindMemory(to: CChar.self).baseAddress, buffer.count)
    return count < 0 ? session.fail(count) : .done(count)
  }

  /// Zero bytes taken mean that the window is closed.
  func write(_ bytes: UnsafeRawBufferPointer) -> Step<Int> {
    let count = libssh2_channel_write_ex(channel, 0, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
    return count < 0 ? session.fail(count) : .done(count)
  }

  func sendEnd() -> Step<Void> { session.finish(libssh2_channel_send_eof(channel)) }

  /// True when the peer sent its end of file and everything it sent before was read, of both streams.
  var isAtEnd: Bool { libssh2_channel_eof(channel) == 1 }

  /// Done when the peer closed the channel, which is after the exit status.
  func awaitClose() -> Step<Void> { session.finish(libssh2_channel_wait_closed(channel)) }

  var exitStatus: Int32 { libssh2_channel_get_exit_status(channel) }

  var exitSignal: String? {
    var name: UnsafeMutablePointer<CChar>?
    var length = 0
    guard libssh2_channel_get_exit_signal(channel, &name, &length, nil, nil, nil, nil) == 0, let name else {
      return nil
    }
    defer { free(name) }
    return String(decoding: UnsafeRawBufferPointer(start: name, count: length), as: UTF8.self)
  }

  /// Closes and frees; after `.done` or `.failed` the channel must not be used.
  func close() -> Step<Void> { session.finish(libssh2_channel_free(channel)) }
}

/// A remote forward.
final class NativeListener {
  private let listener: OpaquePointer
  private unowned let session: NativeSession

  fileprivate init(_ listener: OpaquePointer, of session: NativeSession) {
    self.listener = listener
    self.session = session
  }

  func accept() -> NativeChannel? {
    libssh2_channel_forward_accept(listener).map { NativeChannel($0, of: session) }
  }

  /// Stops listening; after `.done` or `.failed` the listener must not be used.
  func cancel() -> Step<Void> { session.finish(libssh2_channel_forward_cancel(listener)) }
}
