import Foundation
import SSH

/// Brings files to many nodes by certfleet's SSH layer and nothing else of it, for `tools/bench push`.
///
///     PushBench JOB.json
///
/// Prints one line for each node that failed; ends with 1 if there was one.
@main
struct Push {
  /// What a run has (`pace.nodes_in_flight`), and the handshakes that it allows among them.
  private static let nodesInFlight = 64
  private static let handshakes = 32

  static func main() async throws {
    guard CommandLine.arguments.count == 2 else {
      say("usage: PushBench JOB.json")
      exit(2)
    }
    let job = try JSONDecoder().decode(Job.self, from: Data(contentsOf: URL(filePath: CommandLine.arguments[1])))
    let identity = try SSHIdentity.load(path: job.key)
    let client = SSHClient(handshakeLimit: handshakes)
    let failed = await withTaskGroup(of: String?.self) { group in
      var waiting = job.hosts.makeIterator()
      for host in (0..<nodesInFlight).compactMap({ _ in waiting.next() }) {
        group.addTask { await push(to: host, of: job, by: client, identity) }
      }
      var failed = 0
      while let failure = await group.next() {
        if let failure {
          failed += 1
          say(failure)
        }
        if let host = waiting.next() { group.addTask { await push(to: host, of: job, by: client, identity) } }
      }
      return failed
    }
    await client.shutdown()
    exit(failed == 0 ? 0 : 1)
  }

  /// One node from connect to disconnect; nil when all went well.
  private static func push(
    to host: Job.Host, of job: Job, by client: SSHClient, _ identity: SSHIdentity
  ) async -> String? {
    guard let key = HostKey(openSSH: host.hostKey) else { return "\(host.address): its host key cannot be read" }
    let target = SSHTarget(
      host: host.address, port: host.port, user: job.user, authentications: [.identity(identity)], hostKeys: [key])
    do {
      let script = try Job.script(for: host)
      let result = try await client.withConnection(to: target) { (connection) async throws(SSHError) in
        try await connection.run("sh -s", stdin: script)
      }
      // The exit status alone would not do: a peer that closes the channel without one counts as 0.
      guard result.status == 0, result.text == "committed\n" else {
        return "\(host.address): status \(result.status.map(String.init) ?? "none"): \(result.errorText)"
      }
      return nil
    } catch {
      return "\(host.address): \(error)"
    }
  }

  private static func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
