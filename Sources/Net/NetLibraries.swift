private import CCares
private import CCurl

/// The libraries that are loaded.
public enum NetLibraries {
  /// libcurl's version with its TLS backend, such as `7.88.1 (OpenSSL/3.0.17)`.
  public static var curl: String {
    guard let info = curl_version_info(CURLVERSION_TENTH)?.pointee, let version = info.version else { return "unknown" }
    let backend = info.ssl_version.map { " (\(String(cString: $0)))" } ?? ""
    return String(cString: version) + backend
  }

  /// c-ares' version.
  public static var cares: String { ares_version(nil).map { String(cString: $0) } ?? "unknown" }
}
