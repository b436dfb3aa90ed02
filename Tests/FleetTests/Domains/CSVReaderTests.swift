import Testing

@testable import Fleet

@Suite struct CSVReaderTests {
  private func rows(_ text: String) -> [[String]] { rows(Array(text.utf8)) }

  private func rows(_ bytes: [UInt8]) -> [[String]] {
    var reader = CSVReader(bytes)
    var rows: [[String]] = []
    while let item = reader.next() {
      switch item {
      case .row(let fields): rows.append(fields.map(\.text))
      case .fault(let fault): rows.append(["fault at \(fault.offset)", fault.message])
      }
    }
    return rows
  }

  @Test func everyLineEndIsALineEnd() {
    for end in ["\n", "\r\n", "\r", "\r\r\n"] {
      #expect(rows("a,b" + end + "c,d" + end) == [["a", "b"], ["c", "d"]])
      #expect(rows("a,b" + end + end + "c,d") == [["a", "b"], ["c", "d"]])
    }
  }

  @Test func aByteOrderMarkIsNoPartOfTheFirstName() {
    #expect(rows([0xef, 0xbb, 0xbf] + Array("domain\na".utf8)) == [["domain"], ["a"]])
  }

  @Test func quotesHoldCommasQuotesAndLineEnds() {
    #expect(rows("\"a,b\",\"c\"\"d\",\"e\r\nf\"\n") == [["a,b", "c\"d", "e\r\nf"]])
    #expect(rows("\"a\" , \"b\"\n") == [["a", "b"]])
    #expect(rows("\"\",x\n") == [["", "x"]])
  }

  @Test func blanksAroundFieldsGo() {
    #expect(rows("  a ,\tb\t, c d \n") == [["a", "b", "c d"]])
  }

  @Test func commentsBlankLinesAndEmptyRowsAreSkipped() {
    #expect(rows("# one\n  # two\n\n , ,,\na\n#") == [["a"]])
    #expect(rows("") == [])
    #expect(rows("\n\n") == [])
  }

  @Test func semicolonsAndTabsSeparateWhereTheFirstRowHasNoComma() {
    #expect(rows("a;b\nc;d,e\n") == [["a", "b"], ["c", "d,e"]])
    #expect(rows("a\tb\n\td\n") == [["a", "b"], ["", "d"]])
    #expect(rows("a,b\nc;d\n") == [["a", "b"], ["c;d"]])
  }

  // G11: Excel's first line names the separator and is no row.
  @Test(arguments: ["sep=;\r\n", "\u{feff}sep=;\n"]) func excelsFirstLineIsTaken(_ first: String) {
    #expect(rows(first + "a,b;c\n") == [["a,b", "c"]])
  }

  @Test func aLostQuoteHidesNoRowBehindIt() {
    #expect(
      rows("a,\"b\nc,d\ne,f\n") == [["fault at 2", "the quote opened here is never closed"], ["c", "d"], ["e", "f"]])
    #expect(rows("\"a\"b,c\nd\n") == [["fault at 3", "text after the closing quote"], ["d"]])
    #expect(rows("a\"b\nd\n") == [["fault at 1", "a quote in the middle of a field"], ["d"]])
  }

  @Test func bytesThatAreNoTextAreFaultsWithTheirPlace() {
    #expect(rows([0x61, 0x2c, 0x62, 0xfc, 0x0a, 0x63]) == [["fault at 3", "bytes that are no UTF-8"], ["c"]])
    #expect(rows([0x61, 0x00, 0x62]) == [["fault at 1", "a NUL byte; this is no text file, or UTF-16"]])
    // An overlong slash, a surrogate, and a sequence that the file's end cuts.
    for bad: [UInt8] in [[0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]] {
      #expect(rows([0x61] + bad) == [["fault at 1", "bytes that are no UTF-8"]])
    }
  }

  @Test func aFieldWithoutEndIsAFaultNotAllTheMemory() {
    let endless = "a,\"" + String(repeating: "x", count: CSVReader.maximumFieldBytes * 4)

    #expect(rows(endless) == [["fault at 2", "the quote opened here is never closed"]])
    #expect(rows(String(repeating: "y", count: CSVReader.maximumFieldBytes + 1)).first?.first == "fault at 0")
  }

  @Test func aRowOfThousandsOfFieldsIsAFault() {
    #expect(rows(String(repeating: "a,", count: 5_000) + "\nb\n").map(\.first) == ["fault at 1999", "b"])
  }

  @Test func whateverTheBytesTheReaderEndsAndKeepsItsPlaces() {
    var random = SplitMix(seed: 7)
    let alphabet: [UInt8] = Array("ab,;\"\n\r\t #".utf8) + [0x00, 0xc3, 0xbc, 0xff, 0xef]
    for _ in 0..<3_000 {
      let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
        alphabet[Int.random(in: alphabet.indices, using: &random)]
      }

      var reader = CSVReader(bytes)
      var last = -1
      var items = 0
      while let item = reader.next() {
        items += 1
        switch item {
        case .row(let fields):
          for field in fields {
            #expect((0...bytes.count).contains(field.offset))
            #expect(field.offset >= last)
            last = field.offset
          }
        case .fault(let fault): #expect((0...bytes.count).contains(fault.offset))
        }
        #expect(items <= bytes.count + 1)
      }
    }
  }
}

/// A small seeded generator: the same walk on every machine.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
