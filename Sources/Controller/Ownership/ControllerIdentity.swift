import Appliance
import Fleet
import Foundation
import Glibc
import Journal

/// Which controller this is: an id of its own, bound to the place of its journal.
struct ControllerIdentity: Sendable, Equatable, Codable {
  /// What marks on nodes call it.
  var id: String
  /// Where its journal lay when it was bound.
  var home: Home

  /// The place of a journal: a copy, a restored one and one on another machine each have another.
  struct Home: Sendable, Equatable, Codable {
    /// `/etc/machine-id`; empty where there is none.
    var machine: String
    /// The journal's path without symbolic links.
    var path: String
    /// The journal's inode.
    var inode: UInt64

    /// The place of this journal now.
    init(of journal: String) {
      var status = stat()
      inode = stat(journal, &status) == 0 ? UInt64(status.st_ino) : 0
      path = URL(filePath: journal).resolvingSymlinksInPath().path
      machine = String(
        decoding: FileManager.default.contents(atPath: "/etc/machine-id") ?? Data(), as: UTF8.self
      ).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// How this place differs from the one where the state was used last; nil where it is the same.
    func difference(from last: Home) -> String? {
      if machine != last.machine { return "on another machine" }
      if path != last.path { return "at \(last.path)" }
      if inode != last.inode { return "with another file in its place: the journal was restored or copied" }
      return nil
    }
  }

  /// The name under which the journal keeps it.
  static let setting = "controller"

  /// A new id at this place.
  static func fresh(of journal: String) -> ControllerIdentity {
    ControllerIdentity(id: String(Nonce.fresh().text.prefix(16)), home: Home(of: journal))
  }
}

extension Workplace {
  /// The id of this controller; the first command that works on nodes draws it.
  ///
  /// - Throws: `.couldNotRun` where the state finds itself elsewhere than it was used last: two controllers with one journal would undo each
  ///   other's work, so nobody logs in before a person said which one it is.
  func controllerID() async throws(CommandFault) -> String {
    guard let known = try controller() else {
      let fresh = ControllerIdentity.fresh(of: journal.path)
      try await bind(fresh)
      return fresh.id
    }
    guard let difference = ControllerIdentity.Home(of: journal.path).difference(from: known.home) else {
      return known.id
    }
    throw .couldNotRun(
      "the state in \(inventory.state) was last used \(difference). No node is touched before somebody says that this is the "
        + "controller now: make sure that no other one works with a copy of it, then certfleet takeover --all")
  }

  /// What the journal has of this controller; nil before its first work.
  func controller() throws(CommandFault) -> ControllerIdentity? {
    guard let text = try journaled(try journal.setting(ControllerIdentity.setting)) else { return nil }
    do {
      return try JSONDecoder().decode(ControllerIdentity.self, from: Data(text.utf8))
    } catch {
      throw .couldNotRun(
        "the journal's setting “\(ControllerIdentity.setting)” cannot be read; certfleet takeover --all writes it anew")
    }
  }

  func bind(_ identity: ControllerIdentity) async throws(CommandFault) {
    let text: String
    do {
      text = String(decoding: try JSONEncoder().encode(identity), as: UTF8.self)
    } catch {
      throw .couldNotRun("the controller's id cannot be encoded: \(error)")
    }
    try await journaled { () async throws(JournalError) in
      try await journal.set(ControllerIdentity.setting, to: text)
    }
  }
}
