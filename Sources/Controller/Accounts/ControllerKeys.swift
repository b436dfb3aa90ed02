import Dispatch
import Fleet
import Foundation
import Glibc
import PKI

/// Private keys of certificates whose pairs say `keys: controller`: encrypted PKCS#8 in `keys/` of the state directory, one file an attempt.
///
/// In clear a key is only in memory, between its making or opening and its sealing for a node.
struct ControllerKeys: Sendable {
  private let directory: String
  private let passphrase: PKISecret
  /// Making and opening a key is a second's work of the processor: in line, and off the threads that everything else shares.
  private let queue = DispatchQueue(label: "certfleet.keys")

  /// Nil where no pair has its keys on the controller.
  ///
  /// - Throws: `.couldNotRun` where the passphrase cannot be read: said once, before anything is ordered.
  init?(_ inventory: Inventory) throws(CommandFault) {
    guard inventory.pairs.contains(where: { $0.keys == .controller }), let source = inventory.keyPassphrase else {
      return nil
    }
    self.init(directory: inventory.state + "/keys", passphrase: PKISecret(try Secrets.read(source)))
  }

  init(directory: String, passphrase: PKISecret) {
    self.directory = directory
    self.passphrase = passphrase
  }

  /// Makes a key, or takes that of an earlier attempt again, and answers with the request for these names. Asked again it is the same key.
  ///
  /// - Parameter spent: attempts whose keys nobody needs any more; they go once the new one is safe.
  func make(
    _ attempt: AttemptID, names: NameSet, key type: KeyType, reuse: AttemptID?, spent: [AttemptID] = []
  ) async -> Result<Attempt.Key, Failure> {
    await work { () throws(Failure) in
      let key: SigningKey
      if PrivateFile.exists(path(attempt)) {
        key = try open(attempt)
      } else {
        if let reuse { key = try open(reuse) } else { key = try generate(type) }
        do throws(PKIError) {
          try save(key, attempt)
        } catch {
          throw Failure(.keyNotMade, "on the controller: \(error.text)")
        }
      }
      for old in spent where old != attempt { unlink(path(old)) }
      do throws(PKIError) {
        return Attempt.Key(node: .controller, request: try CertificateRequest.make(names: names.names, key: key).pem)
      } catch {
        throw Failure(.keyNotMade, "on the controller: \(error.text)")
      }
    }
  }

  /// Seals the key of an attempt for a node's one-off recipient. Only a key that belongs to its certificate is sealed.
  func seal(
    _ attempt: AttemptID, publicKeySHA256: String, for recipient: String
  ) async -> Result<String, Failure> {
    await work { () throws(Failure) in
      let key = try open(attempt)
      guard hex(key.publicKeySHA256) == publicKeySHA256 else {
        throw Failure(.keyLost, "the key of \(attempt) on the controller is another one")
      }
      do throws(PKIError) {
        return try key.sealed(for: try X509Certificate(pem: recipient))
      } catch {
        throw Failure(.keyLost, "the key of \(attempt) cannot be sealed: \(error.text)")
      }
    }
  }

  /// Removes the keys of these attempts, where there are any.
  func remove(_ attempts: [AttemptID]) async -> Result<Void, Failure> {
    await work { () throws(Failure) in
      for attempt in attempts where unlink(path(attempt)) != 0 && errno != ENOENT {
        throw Failure(.internalError, "\(path(attempt)) cannot be removed: \(String(cString: strerror(errno)))")
      }
    }
  }

  private func generate(_ type: KeyType) throws(Failure) -> SigningKey {
    do throws(PKIError) {
      return try SigningKey.generate(type.kind)
    } catch {
      throw Failure(.keyNotMade, "on the controller: \(error.text)")
    }
  }

  // MARK: Files

  private func path(_ attempt: AttemptID) -> String {
    // Attempts are named by us, `a` and hexadecimal digits; anything else has no file.
    directory + "/" + attempt.rawValue.filter { $0.isASCII && ($0.isLetter || $0.isNumber) } + ".key.pem"
  }

  private func open(_ attempt: AttemptID) throws(Failure) -> SigningKey {
    do throws(PKIError) {
      return try read(attempt)
    } catch {
      throw Failure(.keyLost, "the key of \(attempt) on the controller: \(error.text)")
    }
  }

  private func read(_ attempt: AttemptID) throws(PKIError) -> SigningKey {
    let bytes: [UInt8]
    do throws(PrivateFile.Fault) {
      bytes = try PrivateFile.read(path(attempt))
    } catch {
      throw .malformed("\(error.path) \(error.reason)")
    }
    return try SigningKey(pem: PKISecret(bytes), passphrase: passphrase)
  }

  private func save(_ key: SigningKey, _ attempt: AttemptID) throws(PKIError) {
    let sealed = try key.encryptedPEM(passphrase: passphrase)
    do throws(PrivateFile.Fault) {
      try PrivateFile.makeDirectory(directory)
      try PrivateFile.write(Array(sealed.utf8), to: path(attempt))
    } catch {
      throw .malformed("\(error.path) \(error.reason)")
    }
  }

  private func work<Value: Sendable>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async -> Result<Value, Failure> {
    await withCheckedContinuation { continuation in
      queue.async {
        do throws(Failure) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
  }
}

extension KeyType {
  /// The same kind in OpenSSL's terms.
  var kind: KeyKind {
    switch self {
    case .ecdsaP256: .ecdsaP256
    case .ecdsaP384: .ecdsaP384
    case .rsa2048: .rsa(bits: 2_048)
    case .rsa3072: .rsa(bits: 3_072)
    case .rsa4096: .rsa(bits: 4_096)
    }
  }
}
