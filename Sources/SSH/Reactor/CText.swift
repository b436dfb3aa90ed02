/// Bytes of ours where a C function takes text: it may look for the NUL although it is told the length.
///
/// The others that get bytes of ours keep to the length, as their sources say: a password is copied by it, an agent's key and signature are
/// `memcpy`ed, and strings that Swift itself hands to C end with a NUL.
enum CText {
  /// Lends the bytes with a NUL behind, which is not counted.
  static func lend<R>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>?, Int) -> R) -> R {
    (bytes + [0]).withUnsafeBytes { body($0.bindMemory(to: CChar.self).baseAddress, bytes.count) }
  }
}
