/// SplitMix64 (Steele, Lea, Flood 2014): all the chance in a run comes from one seed that the plan prints.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts at a seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A fresh id of 16 hex digits after a one-letter prefix: `a` for attempts, `r` for rollouts, `s` for sweeps.
  public mutating func id<Subject>(_ prefix: Character) -> ID<Subject> {
    let hex = String(next(), radix: 16)
    return ID(String(prefix) + String(repeating: "0", count: 16 - hex.count) + hex)
  }
}
