/// The syntax of ids and labels: they become file names on nodes, keys in SQLite and words on command lines.
public enum Identifier {
  /// What ids and labels match, as the documentation and the faults say it.
  public static let pattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

  /// Whether a text is an id or label.
  public static func isValid(_ text: some StringProtocol) -> Bool {
    let bytes = text.utf8
    guard (1...64).contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else { return false }
    return bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2e || $0 == 0x5f || $0 == 0x2d }
  }

  /// The file label for a certificate that was given none: its first name, `*.` as `_wildcard.`.
  ///
  /// A name may have 253 bytes and a label 64, so a long one keeps its end, which differs least from what people search for, behind a stable hash.
  static func label(for name: String) -> String {
    let label = name.hasPrefix("*.") ? "_wildcard." + name.dropFirst(2) : name
    guard label.utf8.count > 64 else { return label }
    return hash(label) + "." + label.suffix(47).drop { $0 == "." || $0 == "-" }
  }

  /// A derived label made different from one on another VIP of the pair. Names have no `_`, so the result is nobody's derived label.
  static func label(_ label: String, on vip: VIPID) -> String {
    let joined = label + "_" + vip.rawValue
    return joined.utf8.count <= 64 ? joined : hash(joined) + "." + joined.suffix(47).drop { !isAlphanumeric($0) }
  }

  /// FNV-1a, 64 bits: never `hashValue`, which is seeded per process.
  private static func hash(_ text: String) -> String {
    let value = text.utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { $0 = ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func isAlphanumeric(_ character: Character) -> Bool {
    character.asciiValue.map(isAlphanumeric) ?? false
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: false
    }
  }
}
