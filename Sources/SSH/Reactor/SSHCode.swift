/// A libssh2 error code. Open: a newer library may know more.
struct SSHCode: RawRepresentable, Hashable {
  let rawValue: Int32

  static let again = SSHCode(rawValue: -37)
  static let bannerReceive = SSHCode(rawValue: -2)
  static let noKeyExchange = SSHCode(rawValue: -5)
  static let outOfMemory = SSHCode(rawValue: -6)
  static let disconnected = SSHCode(rawValue: -13)
  static let file = SSHCode(rawValue: -16)
  static let authenticationFailed = SSHCode(rawValue: -18)
  static let publicKeyUnverified = SSHCode(rawValue: -19)
  static let channelFailure = SSHCode(rawValue: -21)
  static let channelRequestDenied = SSHCode(rawValue: -22)
  static let channelClosed = SSHCode(rawValue: -26)
  static let channelEOFSent = SSHCode(rawValue: -27)
  static let requestDenied = SSHCode(rawValue: -32)
  static let methodNotSupported = SSHCode(rawValue: -33)
  static let keyFileAuthenticationFailed = SSHCode(rawValue: -48)
}

/// What a non-blocking call of libssh2 came to.
enum Step<Value> {
  case done(Value)
  case again
  case failed(SSHCode, String)
}
