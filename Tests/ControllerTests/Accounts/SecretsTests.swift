import Fleet
import Foundation
import Testing

@testable import Controller

@Suite struct SecretsTests {
  @Test func aFileGivesItsFirstLineWhateverItsLineEnds() throws {
    let folder = try ScratchFolder()
    for (content, line) in [("word\n", "word"), ("word", "word"), ("two words\r\nmore\n", "two words")] {
      let path = try folder.write("secret", content)

      #expect(try Secrets.read(.file(path)) == line)
    }
  }

  @Test func aFileThatIsEmptyMissingOrOpenToOthersIsRefusedWithoutQuotingIt() throws {
    let folder = try ScratchFolder()
    let empty = try folder.write("empty", "\n")
    let open = try folder.write("open", "hunter2\n", mode: 0o640)

    for path in [empty, open, folder.path + "/missing"] {
      let fault = #expect(throws: CommandFault.self) { try Secrets.read(.file(path)) }
      #expect(fault?.exitStatus == 3)
      #expect(fault?.text.contains("hunter2") == false)
    }
  }

  @Test func aVariableThatIsNotSetIsNamed() throws {
    let fault = #expect(throws: CommandFault.self) {
      try Secrets.read(.environment("CERTFLEET_TEST_VARIABLE_THAT_NOBODY_SETS"))
    }

    #expect(fault?.text.contains("CERTFLEET_TEST_VARIABLE_THAT_NOBODY_SETS") == true)
  }
}

@Suite struct PrivateFileTests {
  @Test func whatIsWrittenIsForItsOwnerAloneAndReplacesWhole() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/file"

    try PrivateFile.write(Array("first, and longer".utf8), to: path)
    try PrivateFile.write(Array("second".utf8), to: path)

    #expect(try PrivateFile.read(path) == Array("second".utf8))
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
  }

  @Test func aFailedWriteLeavesTheOldFileAndNothingElse() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/directory"
    try FileManager.default.createDirectory(atPath: path + "/full", withIntermediateDirectories: true)

    // A directory with something in it cannot be replaced by a file, not even by root.
    #expect(throws: PrivateFile.Fault.self) { try PrivateFile.write(Array("x".utf8), to: path) }

    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["directory"])
  }

  @Test func aFileThatOthersCanReadIsRefusedWithTheRemedy() throws {
    let folder = try ScratchFolder()
    let path = try folder.write("open", "x", mode: 0o604)

    let fault = #expect(throws: PrivateFile.Fault.self) { try PrivateFile.read(path) }

    #expect(fault?.reason.contains("chmod 600") == true)
  }

  @Test func aDirectoryIsMadeForItsOwnerAlone() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/a/b"

    try PrivateFile.makeDirectory(path)
    try PrivateFile.makeDirectory(path)

    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o700)
  }
}
