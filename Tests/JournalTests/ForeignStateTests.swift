import Fleet
import Foundation
import Glibc
import PKI
import Testing

@testable import Journal

/// H11: what lies in the place of the state already is used only where nobody else had a hand in it.
@Suite struct ForeignStateTests {
  private func refusal(_ work: () throws -> Void) -> JournalError? {
    do {
      try work()
      return nil
    } catch {
      return error as? JournalError
    }
  }

  private func isUntrusted(_ error: JournalError?, _ word: String) -> Bool {
    guard case .untrusted(_, let detail) = error else { return false }
    return detail.contains(word)
  }

  @Test(arguments: ["journal.sqlite", "journal.sqlite-wal", "sweep.lock", "opening.lock"])
  func aLinkInTheStateIsNeitherFollowedNorChanged(_ name: String) async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      let victim = directory + "-victim"
      defer { unlink(victim) }
      try Data("precious".utf8).write(to: URL(filePath: victim))
      #expect(chmod(victim, 0o644) == 0)
      unlink(directory + "/" + name)
      #expect(symlink(victim, directory + "/" + name) == 0)

      #expect(isUntrusted(refusal { _ = try open(directory) }, "symbolic link"))
      #expect(
        isUntrusted(refusal { _ = try SweepLock.tryAcquire(directory: directory, purpose: .run, at: noon) }, "link"))
      #expect(try Data(contentsOf: URL(filePath: victim)) == Data("precious".utf8))
      var status = stat()
      #expect(stat(victim, &status) == 0 && status.st_mode & 0o777 == 0o644)
    }
  }

  @Test func aFIFOInPlaceOfALockIsNamedAtOnce() async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      unlink(directory + "/sweep.lock")
      #expect(mkfifo(directory + "/sweep.lock", 0o600) == 0)

      #expect(isUntrusted(refusal { _ = try SweepLock.isHeld(directory: directory) }, "no regular file"))
    }
  }

  @Test(arguments: [0o777, 0o1777, 0o770]) func aDirectoryThatIsOpenToOthersIsRefused(_ mode: Int) async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      #expect(chmod(directory, mode_t(mode)) == 0)

      #expect(isUntrusted(refusal { _ = try open(directory) }, "others may put files"))
      #expect(isUntrusted(refusal { _ = try readOnly(directory) }, "others may put files"))
      var status = stat()
      #expect(stat(directory, &status) == 0 && status.st_mode & 0o7777 == UInt32(mode), "and stays as it was")
    }
  }

  @Test func anEmptyDirectoryOfALooseUmaskIsClosed() async throws {
    try await withDirectory { directory in
      #expect(mkdir(directory, 0o700) == 0 && chmod(directory, 0o775) == 0)

      _ = try open(directory)

      var status = stat()
      #expect(stat(directory, &status) == 0 && status.st_mode & 0o777 == 0o700)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func whatBelongsToSomebodyElseIsRefused() async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      #expect(chown(directory, 12_345, 12_345) == 0)
      #expect(isUntrusted(refusal { _ = try open(directory) }, "user 12345"))
      #expect(isUntrusted(refusal { _ = try readOnly(directory) }, "user 12345"))

      #expect(chown(directory, 0, 0) == 0 && chown(directory + "/journal.sqlite", 12_345, 12_345) == 0)
      #expect(isUntrusted(refusal { _ = try open(directory) }, "user 12345"))
    }
  }

  @Test func aLinkOfOursToADirectoryOfOursIsTheDirectory() async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      let link = directory + "-link"
      defer { unlink(link) }
      #expect(symlink(directory, link) == 0)

      #expect(try open(link).head().sequence == 0)
    }
  }
}
