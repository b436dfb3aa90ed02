import Appliance
import Fleet
import Foundation
import Glibc
import Testing

/// Every JSON case of `Tests/Support/ApplianceCases/operations`: an operation, what the node's programs say and where files lie → what is
/// answered, and left on the disk. What HAProxy's command line says has cases of its own, in `haproxy`.
@Suite(.enabled(if: Tool.areHere(.openssl, .dash), "needs openssl and dash"))
struct OperationCaseTests {
  /// One case, as it stands in its file. `ROOT` in any text is the node's directory.
  struct Case: CaseFile {
    var note: String
    /// `role`, `survey`, `hosts`, `key`, `seal`, or the steps of a rollout, of which the last one is looked at.
    var steps: [String]
    /// The detector of `role` and its argument.
    var detector: [String]?
    /// What ends TLS: `haproxy`, or stunnel with these keys of the inventory.
    var haproxy: [String: String]?
    var stunnel: [String: String]?
    /// HAProxy's version as the survey found it.
    var version: String?
    /// Programs that stand before the real ones: shell text.
    var tools: [String: String]?
    /// Files that lie there before; `PEM NAME` is a certificate with its key.
    var files: [String: String]?
    /// Files that change before the last step; null removes.
    var change: [String: String?]?
    /// Files of the batch by label; what may lie there is `any` or `none`.
    var labels: [String]?
    var expected: String?
    var key: String?
    var expect: Expectation
    var name: String?

    struct Expectation: Decodable {
      /// A pattern for each line of the answer, in order.
      var answer: [String]
      /// A pattern for the content of each file; null: there is none.
      var files: [String: String?]?
    }
  }

  @Test(arguments: try Case.all(in: "operations"))
  func aCaseEndsAsItsFileSays(_ one: Case) async throws {
    let bench = try OperationBench(one)

    let answer = try await bench.answer()

    let explanation: Comment = "\(answer.joined(separator: "\n"))"
    #expect(answer.count == one.expect.answer.count, explanation)
    for (line, pattern) in zip(answer, one.expect.answer) {
      let regex = try Regex(pattern.replacing("ROOT", with: bench.node.root))
      #expect(line.contains(regex), "“\(line)” is not “\(pattern)”\n\(answer.joined(separator: "\n"))")
    }
    for (path, pattern) in one.expect.files ?? [:] {
      let file = "\(bench.node.root)/\(path)"
      guard let pattern else {
        #expect(!bench.node.exists(file), "\(path) is there")
        continue
      }
      let content = try bench.node.read(file)
      #expect(content.contains(try Regex(pattern.replacing("ROOT", with: bench.node.root))), "\(path):\n\(content)")
    }
  }
}
