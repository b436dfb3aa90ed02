import Foundation
import Glibc
import Testing

@testable import Controller

/// H9: only regular files are read; a FIFO or a device would never end.
@Suite struct FileKindTests {
  @Test func aFIFOIsNamedAtOnceWhereverAFileIsExpected() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "fifo-\(UUID().uuidString)").path
    #expect(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }

    #expect(reason { _ = try TextFile.read(path, limit: 100) } == "this is no regular file")
    #expect(throws: InventoryLoader.Unreadable(path: path, reason: "this is no regular file")) {
      try InventoryLoader.load(path: path)
    }
    #expect(throws: PrivateFile.Fault.self) { try PrivateFile.read(path) }
    #expect(throws: CommandFault.self) { try SavedPlan.load(from: path) }
  }

  @Test(arguments: ["/dev/zero", "/dev/tty", "/dev/null"]) func aDeviceIsNamed(_ path: String) {
    #expect(reason { _ = try TextFile.read(path, limit: 100) } == "this is no regular file")
  }

  @Test func theLimitHolds() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "file-\(UUID().uuidString)").path
    try Data(repeating: 0x20, count: 101).write(to: URL(filePath: path))
    defer { unlink(path) }

    #expect(reason { _ = try TextFile.read(path, limit: 100) }?.contains("more than") == true)
    #expect(try TextFile.read(path, limit: 101).count == 101)
  }

  private func reason(_ work: () throws -> Void) -> String? {
    do {
      try work()
      return nil
    } catch {
      return (error as? TextFile.Fault)?.reason
    }
  }

  // H11, G13: a key that another first run made is taken over, not replaced; nothing is left behind.
  @Test func whoComesSecondFindsTheFirstOnesFile() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)").path
    try PrivateFile.makeDirectory(folder)
    defer { do { try FileManager.default.removeItem(atPath: folder) } catch {} }

    #expect(try PrivateFile.create(Array("first".utf8), at: folder + "/key"))
    #expect(try !PrivateFile.create(Array("second".utf8), at: folder + "/key"))

    #expect(try PrivateFile.read(folder + "/key") == Array("first".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["key"])
  }
}
