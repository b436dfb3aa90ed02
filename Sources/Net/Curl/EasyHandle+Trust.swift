import CCurl

extension EasyHandle {
  /// Sets whose word counts for the server's certificate.
  mutating func set(_ trust: Trust) throws(NetError) {
    // With a directory set, libcurl 7.88 parses the bundle anew at every handshake instead of keeping it.
    try set(CURLOPT_CAPATH, nil)
    // The bundle may be replaced while we run (apt, a test's CA): read again after five minutes, not after a day.
    try set(CURLOPT_CA_CACHE_TIMEOUT, 300)
    switch trust {
    case .system:
      break
    case .bundle(let path):
      try set(CURLOPT_CAINFO, try WireText.line(path, as: "the path of the trust bundle"))
    case .unverified:
      try set(CURLOPT_SSL_VERIFYPEER, 0)
      try set(CURLOPT_SSL_VERIFYHOST, 0)
      // Parsing the system's bundle costs more than the handshake, and nobody would ask it.
      try set(CURLOPT_CAINFO, nil)
    }
  }
}
