private import COpenSSL

/// The OpenSSL that is loaded.
public enum PKILibrary {
  /// Its version, such as `3.0.17`.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}
