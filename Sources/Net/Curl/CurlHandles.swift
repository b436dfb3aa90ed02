import CCurl

/// One transfer's handle, and everything libcurl reads or writes while the transfer lasts: option lists, the buffer for
/// error words, and the sink that its callbacks fill.
///
/// Easy and multi handle share this file because one is added to the other: no C pointer leaves it. Both live on the
/// loop's thread only.
struct EasyHandle: ~Copyable {
  fileprivate let handle: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  private var lists: [UnsafeMutablePointer<curl_slist>] = []
  let sink: TransferSink

  /// Nil when libcurl has no memory for one.
  init?(number: UInt, sink: TransferSink) {
    guard let handle = curl_easy_init() else { return nil }
    self.handle = handle
    self.sink = sink
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    // The sink outlives the callbacks: this struct holds it, and its deinit ends them.
    let context = Unmanaged.passUnretained(sink).toOpaque()
    certfleet_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
    certfleet_set_pointer(handle, CURLOPT_PRIVATE, UnsafeMutableRawPointer(bitPattern: number))
    certfleet_set_pointer(handle, CURLOPT_HEADERDATA, context)
    certfleet_set_pointer(handle, CURLOPT_WRITEDATA, context)
    certfleet_set_pointer(handle, CURLOPT_READDATA, context)
    certfleet_set_callback(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
      let sink = Unmanaged<TransferSink>.fromOpaque(context).takeUnretainedValue()
      return sink.receive(headerLine: line) ? line.count : 0
    }
    certfleet_set_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let part = UnsafeRawBufferPointer(start: bytes, count: size * count)
      let sink = Unmanaged<TransferSink>.fromOpaque(context).takeUnretainedValue()
      return sink.receive(body: part) ? part.count : 0
    }
    certfleet_set_callback(handle, CURLOPT_READFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return Int(CURL_READFUNC_ABORT) }
      let room = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
      return Unmanaged<TransferSink>.fromOpaque(context).takeUnretainedValue().upload(into: room)
    }
    // Without it libcurl uses SIGALRM and SIGPIPE handlers of the whole process.
    certfleet_set_long(handle, CURLOPT_NOSIGNAL, 1)
    // A transfer that is taken away must not wait for getaddrinfo: it would stop every other one for up to 30 s.
    certfleet_set_long(handle, CURLOPT_QUICK_EXIT, 1)
  }

  deinit {
    curl_easy_cleanup(handle)
    for list in lists { curl_slist_free_all(list) }
    errorText.deallocate()
  }

  mutating func set(_ option: CURLoption, _ value: Int) throws(NetError) {
    try check(certfleet_set_long(handle, option, value), option)
  }

  mutating func set(_ option: CURLoption, size value: Int) throws(NetError) {
    try check(certfleet_set_size(handle, option, curl_off_t(value)), option)
  }

  /// Sets a text, which libcurl copies; nil resets the option to none.
  mutating func set(_ option: CURLoption, _ value: String?) throws(NetError) {
    try check(certfleet_set_text(handle, option, value), option)
  }

  /// Sets bytes to be posted, which libcurl copies.
  mutating func post(_ body: [UInt8]) throws(NetError) {
    try set(CURLOPT_POST, 1)
    // The size comes first: COPYPOSTFIELDS copies that many bytes, and up to the first NUL otherwise.
    try set(CURLOPT_POSTFIELDSIZE_LARGE, size: body.count)
    let code = body.withUnsafeBytes { bytes in
      certfleet_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
    // libcurl takes a null pointer for "read the body by callback".
    if body.isEmpty { try set(CURLOPT_COPYPOSTFIELDS, "") }
    try check(code, CURLOPT_COPYPOSTFIELDS)
  }

  /// Sets a list of texts, kept until the handle ends.
  mutating func set(_ option: CURLoption, list: [String]) throws(NetError) {
    var head: UnsafeMutablePointer<curl_slist>?
    for text in list {
      guard let longer = curl_slist_append(head, text) else {
        curl_slist_free_all(head)
        throw NetError(.other, "libcurl has no memory for a list")
      }
      head = longer
    }
    guard let head else { return }
    lists.append(head)
    try check(certfleet_set_list(handle, option, head), option)
  }

  func number(_ info: CURLINFO) -> Int {
    var value = 0
    return certfleet_get_long(handle, info, &value) == CURLE_OK ? value : 0
  }

  /// A span that libcurl measured; zero where it did not come that far.
  func span(_ info: CURLINFO) -> Duration {
    var value: curl_off_t = 0
    return certfleet_get_size(handle, info, &value) == CURLE_OK ? .microseconds(value) : .zero
  }

  func text(_ info: CURLINFO) -> String {
    var value: UnsafeMutablePointer<CChar>?
    guard certfleet_get_text(handle, info, &value) == CURLE_OK, let value else { return "" }
    return String(cString: value)
  }

  /// libcurl's words for what went wrong, the specific ones where there are some.
  func words(for code: CURLcode) -> String {
    let specific = String(cString: errorText)
    return specific.isEmpty ? String(cString: curl_easy_strerror(code)) : specific
  }

  /// The PEM certificates that the server sent, in its order; empty unless `CURLOPT_CERTINFO` was set.
  func certificates() -> [String] {
    var chain: UnsafeMutablePointer<curl_certinfo>?
    guard certfleet_get_certinfo(handle, &chain) == CURLE_OK, let chain = chain?.pointee, let all = chain.certinfo
    else { return [] }
    return (0..<Int(chain.num_of_certs)).compactMap { index in
      var entry = all[index]
      while let current = entry {
        let text = String(cString: current.pointee.data)
        if text.hasPrefix("Cert:") { return String(text.dropFirst(5)) }
        entry = current.pointee.next
      }
      return nil
    }
  }

  private func check(_ code: CURLcode, _ option: CURLoption) throws(NetError) {
    guard code != CURLE_OK else { return }
    throw NetError(.other, "libcurl refused option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))")
  }
}

