/// Buffers that the reactor's thread reads into before the bytes find their place.
enum Scratch {
  nonisolated(unsafe) static let page = bytes(32_768)  // touched by the reactor's thread only
  nonisolated(unsafe) static let byte = bytes(1)  // touched by the reactor's thread only

  private static func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
    .allocate(byteCount: count, alignment: 16)
  }
}
