private import COpenSSL

/// One OpenSSL object, freed when it goes out of scope. Never leaves the function that made it.
struct Handle: ~Copyable {
  let pointer: OpaquePointer
  private let release: @convention(c) (OpaquePointer?) -> Void

  /// - Throws: `error` when OpenSSL gave nothing.
  init(
    _ pointer: OpaquePointer?, _ release: @escaping @convention(c) (OpaquePointer?) -> Void,
    or error: @autoclosure () -> PKIError
  ) throws(PKIError) {
    guard let pointer else { throw error() }
    self.pointer = pointer
    self.release = release
  }

  deinit { release(pointer) }
}

/// A private key, or a public one, inside OpenSSL, which wipes its numbers when the last reference goes.
final class KeyHandle: @unchecked Sendable {  // an EVP_PKEY never changes once made, and OpenSSL locks its inner caches
  let pointer: OpaquePointer

  /// Takes over the reference.
  init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { EVP_PKEY_free(pointer) }
}

/// Growing memory of OpenSSL's, for PEM in and out. Wiped when freed if made for secrets.
struct MemoryBIO: ~Copyable {
  let pointer: OpaquePointer

  /// An empty one to write to; `secret` puts it into OpenSSL's wiped memory.
  init(secret: Bool = false) throws(PKIError) {
    guard let made = BIO_new(secret ? BIO_s_secmem() : BIO_s_mem()) else {
      throw PKIError.fromQueue(doing: "allocate")
    }
    pointer = made
  }

  /// A copy of `bytes` to read from, in wiped memory.
  init(readingSecret bytes: UnsafeRawBufferPointer) throws(PKIError) {
    guard bytes.count <= Int32.max else { throw .malformed("too long") }
    let count = Int32(bytes.count)
    guard let made = BIO_new(BIO_s_secmem()) else { throw PKIError.fromQueue(doing: "allocate") }
    guard count == 0 || BIO_write(made, bytes.baseAddress, count) == count else {
      BIO_free_all(made)
      throw PKIError.fromQueue(doing: "copy")
    }
    pointer = made
  }

  /// A copy of `text` to read from.
  init(reading text: String) throws(PKIError) {
    let bytes = Array(text.utf8)
    guard bytes.count <= Int32.max, let made = BIO_new(BIO_s_mem()) else { throw .malformed("too long") }
    guard bytes.isEmpty || BIO_write(made, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
      BIO_free_all(made)
      throw PKIError.fromQueue(doing: "copy")
    }
    pointer = made
  }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var start: UnsafeMutablePointer<CChar>?
    let count = certfleet_bio_bytes(pointer, &start)
    return body(UnsafeRawBufferPointer(start: start, count: max(0, count)))
  }

  var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }

  deinit { BIO_free_all(pointer) }
}
