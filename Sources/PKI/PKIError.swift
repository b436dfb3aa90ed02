private import COpenSSL

/// Why a key, request or certificate could not be read, made or used.
public enum PKIError: Error, Sendable, Hashable {
  /// The text or DER is not what it should be.
  case malformed(String)
  /// The key is encrypted and no passphrase was given.
  case passphraseNeeded
  /// The passphrase does not open the key.
  case wrongPassphrase
  /// A key of a kind or size that ACME accounts and public CAs do not take.
  case unsupportedKey(String)
  /// A name that cannot stand in a certificate request.
  case unusableName(String)
  /// OpenSSL failed where no input is to blame. The text is OpenSSL's.
  case library(String)

  /// What went wrong, in one line.
  public var text: String {
    switch self {
    case .malformed(let what): "cannot be read: \(what)"
    case .passphraseNeeded: "the key is encrypted and no passphrase was given"
    case .wrongPassphrase: "the passphrase does not open the key"
    case .unsupportedKey(let kind): "a key of this kind is not supported: \(kind)"
    case .unusableName(let name): "this name cannot stand in a certificate request: \(name)"
    case .library(let reason): "OpenSSL failed: \(reason)"
    }
  }

  /// The newest entry of OpenSSL's queue of this thread, which is emptied: a leftover would be blamed on the next call.
  static func fromQueue(doing what: String) -> PKIError {
    .library("\(what): \(OpenSSLErrors.drain().last?.text ?? "no reason given")")
  }
}

/// OpenSSL's error queue, which belongs to a thread.
struct OpenSSLErrors {
  let library: Int32
  let reason: Int32
  let text: String

  static func drain() -> [OpenSSLErrors] {
    var found: [OpenSSLErrors] = []
    while case let code = ERR_get_error(), code != 0 {
      let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
      found.append(
        OpenSSLErrors(library: certfleet_error_library(code), reason: certfleet_error_reason(code), text: text))
    }
    return found
  }
}
