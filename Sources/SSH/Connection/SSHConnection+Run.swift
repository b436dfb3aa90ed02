extension SSHConnection {
  /// Runs a command by the account's shell and waits for its end.
  ///
  /// - Parameters:
  ///   - command: what the remote shell gets; quoting is the caller's business.
  ///   - stdin: given to the command, then end of file. A connection that breaks looks like an end of file to the
  ///     command as well: the command MUST NOT take it for "complete".
  ///   - outputLimit: what is kept of each stream; the rest is read and dropped, up to eight times as much (at least
  ///     16 MiB), then the command is given up with `.outputLimit`.
  ///   - bounds: the command is given up with `.timedOut` when it shows no progress for `idle`, or takes longer than `total`. Bytes of
  ///     ours that a slow link still takes count as progress.
  /// - Returns: any exit status is a result.
  /// - Throws: cancelling the task closes the channel and throws `.cancelled`. The remote command itself sees only its
  ///   input and output close; sshd does not kill it.
  public func run(
    _ command: String, stdin: [UInt8] = [], outputLimit: Int = 1 << 20, bounds: CommandBounds = CommandBounds()
  ) async throws(SSHError) -> CommandResult {
    try await perform(
      ExecOperation(command, stdin: stdin, limit: outputLimit, bounds: bounds, deadlines: target.deadlines))
  }
}
