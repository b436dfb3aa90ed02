/// A hash that is the same in every process and on every machine, unlike `hashValue`.
public enum StableHash {
  /// FNV-1a over the UTF-8 of the texts, each ended by a zero byte, then SplitMix64's finalizer so that near texts lie far apart.
  public static func of(_ texts: some Sequence<String>, seed: UInt64) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
    for text in texts {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
      hash = hash &* 0x0000_0100_0000_01B3
    }
    return mixed(hash &+ seed)
  }

  /// The hash of one text.
  public static func of(_ text: String, seed: UInt64) -> UInt64 { of(CollectionOfOne(text), seed: seed) }

  /// Sixteen lower-case hexadecimal digits.
  static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
