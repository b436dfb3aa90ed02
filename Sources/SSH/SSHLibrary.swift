private import CLibSSH2

/// The libssh2 that is loaded.
public enum SSHLibrary {
  /// Its version, such as `1.10.0`.
  public static var version: String { libssh2_version(0).map { String(cString: $0) } ?? "unknown" }
}
