private import CIDN2

/// UTS-46 by libidn2.
enum InternationalName {
  /// The name in lower-case ASCII; U-labels become A-labels, A-labels are checked.
  static func toASCII(_ text: String) throws(NameFault) -> String {
    let lower = text.utf8.allSatisfy { $0 < 0x80 } ? text.lowercased() : nil
    // Nearly every row of a list is plain ASCII; libidn2 would only lower-case it, and lets a label of 64 bytes fail without saying which.
    if let lower, !hasALabel(lower) { return lower }

    var output: UnsafeMutablePointer<UInt8>?
    var flags = Int32(IDN2_NFC_INPUT.rawValue | IDN2_NONTRANSITIONAL.rawValue)
    // An A-label that exists is taken where UTS-46 allows it: there are registered emoji domains, which IDNA2008 alone forbids.
    if lower != nil { flags |= Int32(IDN2_NO_ALABEL_ROUNDTRIP.rawValue) }
    let code = Array((lower ?? text).utf8CString).withUnsafeBytes { bytes in
      idn2_lookup_u8(bytes.bindMemory(to: UInt8.self).baseAddress, &output, flags)
    }
    defer { idn2_free(output) }
    guard code == IDN2_OK.rawValue, let output else {
      throw .notIDNA(reason: String(cString: idn2_strerror(code)))
    }
    return String(cString: output)
  }

  /// Whether a label begins with `xn--`.
  private static func hasALabel(_ name: String) -> Bool {
    // Few names have two hyphens in a row, and those are found at the speed of bytes.
    guard zip(name.utf8, name.utf8.dropFirst()).contains(where: { $0 == hyphen && $1 == hyphen }) else { return false }
    return name.hasPrefix("xn--") || name.contains(".xn--")
  }

  private static let hyphen = UInt8(ascii: "-")
}
