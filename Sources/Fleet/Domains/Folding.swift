extension String {
  /// In lower case; the very same text where it is so already, as nearly all names and labels are: nothing is allocated for them.
  var folded: String {
    let isLower = utf8.allSatisfy { $0 < 0x80 && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    return isLower ? self : lowercased()
  }
}
