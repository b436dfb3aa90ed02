import Glibc
import Testing

@testable import SSH

@Suite struct CTextTests {
  // H1: a C function that calls `strlen` on a key in memory finds its end where the key ends, whatever lies behind it.
  @Test(arguments: [0, 1, 15, 16, 387, 4_096]) func textOfOursEndsWithANUL(_ count: Int) {
    let bytes = [UInt8](repeating: 0x41, count: count)

    let found = CText.lend(bytes) { text, length in (length, text.map { strlen($0) }) }

    #expect(found.0 == count)
    #expect(found.1 == count)
  }
}
