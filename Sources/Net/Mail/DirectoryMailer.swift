import Foundation
import Glibc

/// Puts mails into a directory, a file each: for a look, for another program to send, and for tests.
public struct DirectoryMailer: Mailer {
  private let folder: URL

  /// A mailer into this directory, which is made when the first mail comes.
  public init(directory: String) { folder = URL(filePath: directory, directoryHint: .isDirectory) }

  /// Writes `ID.eml`, whole or not at all; the same name is the same file.
  public func send(_ mail: EncodedMail) async throws(NetError) {
    let content = Data(mail.content)
    let name = mail.name.map { character in
      character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character)) ? character : "_"
    }
    // A leading dot would hide the file.
    let file = folder.appending(path: "\(name.first == "." ? "_" : "")\(String(name)).eml")
    do {
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      // Reports name customers: for their owner's eyes, from the first byte on.
      let draft = folder.appending(path: ".\(UUID().uuidString).draft")
      guard
        FileManager.default.createFile(
          atPath: draft.path(percentEncoded: false), contents: nil, attributes: [.posixPermissions: 0o600])
      else { throw CocoaError(.fileWriteUnknown) }
      let handle = try FileHandle(forWritingTo: draft)
      try handle.write(contentsOf: content)
      // On the disk before the name is: a power cut leaves the whole mail or none.
      try handle.synchronize()
      try handle.close()
      guard rename(draft.path(percentEncoded: false), file.path(percentEncoded: false)) == 0 else {
        throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
      }
    } catch {
      throw NetError(.other, "cannot write \(file.path(percentEncoded: false)): \(error.localizedDescription)")
    }
  }
}
