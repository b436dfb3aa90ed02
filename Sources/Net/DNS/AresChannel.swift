import CCares
import Glibc

/// c-ares' channel: its sockets, its questions in flight, and the answers that have come in. Lives on one thread.
struct AresChannel: ~Copyable {
  private let channel: ares_channel
  private let state: State
  private let settings: ResolverSettings

  /// What the callbacks write: c-ares calls them only from within the calls below.
  private final class State {
    var sockets: [Int32: Int16] = [:]
    var answered: [(number: UInt, reply: DNSReply)] = []
    var inFlight = 0
  }

  /// One question on its way; c-ares hands it back with the answer.
  private final class Question {
    let number: UInt
    let type: RecordType
    let state: State

    init(number: UInt, type: RecordType, state: State) {
      self.number = number
      self.type = type
      self.state = state
    }
  }

  /// Not thread-safe in c-ares 1.18, so once a process.
  private static let isLibraryReady = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS

  /// Questions whose answers have not come in.
  var inFlight: Int { state.inFlight }

  /// Nil when the settings name no server that can be asked.
  init?(_ settings: ResolverSettings) {
    guard Self.isLibraryReady else { return nil }
    let state = State()
    var options = ares_options()
    // NOCHECKRESP: SERVFAIL and REFUSED are answers, not "could not contact". EDNS: CAA and TXT sets outgrow 512 bytes.
    options.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES
    // The size that passes everywhere without fragments (DNS flag day 2020).
    options.ednspsz = 1232
    options.timeout = Int32(settings.timeout.wholeMilliseconds)
    options.tries = Int32(clamping: settings.tries)
    options.socket_receive_buffer_size = 1 << 20
    // Sockets are told to us: `ares_fds` writes beyond its set when the process has more than 1,024 descriptors.
    options.sock_state_cb = { context, socket, readable, writable in
      guard let context else { return }
      let state = Unmanaged<State>.fromOpaque(context).takeUnretainedValue()
      let events = Int16(readable != 0 ? POLLIN : 0) | Int16(writable != 0 ? POLLOUT : 0)
      state.sockets[socket] = events == 0 ? nil : events
    }
    options.sock_state_cb_data = Unmanaged.passUnretained(state).toOpaque()
    let mask =
      ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_RCVBUF
      | ARES_OPT_SOCK_STATE_CB
    var channel: ares_channel?
    guard ares_init_options(&channel, &options, mask) == ARES_SUCCESS, let channel else { return nil }
    if !settings.servers.isEmpty {
      let status = ares_set_servers_ports_csv(channel, settings.servers.joined(separator: ","))
      guard status == ARES_SUCCESS else {
        ares_destroy(channel)
        return nil
      }
    }
    self.channel = channel
    self.state = state
    self.settings = settings
  }

  /// Ends every question that is left; their callbacks run within.
  deinit { ares_destroy(channel) }

  /// Sends a question. Its answer comes in by `collect`.
  mutating func ask(_ name: String, _ type: RecordType, number: UInt) {
    state.inFlight += 1
    let question = Unmanaged.passRetained(Question(number: number, type: type, state: state)).toOpaque()
    ares_query(
      channel, name, Int32(ns_c_in.rawValue), type.code,
      { context, status, _, bytes, count in
        guard let context else { return }
        // c-ares calls back exactly once a question: here its reference ends.
        let question = Unmanaged<Question>.fromOpaque(context).takeRetainedValue()
        let packet = Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
        question.state.inFlight -= 1
        question.state.answered.append(
          (question.number, DNSReply(status: status, packet: packet, type: question.type)))
      }, question)
  }

  /// The answers that came in since the last call.
  mutating func collect() -> [(number: UInt, reply: DNSReply)] {
    defer { state.answered = [] }
    return state.answered
  }

  /// Sleeps until a socket or the descriptor has something, or a question has to be sent again; then reads and sends.
  mutating func sleep(orInputOn descriptor: Int32) {
    var entries = state.sockets.map { pollfd(fd: $0.key, events: $0.value, revents: 0) }
    entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
    var limit = timeval(tv_sec: descriptor < 0 ? 0 : 60, tv_usec: 20_000)
    var room = timeval()
    let wait = ares_timeout(channel, &limit, &room)?.pointee ?? limit
    // Rounded up: waking a moment too early would make the loop spin until c-ares agrees.
    poll(&entries, nfds_t(entries.count), Int32(wait.tv_sec * 1000 + (Int(wait.tv_usec) + 999) / 1000))
    for entry in entries.dropLast() where entry.revents != 0 {
      let canRead = entry.revents & Int16(POLLIN | POLLERR | POLLHUP) != 0
      let canWrite = entry.revents & Int16(POLLOUT | POLLERR | POLLHUP) != 0
      // A socket that an earlier round of this loop closed is unknown to c-ares, which then does nothing.
      ares_process_fd(channel, canRead ? entry.fd : ARES_SOCKET_BAD, canWrite ? entry.fd : ARES_SOCKET_BAD)
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD)
  }
}

extension RecordType {
  fileprivate var code: Int32 {
    switch self {
    case .a: Int32(ns_t_a.rawValue)
    case .aaaa: Int32(ns_t_aaaa.rawValue)
    case .caa: Int32(ns_t_caa.rawValue)
    case .txt: Int32(ns_t_txt.rawValue)
    case .cname: Int32(ns_t_cname.rawValue)
    case .ns: Int32(ns_t_ns.rawValue)
    case .mx: Int32(ns_t_mx.rawValue)
    }
  }
}
