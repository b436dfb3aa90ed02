import Foundation

/// Addresses and host names as people write them in the inventory.
enum NetworkAddress {
  /// An IPv4 or IPv6 address in its one canonical spelling, so that `2001:DB8::0:1` is seen to be `2001:db8::1`.
  static func canonical(_ text: String) -> String? {
    guard text.utf8.count < 64, !text.utf8.contains(0) else { return nil }
    for family in [AF_INET, AF_INET6] {
      var binary = in6_addr()  // Large enough for both.
      guard inet_pton(family, text, &binary) == 1 else { continue }
      var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      guard inet_ntop(family, &binary, &buffer, socklen_t(buffer.count)) != nil else { return nil }
      return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return nil
  }

  /// The 4 or 16 bytes of an address; nil for what is none.
  static func bytes(_ text: String) -> [UInt8]? {
    guard text.utf8.count < 64, !text.utf8.contains(0) else { return nil }
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var binary = in6_addr()  // Large enough for both.
      if inet_pton(family, text, &binary) == 1 { return withUnsafeBytes(of: &binary) { Array($0.prefix(count)) } }
    }
    return nil
  }

  /// An address or a host name, folded for comparison; nil when it is neither.
  static func host(_ text: String) -> String? {
    if let address = canonical(text) { return address }
    let name = text.lowercased()
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    guard name.utf8.count <= 253,
      labels.allSatisfy({ label in
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
          && label.utf8.allSatisfy {
            $0 == 0x2d || $0 == 0x5f || (0x30...0x39).contains($0) || (0x61...0x7a).contains($0)
          }
      }),
      // `10.0.0.300` is a mistyped address, not a host name.
      labels.last?.utf8.allSatisfy({ (0x30...0x39).contains($0) }) == false
    else { return nil }
    return name
  }
}
