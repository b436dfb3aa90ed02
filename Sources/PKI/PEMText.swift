private import COpenSSL
import Foundation

/// PEM for what is public.
enum PEMText {
  /// RFC 7468: 64 characters a line.
  static func block(_ label: String, _ der: [UInt8]) -> String {
    let encoded = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    return "-----BEGIN \(label)-----\n\(encoded)\n-----END \(label)-----\n"
  }

  /// The contents of all blocks with one of these labels, in order. Blocks with other labels are passed over, even ones that are encrypted.
  static func blocks(_ labels: [String], in text: String) throws(PKIError) -> [[UInt8]] {
    ERR_clear_error()
    let input = try MemoryBIO(reading: text)
    var found: [[UInt8]] = []
    while true {
      var label: UnsafeMutablePointer<CChar>?
      var header: UnsafeMutablePointer<CChar>?
      var content: UnsafeMutablePointer<UInt8>?
      var count = 0
      guard PEM_read_bio(input.pointer, &label, &header, &content, &count) == 1 else { break }
      defer {
        certfleet_free(label)
        certfleet_free(header)
        // Passed over, it may be a private key.
        certfleet_clear_free(content, max(0, count))
      }
      guard let label, labels.contains(String(cString: label)) else { continue }
      found.append(Array(UnsafeBufferPointer(start: content, count: max(0, count))))
    }
    // "No start line" is how the end of the text looks; anything else is a ruined block, and the bundle no shorter one.
    let errors = OpenSSLErrors.drain()
    guard let last = errors.last, last.library != ERR_LIB_PEM || last.reason != PEM_R_NO_START_LINE else {
      return found
    }
    throw .malformed("PEM (\(last.text))")
  }
}
