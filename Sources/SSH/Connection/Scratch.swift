/// Buffers that the reactor's thread reads into before the bytes find their place.
enum Scratch {
  // `nonisolated(unsafe)`: raw memory, touched by the reactor's thread only.
  nonisolated(unsafe) static let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)
  // `nonisolated(unsafe)`: as above.
  nonisolated(unsafe) static let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
}
