import Fleet
import Foundation
import Glibc
import Testing

@testable import Journal

@Suite struct SweepLockTests {
  @Test func oneSweepsAtATimeAndIsNamed() async throws {
    try await withDirectory { directory in
      #expect(try !SweepLock.isHeld(directory: directory))
      let lock = try SweepLock.tryAcquire(directory: directory, purpose: .run, at: noon.addingTimeInterval(0.5))

      guard let held = consume lock else {
        Issue.record("nobody else holds it")
        return
      }
      let isRefused = try SweepLock.tryAcquire(directory: directory, purpose: .renew, at: noon) == nil
      #expect(isRefused)
      #expect(try SweepLock.isHeld(directory: directory))
      let holder = try #require(try SweepLock.holder(directory: directory))
      #expect(holder == held.holder)
      #expect(holder.description == "a run is going on (pid \(getpid()), since 2026-07-30T12:00:00Z)")
      held.release()
      #expect(try !SweepLock.isHeld(directory: directory))
      #expect(try SweepLock.holder(directory: directory) == nil)
    }
  }

  @Test func theLockDiesWithItsProcess() async throws {
    try await withDirectory { directory in
      await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String] in
        let lock = try SweepLock.tryAcquire(directory: directory, purpose: .renew, at: noon)
        let isHeld = lock != nil
        #expect(isHeld)
        kill(getpid(), SIGKILL)
        lock?.release()
      }

      #expect(try SweepLock.holder(directory: directory) == nil)
      let isFree = try SweepLock.tryAcquire(directory: directory, purpose: .run, at: noon) != nil
      #expect(isFree)
    }
  }

  @Test func whoSweepsInAnotherProcessIsSeenAndKeepsOthersOut() async throws {
    try await withDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      async let child: Void = sweepInAnotherProcess(directory)
      // The child is this whole test binary started anew, which takes its time on a busy machine.
      let deadline = ContinuousClock.now + .seconds(120)
      var holder: SweepLock.Holder?
      while holder == nil, ContinuousClock.now < deadline {
        holder = try SweepLock.holder(directory: directory)
        try await Task.sleep(for: .milliseconds(20))  // a poll between two looks
      }

      let isRefused = try SweepLock.tryAcquire(directory: directory, purpose: .run, at: noon) == nil
      #expect(isRefused)
      #expect(holder?.purpose == .renew)
      #expect(holder.map { $0.pid != getpid() } == true)
      try Data().write(to: URL(filePath: directory + "/enough"))
      await child
    }
  }

  private func sweepInAnotherProcess(_ directory: String) async {
    await #expect(processExitsWith: .success) { [directory] in
      let lock = try SweepLock.tryAcquire(directory: directory, purpose: .renew, at: noon)
      let deadline = ContinuousClock.now + .seconds(120)
      while access(directory + "/enough", F_OK) != 0, ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(20))  // a poll between two looks
      }
      lock?.release()
    }
  }
}
