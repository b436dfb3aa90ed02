/// A connection that the server took on a forwarded port, to be answered from here. It is closed when its handler returns.
public struct SSHForwardedChannel: Sendable {
  private let connection: SSHConnection
  private let handle: ForwardedHandle

  init(_ connection: SSHConnection, _ handle: ForwardedHandle) {
    self.connection = connection
    self.handle = handle
  }

  /// What came, at most `max` bytes; empty at the end of the stream. One reader at a time.
  public func read(max: Int = 16_384, within limit: Duration) async throws(SSHError) -> [UInt8] {
    try await connection.read(handle, max: max, within: limit)
  }

  /// Returns when all bytes are on their way. One writer at a time.
  public func write(_ bytes: [UInt8], within limit: Duration) async throws(SSHError) {
    try await connection.write(handle, bytes, within: limit)
  }

  /// Closes it; the peer sees the end of the stream after what was written.
  public func close() async { await connection.close(handle) }
}
