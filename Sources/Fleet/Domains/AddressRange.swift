import Foundation

/// A range of addresses that the Internet does not route (IANA's special-purpose registries, RFC 6890).
struct AddressRange: Sendable {
  private let prefix: [UInt8]
  private let bits: Int

  private init(_ text: String, _ bits: Int) {
    prefix = NetworkAddress.bytes(text) ?? []
    self.bits = bits
  }

  private func contains(_ address: [UInt8]) -> Bool {
    guard address.count == prefix.count else { return false }
    let whole = bits / 8
    guard address.prefix(whole).elementsEqual(prefix.prefix(whole)) else { return false }
    let mask = UInt8(truncatingIfNeeded: 0xff00 >> (bits % 8))
    return bits % 8 == 0 || address[whole] & mask == prefix[whole] & mask
  }

  /// Whether an address, in any spelling, is one that a public CA would connect to. What is no address is not.
  static func isPublic(_ text: String) -> Bool {
    guard let bytes = NetworkAddress.bytes(text) else { return false }
    // `::ffff:10.0.0.1` and NAT64's `64:ff9b::10.0.0.1` lead where the IPv4 address in them leads.
    if [mapped, translated].contains(where: { $0.contains(bytes) }) { return isPublic(ipv4: Array(bytes.suffix(4))) }
    if bytes.count == 4 { return isPublic(ipv4: bytes) }
    return globalUnicast.contains(bytes) && !reserved6.contains { $0.contains(bytes) }
  }

  private static func isPublic(ipv4 bytes: [UInt8]) -> Bool { !reserved4.contains { $0.contains(bytes) } }

  private static let mapped = AddressRange("::ffff:0:0", 96)
  private static let translated = AddressRange("64:ff9b::", 96)
  private static let globalUnicast = AddressRange("2000::", 3)
  private static let reserved6 = [
    AddressRange("2001::", 23), AddressRange("2001:db8::", 32), AddressRange("2002::", 16), AddressRange("3fff::", 20),
  ]
  private static let reserved4 = [
    AddressRange("0.0.0.0", 8), AddressRange("10.0.0.0", 8), AddressRange("100.64.0.0", 10),
    AddressRange("127.0.0.0", 8), AddressRange("169.254.0.0", 16), AddressRange("172.16.0.0", 12),
    AddressRange("192.0.0.0", 24), AddressRange("192.0.2.0", 24), AddressRange("192.88.99.0", 24),
    AddressRange("192.168.0.0", 16), AddressRange("198.18.0.0", 15), AddressRange("198.51.100.0", 24),
    AddressRange("203.0.113.0", 24), AddressRange("224.0.0.0", 3),
  ]
}
