import Fleet
import Foundation
import PKI

extension IssuedCertificate {
  /// SHA-1 of the leaf in upper-case hex: all that HAProxy tells of a certificate in memory. Computed here, it saves every node a process a
  /// certificate; nil where the PEM cannot be read, and then the node does it.
  var leafSHA1: String? {
    guard let leaf = chain.first else { return nil }
    let lines = leaf.split(whereSeparator: \.isNewline)
    let body = lines.drop { !$0.hasPrefix("-----BEGIN ") }.dropFirst().prefix { !$0.hasPrefix("-----END ") }
    return Data(base64Encoded: body.joined()).map { hex(sha1($0)).uppercased() }
  }
}
