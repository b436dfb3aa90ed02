/// POSIX `cksum`: present on every node, from busybox to FreeBSD, and enough against a full disk or a torn write. That a file is the right
/// one is shown by openssl on the node, by SHA-256 of leaf and public key.
enum CheckSum {
  /// What `cksum <FILE` prints: the CRC and the length.
  static func posix(of text: String) -> String {
    let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
    var crc: UInt32 = 0
    for byte in bytes { crc = next(crc, byte) }
    // The length follows the content, low byte first, without leading zeros.
    var length = bytes.count
    while length > 0 {
      crc = next(crc, UInt8(truncatingIfNeeded: length))
      length >>= 8
    }
    return "\(~crc) \(bytes.count)"
  }

  private static func next(_ crc: UInt32, _ byte: UInt8) -> UInt32 { crc << 8 ^ table[Int(crc >> 24) ^ Int(byte)] }

  /// Polynomial 0x04C11DB7, high bit first.
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index) << 24) { crc, _ in crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04C1_1DB7 : crc << 1 }
  }
}
