import Fleet
import Foundation
import PKI

/// The ACME account keys: encrypted PKCS#8, mode 0600, outside SQLite, one file an authority.
///
/// The account key is the whole trust of the static challenge rule: whoever holds it can validate every name that leads to the fleet.
struct AccountKeys: Sendable {
  private let directory: String

  /// Keys live in `accounts/` of the state directory.
  init(state: String) { directory = state + "/accounts" }

  /// The key of an authority's account; an ECDSA P-256 key is made on first use.
  func key(of authority: Authority) throws(CommandFault) -> SigningKey {
    let path = directory + "/\(authority.id).key.pem"
    let passphrase = try passphrase(of: authority)
    do {
      if PrivateFile.exists(path) {
        return try SigningKey(pem: PKISecret(try PrivateFile.read(path)), passphrase: passphrase)
      }
      let key = try SigningKey.generate(.ecdsaP256)
      if try PrivateFile.create(Array(try key.encryptedPEM(passphrase: passphrase).utf8), at: path) { return key }
      // Another first run was quicker; its key is the account's.
      return try SigningKey(pem: PKISecret(try PrivateFile.read(path)), passphrase: passphrase)
    } catch let fault as PrivateFile.Fault {
      throw CommandFault.couldNotRun("the account key in \(fault.path) \(fault.reason)")
    } catch let error as PKIError {
      throw CommandFault.couldNotRun("the account key in \(path) cannot be used: \(error.text)")
    } catch {
      throw CommandFault.couldNotRun("the account key in \(path) cannot be used")
    }
  }

  /// The passphrase that the inventory names, or one of our own beside the keys: it keeps a key that strays into a backup of its own from
  /// being usable by itself; whoever reads the whole state directory has both.
  private func passphrase(of authority: Authority) throws(CommandFault) -> PKISecret {
    if let source = authority.keyPassphrase { return PKISecret(try Secrets.read(source)) }
    let path = directory + "/passphrase"
    do {
      if PrivateFile.exists(path) { return PKISecret(try PrivateFile.read(path)) }
      try PrivateFile.makeDirectory(directory)
      let made = Array(Base64URL.encode(try randomBytes(32)).utf8)
      if try PrivateFile.create(made, at: path) { return PKISecret(made) }
      return PKISecret(try PrivateFile.read(path))
    } catch let fault as PrivateFile.Fault {
      throw CommandFault.couldNotRun("the passphrase in \(fault.path) \(fault.reason)")
    } catch {
      throw CommandFault.couldNotRun("no random numbers for the passphrase in \(path)")
    }
  }
}
