import Fleet

/// Which limits an authority is held to.
enum LimitTables {
  static func table(of authority: Authority) -> LimitTable {
    switch authority.limits {
    case .none: .none
    case .letsEncryptStaging: .letsEncryptStaging
    case .letsEncrypt, .file: .letsEncrypt
    }
  }
}
