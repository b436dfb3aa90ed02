private import COpenSSL

/// Bytes that must not be seen: a passphrase, a MAC key, a private key in PEM. Prints `•••`; wiped when the last reference goes.
public struct PKISecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let storage: Storage

  /// Copies `bytes`. The caller's copy is the caller's to wipe.
  public init(_ bytes: some Collection<UInt8>) { storage = Storage(bytes) }

  /// Copies the UTF-8 of `text`.
  public init(_ text: String) { storage = Storage(text.utf8) }

  init(copying bytes: UnsafeRawBufferPointer) { storage = Storage(bytes) }

  /// The number of bytes.
  public var count: Int { storage.bytes.count }

  /// Lends the bytes; they MUST not be kept.
  public func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(storage.bytes))
  }

  /// Dots.
  public var description: String { "•••" }
  /// Dots.
  public var debugDescription: String { "•••" }
  /// Nothing to look into: `dump` and string interpolation of a struct that holds a secret stay silent.
  public var customMirror: Mirror { Mirror(self, children: [:]) }

  private final class Storage: @unchecked Sendable {  // written once in init, then only read
    let bytes: UnsafeMutableRawBufferPointer

    init(_ source: some Collection<UInt8>) {
      bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
      bytes.copyBytes(from: source)
    }

    deinit {
      OPENSSL_cleanse(bytes.baseAddress, bytes.count)
      bytes.deallocate()
    }
  }
}
