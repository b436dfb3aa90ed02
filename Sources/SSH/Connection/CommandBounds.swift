/// How long a remote command may take. A bound on silence alone is none: a server that sends a byte now and then would hold a run for ever.
public struct CommandBounds: Sendable, Equatable {
  /// How long it may show no progress.
  public var idle: Duration
  /// How long it may take in all.
  public var total: Duration
  /// Output counts as progress only with these bytes on standard output; nil: any output does.
  public var mark: [UInt8]?

  /// Sixty seconds of silence and twenty times that in all, unless told otherwise.
  public init(idle: Duration = .seconds(60), total: Duration? = nil, mark: [UInt8]? = nil) {
    self.idle = idle
    self.total = total ?? idle * 20
    self.mark = mark
  }
}
