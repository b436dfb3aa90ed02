/// Reads the data types of RFC 4251 §5 from bytes that a peer or a file gave us; nil when they run short.
struct WireReader {
  private let bytes: [UInt8]
  private(set) var offset: Int

  init(_ bytes: [UInt8], from offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  var remaining: Int { bytes.count - offset }

  mutating func byte() -> UInt8? {
    guard remaining >= 1 else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func uint32() -> UInt32? {
    guard remaining >= 4 else { return nil }
    defer { offset += 4 }
    return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  mutating func take(_ count: Int) -> [UInt8]? {
    guard count >= 0, remaining >= count else { return nil }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }

  mutating func string() -> [UInt8]? {
    guard let length = uint32() else { return nil }
    return take(Int(length))
  }

  /// A comma-separated list of names.
  mutating func nameList() -> [String]? {
    string().map { String(decoding: $0, as: UTF8.self).split(separator: ",").map(String.init) }
  }
}

/// Writes the data types of RFC 4251 §5.
extension [UInt8] {
  mutating func append(uint32 value: UInt32) {
    append(contentsOf: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) })
  }

  mutating func append(string value: [UInt8]) {
    append(uint32: UInt32(value.count))
    append(contentsOf: value)
  }
}
