/// A digest of 32 bytes; SHA-256 wherever a journal is meant to be verified by others. The journal links to no cryptography: its caller brings it.
public typealias HashFunction = @Sendable ([UInt8]) -> [UInt8]

/// The newest row of the chain: whoever writes it down elsewhere can later prove that nothing before it was changed.
public struct ChainHead: Sendable, Equatable {
  /// The newest sequence number; 0 for an empty journal.
  public var sequence: Int64
  /// Its hash; 32 zero bytes for an empty journal.
  public var hash: [UInt8]

  /// The head of a journal without rows.
  public static let empty = ChainHead(sequence: 0, hash: [UInt8](repeating: 0, count: 32))

  /// Collects the parts.
  public init(sequence: Int64, hash: [UInt8]) {
    self.sequence = sequence
    self.hash = hash
  }
}

/// What the chain says about the journal.
public enum ChainVerdict: Sendable, Equatable {
  /// Every row carries the hash of itself and all before it.
  case intact(ChainHead)
  /// The first row that does not.
  case broken(sequence: Int64, reason: String)
}

/// What a row's hash covers.
struct ChainLink {
  var sequence: Int64
  var at: Int64
  var sweep: String?
  var body: String

  /// The previous hash, then the row, every number as eight bytes, big-endian, and every text behind its length (-1 for NULL): no two rows
  /// can be written alike.
  func bytes(after previous: [UInt8]) -> [UInt8] {
    var bytes = previous
    bytes.reserveCapacity(previous.count + body.utf8.count + 128)
    append(sequence, to: &bytes)
    append(at, to: &bytes)
    append(sweep, to: &bytes)
    append(body, to: &bytes)
    return bytes
  }

  private func append(_ number: Int64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private func append(_ text: String?, to bytes: inout [UInt8]) {
    guard let text else { return append(-1, to: &bytes) }
    append(Int64(text.utf8.count), to: &bytes)
    bytes.append(contentsOf: text.utf8)
  }
}
