import Journal
import Net
import PKI
import SSH

/// The libraries that do the work, with the versions that are loaded now.
public enum Libraries {
  /// certfleet's own version.
  public static let own = "0.1.0"

  /// Name and version of each.
  public static var versions: [(name: String, version: String)] {
    [
      ("OpenSSL", PKILibrary.version), ("libcurl", NetLibraries.curl), ("c-ares", NetLibraries.cares),
      ("libssh2", SSHLibrary.version), ("SQLite", JournalLibrary.version),
    ]
  }
}

/// What the process asks of the kernel before it reads any secret.
public enum ProcessGuard {
  /// No core file of this process, and no look into its memory by others of the same user. Where a kernel refuses, the work goes on: a core
  /// file is made only where the system's administrator wants them.
  public static func keepSecretsOutOfDumps() { _ = ProcessSecrecy.forbidDumps() }
}
