import SSH

/// The error that `body` throws, if any.
func failure<R>(_ body: () async throws(SSHError) -> R) async -> SSHError? {
  do throws(SSHError) {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}
