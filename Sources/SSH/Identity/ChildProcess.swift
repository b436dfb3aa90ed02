import CLibSSH2
import Glibc

/// Starts a program of the PATH with little: our PATH and HOME, the given variables, nothing open but the standard streams.
enum ChildProcess {
  /// Starts it.
  ///
  /// - Parameter stdout: where what it says goes; nil for nowhere.
  static func spawn(
    _ words: [String], stdin: Int32, stdout: Int32? = nil, environment: [String]
  ) -> Result<pid_t, SystemFailure> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, stdin, 0)
    if let stdout {
      posix_spawn_file_actions_adddup2(&actions, stdout, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A session of its own: Ctrl-C at our terminal must not end the agent while we finish our steps, and ssh-add must
    // find no terminal to ask at.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // What we ignore or wait for ourselves ends the agent as it ends any program.
    var usual = sigset_t()
    sigemptyset(&usual)
    for number in [SIGHUP, SIGINT, SIGTERM, SIGPIPE] { sigaddset(&usual, number) }
    posix_spawnattr_setsigdefault(&attributes, &usual)
    posix_spawnattr_setflags(
      &attributes, shim_spawn_setsid | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    let inherited = ["PATH", "HOME", "TMPDIR"].compactMap { name in
      getenv(name).map { name + "=" + String(cString: $0) }
    }
    var child = pid_t()
    let status = withCStrings(words) { arguments in
      withCStrings(inherited + environment) { variables in
        posix_spawnp(&child, words[0], &actions, &attributes, arguments, variables)
      }
    }
    return status == 0 ? .success(child) : .failure(SystemFailure(code: status))
  }

  /// The exit status, -1 for a signal; nil when the deadline passed, and then it is killed.
  ///
  /// Woken by its end; only a kernel without pidfd_open (before 5.3) is asked again and again.
  static func wait(_ child: pid_t, until end: Instant) -> Int32? {
    let ending = shim_pidfd_open(child)
    defer { if ending >= 0 { close(ending) } }
    var status: Int32 = 0
    while true {
      let ended = waitpid(child, &status, WNOHANG)
      if ended == child { return status & 0x7f == 0 ? (status >> 8) & 0xff : -1 }
      if ended < 0, errno != EINTR { return -1 }
      let left = milliseconds(until: end)
      guard left > 0 else { break }
      if ending >= 0 { _ = isReadable(ending, within: left) } else { poll(nil, 0, min(left, 10)) }
    }
    kill(child, SIGKILL)
    waitpid(child, &status, 0)
    return nil
  }

  /// Waits until there is something to read, or the other end is gone.
  static func isReadable(_ descriptor: Int32, until end: Instant) -> Bool {
    while true {
      let left = milliseconds(until: end)
      guard left > 0 else { return false }
      if isReadable(descriptor, within: left) { return true }
    }
  }

  private static func isReadable(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, milliseconds) > 0
  }

  private static func milliseconds(until end: Instant) -> Int32 {
    let now = Instant.now
    return now < end ? Int32(clamping: (end.nanoseconds - now.nanoseconds) / 1_000_000 + 1) : 0
  }

  /// Collects a child that ends by itself soon. On a thread of its own: the last reference to a key may be dropped on the
  /// reactor's thread, which must not wait.
  static func reap(_ child: pid_t) {
    var thread = pthread_t()
    let argument = UnsafeMutableRawPointer(bitPattern: Int(child))
    let status = pthread_create(
      &thread, nil,
      { argument in
        _ = ChildProcess.wait(pid_t(Int(bitPattern: argument)), until: .now + .seconds(5))
        return nil
      }, argument)
    if status == 0 { pthread_detach(thread) }
  }

  private static func withCStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
    pointers[strings.count] = nil
    defer {
      for index in strings.indices { free(pointers[index]) }
      pointers.deallocate()
    }
    return body(pointers)
  }
}
