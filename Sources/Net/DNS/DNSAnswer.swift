/// What may be asked of a name.
public enum RecordType: Sendable, Hashable {
  /// IPv4 addresses.
  case a
  /// IPv6 addresses.
  case aaaa
  /// Which CAs may issue (RFC 8659).
  case caa
  /// Texts.
  case txt
  /// The name this name is an alias of.
  case cname
  /// Name servers.
  case ns
  /// Mail exchangers.
  case mx
}

/// One record of an answer. Texts are as the zone's owner wrote them: hostile.
public enum DNSRecord: Sendable, Hashable {
  /// An address, IPv4 or IPv6, as text.
  case address(String)
  /// A CAA property; `critical` means that a CA which does not know the tag must not issue.
  case caa(critical: Bool, tag: String, value: String)
  /// A TXT record, its strings joined.
  case text(String)
  /// The name that this one is an alias of.
  case alias(String)
  /// A name server.
  case nameServer(String)
  /// A mail exchanger.
  case mailExchanger(preference: Int, host: String)
}

/// What a resolver said. A CA treats these very differently, so they are told apart.
public enum DNSAnswer: Sendable, Equatable {
  /// At least one record of the type asked for, aliases followed.
  case records([DNSRecord])
  /// NXDOMAIN: the name does not exist.
  case noSuchName
  /// The name exists and has no such record.
  case noData
  /// SERVFAIL or the like: broken delegation, broken DNSSEC. A CA does not issue over a SERVFAIL for CAA.
  case serverFailure
  /// The server will not answer us.
  case refused
  /// No server could be reached at all.
  case noServer
  /// A server is there and did not answer in time; also the answer to a cancelled task.
  case timedOut
  /// The question or the answer is not DNS.
  case malformed
}
