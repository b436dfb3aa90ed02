import Foundation

/// A private key of ours, read once per process.
///
/// A key without passphrase is kept in memory. One with a passphrase would cost 130 to 260 ms of the reactor's thread per
/// session in libssh2 (bcrypt), so it is decrypted once, by a private ssh-agent that dies with this process and signs for
/// all sessions.
public final class SSHIdentity: Sendable {
  enum Storage: Sendable {
    case memory(SSHSecret)
    case agent(PrivateAgent)
  }

  /// Where it was read from.
  public let path: String
  /// Its public half, where it is known.
  public let publicKey: HostKey?
  let storage: Storage

  private init(path: String, publicKey: HostKey?, storage: Storage) {
    self.path = path
    self.publicKey = publicKey
    self.storage = storage
  }

  /// True for an RSA key, which libssh2 1.10 can only use with SHA-1 signatures.
  var isRSA: Bool { publicKey?.type == "ssh-rsa" }

  /// Reads a private key: OpenSSH's own format, or PEM. Meant to be called once at start: a key with a passphrase blocks
  /// the caller for about a fifth of a second, and at most ten seconds.
  public static func load(path: String, passphrase: SSHSecret? = nil) throws(SSHError) -> SSHIdentity {
    func unreadable(_ detail: String) -> SSHError {
      SSHError(.keyUnreadable, phase: .identity, host: path, port: 0, detail: detail)
    }
    let text = try PrivateKeyFile.read(path)
    let companion = PrivateKeyFile.companion(of: path)
    let file: PrivateKeyFile
    do throws(PrivateKeyFile.Unreadable) { file = try PrivateKeyFile(text) } catch { throw unreadable(error.reason) }
    if !file.isEncrypted, file.libraryReadsIt {
      return SSHIdentity(
        path: path, publicKey: file.publicKey ?? companion, storage: .memory(SSHSecret(bytes: text)))
    }
    if file.isEncrypted, passphrase == nil { throw unreadable("the key has a passphrase, and none was given") }
    let agent = try PrivateAgent(adding: path, passphrase: passphrase)
    return SSHIdentity(path: path, publicKey: agent.publicKey, storage: .agent(agent))
  }
}
