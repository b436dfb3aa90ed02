/// What the loop needs to run one transfer. A value: the handles are made on the loop's thread.
struct TransferPlan: Sendable {
  /// Transfers that share a limit: one client's towards one server.
  struct Lane: Hashable, Sendable {
    var client: UInt
    var server: String
  }

  var lane: Lane?
  var laneLimit = 1
  /// From now to the end, waiting for a place in the lane included.
  var deadline: Duration
  /// For each connection, its TLS handshake included.
  var connectDeadline: Duration
  var bodyLimit = 1 << 20
  var outgoing: [UInt8] = []
  /// Sets the options. Deadlines are the loop's.
  var prepare: @Sendable (inout EasyHandle) throws(NetError) -> Void
}

/// What came of a transfer that went through.
struct TransferResult: Sendable {
  var status: Int
  var headers: [(name: String, value: String)]
  var body: [UInt8]
  var remoteAddress: String
  var effectiveURL: String
  var followed: [String]
  var certificates: [String]
  /// From the start of the transfer to the end of its last TLS handshake.
  var handshake: Duration
}
