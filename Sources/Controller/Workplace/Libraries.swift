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
