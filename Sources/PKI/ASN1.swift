import COpenSSL
import Foundation

/// The ASN.1 values that certificates hold.
enum ASN1 {
  /// GeneralizedTime and UTCTime; years before 1970 occur in test vectors.
  static func date(_ time: UnsafePointer<ASN1_TIME>?) throws(PKIError) -> Date {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { throw .malformed("date of a certificate") }
    return Date(timeIntervalSince1970: TimeInterval(timegm(&parts)))
  }

  /// The content bytes of the DER encoding: two's complement, so with a leading zero when the top bit is set.
  static func content(ofInteger integer: UnsafePointer<ASN1_INTEGER>?) throws(PKIError) -> [UInt8] {
    let der = try DER.encode("a serial number") { i2d_ASN1_INTEGER(integer, $0) }
    // Tag, then a length of one byte: RFC 5280 section 4.1.2.2 allows 20 bytes, longer ones are refused here.
    guard der.count > 2, der[1] < 0x80, Int(der[1]) == der.count - 2 else { throw .malformed("serial number") }
    return Array(der.dropFirst(2))
  }

  static func bytes(_ string: UnsafePointer<ASN1_OCTET_STRING>?) -> [UInt8]? {
    guard let string, let start = ASN1_STRING_get0_data(string) else { return nil }
    return Array(UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(string))))
  }
}

/// The subject alternative name extension.
enum AlternativeNames {
  /// Takes over `names`, which may be null.
  static func take(_ names: OpaquePointer?) -> (dns: [String], ip: [String]) {
    guard let names else { return ([], []) }
    defer { GENERAL_NAMES_free(names) }
    var dns: [String] = []
    var ip: [String] = []
    for index in 0..<max(0, certfleet_names_count(names)) {
      var start: UnsafePointer<UInt8>?
      var count: Int32 = 0
      let type = certfleet_name_at(names, index, &start, &count)
      let bytes = Array(UnsafeBufferPointer(start: start, count: Int(count)))
      if type == GEN_DNS { dns.append(String(decoding: bytes, as: UTF8.self)) }
      if type == GEN_IPADD, let text = IPAddress.text(bytes) { ip.append(text) }
    }
    return (dns, ip)
  }
}

/// Addresses as they stand in certificates: 4 or 16 bytes.
enum IPAddress {
  static func bytes(_ text: String) -> [UInt8]? {
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
    var sixteen = in6_addr()
    if inet_pton(AF_INET6, text, &sixteen) == 1 { return withUnsafeBytes(of: sixteen) { Array($0) } }
    return nil
  }

  static func text(_ bytes: [UInt8]) -> String? {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &buffer, socklen_t(buffer.count)) != nil else {
      return nil
    }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// Subject and issuer.
enum DistinguishedName {
  /// RFC 2253, control characters escaped, UTF-8 as it is.
  static func text(_ name: OpaquePointer?) throws(PKIError) -> String {
    let output = try MemoryBIO()
    guard let name, certfleet_print_name(output.pointer, name) >= 0 else {
      throw PKIError.fromQueue(doing: "read a name")
    }
    return output.text
  }

  static func commonNames(_ name: OpaquePointer?) -> [String] {
    var found: [String] = []
    var index: Int32 = -1
    while true {
      index = X509_NAME_get_index_by_NID(name, NID_commonName, index)
      guard index >= 0 else { return found }
      var start: UnsafeMutablePointer<UInt8>?
      let value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))
      let count = ASN1_STRING_to_UTF8(&start, value)
      guard count >= 0, let start else { continue }
      defer { certfleet_free(start) }
      found.append(String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self))
    }
  }
}
