extension Duration {
  /// Milliseconds for a C library, at least 1: libcurl and c-ares read 0 as "no limit".
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    // Past 24 days a 32-bit `int` of milliseconds overflows in c-ares.
    guard seconds < 2_000_000 else { return 2_000_000_000 }
    return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
  }
}
