/// An answer with what tells whose word it is.
public struct DNSReply: Sendable, Equatable {
  /// What was said.
  public let answer: DNSAnswer
  /// The AA bit (RFC 1035 §4.1.1): the server speaks of a zone of its own, not from a cache.
  public let isAuthoritative: Bool
  /// No record at all came with it: not even an alias, which would be another name's answer.
  public let isEmpty: Bool

  /// Collects the parts; what never came as a packet is nobody's word.
  public init(_ answer: DNSAnswer, isAuthoritative: Bool = false, isEmpty: Bool = true) {
    self.answer = answer
    self.isAuthoritative = isAuthoritative
    self.isEmpty = isEmpty
  }

  /// A no for which the zone's own server stands.
  public var isOwnDenial: Bool { isAuthoritative && isEmpty && (answer == .noSuchName || answer == .noData) }

  init(status: Int32, packet: [UInt8], type: RecordType) {
    answer = DNSAnswer(status: status, packet: packet, type: type)
    // RFC 1035 §4.1.1: AA is bit 0x04 of the third byte, ANCOUNT the seventh and eighth.
    let hasHead = packet.count >= 12
    isAuthoritative = hasHead && packet[2] & 0x04 != 0
    isEmpty = !hasHead || (packet[6] == 0 && packet[7] == 0)
  }
}
