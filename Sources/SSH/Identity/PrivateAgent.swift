import CLibSSH2
import Foundation

/// An ssh-agent of our own that holds one decrypted key.
///
/// It lives in a directory that only we may enter, and dies with this process, even by SIGKILL: `ssh-agent` runs a shell
/// that waits for the end of a pipe we hold, then ends the agent and removes the directory.
final class PrivateAgent: Sendable {
  let socketPath: String
  let publicKey: HostKey
  private let child: pid_t
  private let lifeline: Int32

  init(adding path: String, passphrase: SSHSecret?) throws(SSHError) {
    func failed(_ detail: String) -> SSHError {
      SSHError(.keyUnreadable, phase: .identity, host: path, port: 0, detail: detail)
    }
    let end = Instant.now + .seconds(10)
    let directory = try PrivateAgent.makeDirectory(for: path)
    let socket = directory + "/agent"
    var pipes: [Int32] = [0, 0]
    guard pipe2(&pipes, O_CLOEXEC) == 0 else { throw failed(systemMessage(errno)) }
    // It runs its command only when it listens: the first word of that is the news, and no socket has to be tried again and again.
    let janitor = "echo listening; exec >/dev/null; read -r nothing; kill \"$SSH_AGENT_PID\"; rm -rf -- \"$1\""
    var news: [Int32] = [0, 0]
    guard pipe2(&news, O_CLOEXEC) == 0 else {
      let code = errno
      close(pipes[0])
      close(pipes[1])
      throw failed(systemMessage(code))
    }
    defer { close(news[0]) }
    let spawned = ChildProcess.spawn(
      ["ssh-agent", "-a", socket, "sh", "-c", janitor, "sh", directory], stdin: pipes[0], stdout: news[1],
      environment: [])
    close(pipes[0])
    close(news[1])
    guard case .success(let child) = spawned else {
      close(pipes[1])
      throw failed("ssh-agent does not start; install openssh-client")
    }
    do throws(SSHError) {
      guard PrivateAgent.hears(news[0], until: end) else { throw failed("ssh-agent does not listen") }
      try PrivateAgent.add(path, passphrase, to: socket, in: directory, until: end, failed)
      publicKey = try PrivateAgent.onlyKey(of: socket, until: end, failed)
    } catch {
      close(pipes[1])
      ChildProcess.reap(child)
      throw error
    }
    self.child = child
    lifeline = pipes[1]
    socketPath = socket
  }

  deinit {
    close(lifeline)
    ChildProcess.reap(child)
  }

  private static func makeDirectory(for path: String) throws(SSHError) -> String {
    let base = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"] ?? NSTemporaryDirectory()
    var template = Array((base + "/certfleet-agent-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {  // mode 0700
      throw SSHError(
        .keyUnreadable, phase: .identity, host: path, port: 0, detail: "\(base): \(systemMessage(errno))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether a word came before the end of the stream.
  private static func hears(_ descriptor: Int32, until end: Instant) -> Bool {
    var byte: UInt8 = 0
    return ChildProcess.isReadable(descriptor, until: end) && read(descriptor, &byte, 1) == 1
  }

  /// ssh-add asks an "askpass" program for the passphrase; ours is a script that hands on its standard input, which
  /// ssh-add passes down. So it stands on no command line, in no environment and in no file.
  private static func add(
    _ path: String, _ passphrase: SSHSecret?, to socket: String, in directory: String, until end: Instant,
    _ failed: (String) -> SSHError
  ) throws(SSHError) {
    let script = directory + "/askpass"
    let text = "#!/bin/sh\nIFS= read -r answer && printf '%s\\n' \"$answer\"\n"
    guard
      FileManager.default.createFile(
        atPath: script, contents: Data(text.utf8), attributes: [.posixPermissions: 0o700])
    else { throw failed("\(script) cannot be written") }
    var pipes: [Int32] = [0, 0]
    guard pipe2(&pipes, O_CLOEXEC) == 0 else { throw failed(systemMessage(errno)) }
    let secret = (passphrase?.bytes ?? []) + [10]
    _ = secret.withUnsafeBytes { write(pipes[1], $0.baseAddress, min($0.count, 4_096)) }
    close(pipes[1])
    let spawned = ChildProcess.spawn(
      ["ssh-add", "-q", path], stdin: pipes[0],
      environment: ["SSH_AUTH_SOCK=" + socket, "SSH_ASKPASS=" + script, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0"])
    close(pipes[0])
    guard case .success(let child) = spawned else { throw failed("ssh-add does not start; install openssh-client") }
    switch ChildProcess.wait(child, until: end) {
    case 0?: return
    case nil: throw failed("ssh-add does not end")
    default: throw failed("ssh-add refuses the key: wrong passphrase, or a format that OpenSSH does not read")
    }
  }

  private static func onlyKey(
    of socket: String, until end: Instant, _ failed: (String) -> SSHError
  ) throws(SSHError) -> HostKey {
    guard case .success(let descriptor) = UnixSocket.connect(to: socket, isBlocking: true) else {
      throw failed("ssh-agent hung up")
    }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let request: [UInt8] = [0, 0, 0, 1, 11]
    send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
    var answer: [UInt8] = []
    var page = [UInt8](repeating: 0, count: 16_384)
    while Instant.now < end {
      let count = recv(descriptor, &page, page.count, 0)
      guard count > 0 else { break }
      answer += page[..<count]
      var reader = WireReader(answer)
      if let body = reader.string(), case .done(let keys) = AgentConversation.readIdentities(body), let key = keys.first
      {
        return key
      }
    }
    throw failed("the key is of a type that libssh2 cannot use")
  }
}
