import Foundation

/// A public key by which a server proves who it is, as bytes to pin and compare.
public struct HostKey: Sendable, Hashable, CustomStringConvertible {
  /// The type as it stands in the key itself: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, …
  public let type: String
  /// The key in the wire format of RFC 4253 §6.6.
  public let blob: [UInt8]

  /// Reads the type from the first string of `blob`; nil if there is none.
  public init?(blob: [UInt8]) {
    var reader = WireReader(blob)
    guard let name = reader.string(), !name.isEmpty, name.count <= 64, name.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      return nil
    }
    self.type = String(decoding: name, as: UTF8.self)
    self.blob = blob
  }

  /// Reads `type base64 [comment]`, as in a `.pub` file; nil unless the type and the key agree.
  public init?(openSSH line: String) {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline })
    guard words.count >= 2, let data = Data(base64Encoded: String(words[1])), let key = HostKey(blob: Array(data)),
      key.type == words[0]
    else { return nil }
    self = key
  }

  /// `type base64`, as `ssh-keyscan` prints it after the host.
  public var openSSH: String { type + " " + Data(blob).base64EncodedString() }

  /// `SHA256:…`, as `ssh-keygen -l` prints it.
  public var fingerprint: String {
    "SHA256:" + Data(SHA256.hash(blob)).base64EncodedString().trimmingCharacters(in: CharacterSet(charactersIn: "="))
  }

  /// `type fingerprint`.
  public var description: String { type + " " + fingerprint }
}

extension HostKey: Codable {
  /// Reads the OpenSSH line.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let line = try container.decode(String.self)
    guard let key = HostKey(openSSH: line) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "not a host key: type and base64 expected")
    }
    self = key
  }

  /// Writes the OpenSSH line.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(openSSH)
  }
}