/// The set of running transfers and the connections they share.
struct MultiHandle: ~Copyable {
  private let handle: UnsafeMutableRawPointer

  /// Nil when libcurl has no memory for one.
  init?(keepingConnections count: Int) {
    // Safe on every thread since libcurl 7.84; counted, so that calling it once a loop is right.
    guard certfleet_curl_start() == CURLE_OK, let handle = curl_multi_init() else { return nil }
    self.handle = handle
    // By default libcurl keeps four connections for each *running* transfer, so a lull closes most of them.
    certfleet_multi_set_long(handle, CURLMOPT_MAXCONNECTS, count)
    // HTTP/2 gains nothing here (measured); one request a connection makes deadlines and refusals independent.
    certfleet_multi_set_long(handle, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
  }

  deinit { curl_multi_cleanup(handle) }

  mutating func add(_ easy: borrowing EasyHandle) -> Bool { curl_multi_add_handle(handle, easy.handle) == CURLM_OK }

  mutating func remove(_ easy: borrowing EasyHandle) { curl_multi_remove_handle(handle, easy.handle) }

  /// Moves every transfer on as far as it goes without waiting. False when libcurl cannot go on.
  mutating func perform() -> Bool {
    var running: Int32 = 0
    return curl_multi_perform(handle, &running) == CURLM_OK
  }

  /// The number and the result of a transfer that has ended, once each.
  mutating func nextEnded() -> (number: UInt, code: CURLcode)? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(handle, &left)?.pointee {
      guard message.msg == CURLMSG_DONE else { continue }
      var number: UnsafeMutableRawPointer?
      certfleet_get_pointer(message.easy_handle, CURLINFO_PRIVATE, &number)
      return (UInt(bitPattern: number), message.data.result)
    }
    return nil
  }

  /// Sleeps until a transfer can go on, the descriptor has input, or the time is over.
  mutating func sleep(milliseconds: Int, orInputOn descriptor: Int32) {
    var bell = curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
    curl_multi_poll(handle, &bell, descriptor < 0 ? 0 : 1, Int32(milliseconds), nil)
  }
}
