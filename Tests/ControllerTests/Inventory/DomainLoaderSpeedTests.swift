import Controller
import Fleet
import Foundation
import Testing

@Suite struct DomainLoaderSpeedTests {
  /// Issue: "10,000 rows in under 2 s"; here without optimisation and on a busy machine, so the CPU time of this thread is what counts.
  @Test func tenThousandRowsAreReadWithinTwoSecondsEvenUnoptimised() throws {
    let inventory = try #require(
      try InventoryLoader.load(path: Cases.folder("Domains").path + "/fleet.yaml").inventory)
    let folder = Folder()
    var text = "domain,pair,vip,customer,certificate,profile,key,label,notes\n"
    for i in 0..<10_000 {
      let name = i.isMultiple(of: 10) ? "bücher\(i).shop\(i % 250).example" : "www\(i).shop\(i % 250).co.uk"
      text += "\(name),pair2,\(i.isMultiple(of: 3) ? "web" : "api"),bluebird,,,p256,,\"a note, quoted\"\n"
    }
    folder.write("list.csv", Array(text.utf8))

    let before = Self.threadSeconds()
    let (list, faults) = DomainLoader.load(
      files: [folder.path + "/list.csv"], inventory: inventory, now: Date(timeIntervalSince1970: 0))
    let seconds = Self.threadSeconds() - before

    #expect(faults == [])
    #expect(list.specs.count == 10_000)
    #expect(seconds < 2)
  }

  private static func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
