import Foundation

/// What `tools/bench push` wants done, as JSON.
struct Job: Decodable {
  /// One node: where it is, what proves it, and the directory that is its file system here.
  struct Host: Decodable {
    var address: String
    var port: UInt16
    /// OpenSSH's one-line form.
    var hostKey: String
    /// Holds `status`, and `live` for the files.
    var directory: String
    /// PEM files with their SHA-256.
    var files: [File]
  }

  /// A file to bring.
  struct File: Decodable {
    var name: String
    var path: String
    var sha256: String
  }

  var user: String
  var key: String
  var hosts: [Host]

  /// The script of one node, as the product works: everything in one exec, files under temporary names, checked before any is moved,
  /// and the commit as one `{ }` block, which a shell that loses the connection in the middle never begins.
  static func script(for host: Host) throws -> [UInt8] {
    var script = """
      set -u; umask 077
      cd '\(host.directory)' || exit 3
      [ "$(cat status)" = active ] || { echo 'the node is not active' >&2; exit 4; }
      rm -rf .new && mkdir .new && cd .new || exit 5

      """
    for file in host.files {
      let text = try String(contentsOfFile: file.path, encoding: .utf8)
      script += "cat >'\(file.name)' <<'-- end of file'\n\(text)-- end of file\n"
    }
    script += "{\nsha256sum -c --status - <<'-- end of sums' || { echo 'a file is not whole' >&2; exit 6; }\n"
    for file in host.files { script += "\(file.sha256)  \(file.name)\n" }
    script += "-- end of sums\nmv -f *.pem ../live/ && cd .. && rmdir .new && true && echo committed; exit\n}\n"
    return Array(script.utf8)
  }
}
