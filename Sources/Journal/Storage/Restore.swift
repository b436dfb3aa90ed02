import Foundation
import Glibc

extension JournalStore {
  /// Puts a backup into a directory without a journal, and sees that its chain is whole.
  public static func restore(
    from file: String, into directory: String, hash: @escaping HashFunction
  ) throws(JournalError) {
    let place = StateDirectory(path: directory)
    guard try !place.hasJournal() else {
      throw .system(
        path: place.journal, detail: "is there already; move it aside: a restore overwrites nothing")
    }
    try place.prepare()
    let backup = try openBackup(file, hash: hash)
    if case .broken(let sequence, let reason) = try backup.verifyChain() {
      throw .corrupt(path: file, detail: "row \(sequence): \(reason)")
    }
    try backup.backup(to: place.journal)
  }
}
