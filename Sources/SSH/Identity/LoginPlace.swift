/// Where and as whom one logs in. Behind two jump hosts the same address may be two machines.
struct LoginPlace: Hashable {
  private let host: String
  private let port: UInt16
  private let user: String
  private let hostKeys: [HostKey]
  private let via: [String]

  init(_ target: SSHTarget) {
    host = target.host
    port = target.port
    user = target.user
    hostKeys = target.hostKeys
    via = sequence(first: target, next: \.jump).dropFirst().map { "\($0.user)@\($0.host):\($0.port)" }
  }
}
