import CCares
import Glibc

extension DNSAnswer {
  /// Reads what c-ares said of a question, and the packet where there is one.
  init(status: Int32, packet: [UInt8], type: RecordType) {
    switch status {
    case ARES_SUCCESS: self = Self.read(packet, type)
    case ARES_ENODATA: self = .noData
    case ARES_ENOTFOUND: self = .noSuchName
    case ARES_ESERVFAIL, ARES_ENOTIMP, ARES_EFORMERR, ARES_ENOMEM:
      self = .serverFailure
    case ARES_EREFUSED: self = .refused
    case ARES_ETIMEOUT: self = .timedOut
    case ARES_EBADRESP, ARES_EBADNAME, ARES_EBADQUERY, ARES_EBADSTR:
      self = .malformed
    default: self = .noServer
    }
  }

  private static func read(_ packet: [UInt8], _ type: RecordType) -> DNSAnswer {
    let (status, records) =
      switch type {
      case .a: addresses4(packet)
      case .aaaa: addresses6(packet)
      case .caa: caa(packet)
      case .txt: texts(packet)
      case .cname: aliases(packet)
      case .ns: nameServers(packet)
      case .mx: mailExchangers(packet)
      }
    guard status == ARES_SUCCESS || status == ARES_ENODATA else { return .malformed }
    // An alias that leads to a name without the record is a success without records.
    return records.isEmpty ? .noData : .records(records)
  }

  private typealias Reading = (status: Int32, records: [DNSRecord])

  /// More addresses than this are no host's.
  private static let mostAddresses = 64

  private static func addresses4(_ packet: [UInt8]) -> Reading {
    var found = [ares_addrttl](repeating: ares_addrttl(), count: mostAddresses)
    var count = Int32(mostAddresses)
    let status = ares_parse_a_reply(packet, Int32(packet.count), nil, &found, &count)
    return (status, found.prefix(Int(max(0, count))).map { .address(text(of: $0.ipaddr, AF_INET)) })
  }

  private static func addresses6(_ packet: [UInt8]) -> Reading {
    var found = [ares_addr6ttl](repeating: ares_addr6ttl(), count: mostAddresses)
    var count = Int32(mostAddresses)
    let status = ares_parse_aaaa_reply(packet, Int32(packet.count), nil, &found, &count)
    return (status, found.prefix(Int(max(0, count))).map { .address(text(of: $0.ip6addr, AF_INET6)) })
  }

  private static func text<Address>(of address: Address, _ family: Int32) -> String {
    withUnsafeBytes(of: address) { bytes in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { room in
        guard let start = room.baseAddress,
          inet_ntop(family, bytes.baseAddress, start, socklen_t(room.count)) != nil
        else { return "" }
        return String(cString: start)
      }
    }
  }

  private static func caa(_ packet: [UInt8]) -> Reading {
    var head: UnsafeMutablePointer<ares_caa_reply>?
    let status = ares_parse_caa_reply(packet, Int32(packet.count), &head)
    defer { ares_free_data(head) }
    var records: [DNSRecord] = []
    var entry = head
    while let current = entry?.pointee {
      // RFC 8659 §4.1: bit 0, the most significant one, is "issuer critical"; c-ares hands on the whole byte. So many zones have 1 there
      // that Boulder takes it for the same (va/caa.go).
      records.append(
        .caa(
          critical: current.critical & 0x81 != 0, tag: text(current.property, current.plength),
          value: text(current.value, current.length)))
      entry = current.next
    }
    return (status, records)
  }

  private static func texts(_ packet: [UInt8]) -> Reading {
    var head: UnsafeMutablePointer<ares_txt_ext>?
    let status = ares_parse_txt_reply_ext(packet, Int32(packet.count), &head)
    defer { ares_free_data(head) }
    var all: [String] = []
    var entry = head
    while let current = entry?.pointee {
      let part = text(current.txt, current.length)
      if current.record_start != 0 || all.isEmpty { all.append(part) } else { all[all.count - 1] += part }
      entry = current.next
    }
    return (status, all.map(DNSRecord.text))
  }

  private static func aliases(_ packet: [UInt8]) -> Reading {
    var host: UnsafeMutablePointer<hostent>?
    let status = ares_parse_a_reply(packet, Int32(packet.count), &host, nil, nil)
    defer { if let host { ares_free_hostent(host) } }
    guard let entry = host?.pointee, let name = entry.h_name else { return (status, []) }
    return (status, [.alias(String(cString: name))])
  }

  private static func nameServers(_ packet: [UInt8]) -> Reading {
    var host: UnsafeMutablePointer<hostent>?
    let status = ares_parse_ns_reply(packet, Int32(packet.count), &host)
    defer { if let host { ares_free_hostent(host) } }
    guard var names = host?.pointee.h_aliases else { return (status, []) }
    var records: [DNSRecord] = []
    while let name = names.pointee {
      records.append(.nameServer(String(cString: name)))
      names += 1
    }
    return (status, records)
  }

  private static func mailExchangers(_ packet: [UInt8]) -> Reading {
    var head: UnsafeMutablePointer<ares_mx_reply>?
    let status = ares_parse_mx_reply(packet, Int32(packet.count), &head)
    defer { ares_free_data(head) }
    var records: [DNSRecord] = []
    var entry = head
    while let current = entry?.pointee {
      if let host = current.host {
        records.append(.mailExchanger(preference: Int(current.priority), host: String(cString: host)))
      }
      entry = current.next
    }
    return (status, records)
  }

  private static func text(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> String {
    String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }
}
