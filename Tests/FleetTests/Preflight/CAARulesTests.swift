import Testing

@testable import Fleet

@Suite struct CAARulesTests {
  private let account = "https://ca.example/acct/7"
  private var issuer: CAAIssuer { CAAIssuer(identities: ["LetsEncrypt.org"], account: account) }

  private func verdict(_ name: String, _ answers: [CAAAnswer]) -> Finding.Verdict {
    CAARules.judge(name, answers, issuer: issuer).verdict
  }

  private func issue(_ value: String) -> CAAAnswer { .records([CAARecord(tag: "issue", value: value)]) }

  @Test func theClimbGoesFromTheNameToItsTopLevelDomain() {
    #expect(CAARules.climb("a.b.example.com") == ["a.b.example.com", "b.example.com", "example.com", "com"])
    #expect(CAARules.climb("*.example.com.") == ["example.com", "com"])
  }

  @Test func theNearestRecordsDecideAndNoOthers() {
    let forbids = issue("other.example")
    let allows = issue("letsencrypt.org")

    #expect(verdict("a.example.com", [.none, allows, forbids]) == .passes)
    #expect(verdict("a.example.com", [forbids, allows]) == .fails(.caaForbids))
    #expect(verdict("a.example.com", [.none, .none, .none]) == .passes)
    // RFC 8659 §3: a set that says nothing about issuing ends the climb all the same.
    #expect(verdict("a.example.com", [.records([CAARecord(tag: "iodef", value: "mailto:a@b")]), forbids]) == .passes)
  }

  @Test(arguments: [
    ("letsencrypt.org", Finding.Verdict.passes), ("  LETSENCRYPT.ORG ; a=b", .passes), (";", .fails(.caaForbids)),
    ("", .fails(.caaForbids)), ("notletsencrypt.org", .fails(.caaForbids)), ("letsencrypt.org.", .fails(.caaForbids)),
    ("lets encrypt.org", .fails(.caaForbids)), ("letsencrypt.org; nonsense", .fails(.caaForbids)),
    ("letsencrypt.org; accounturi=https://ca.example/acct/7", .passes),
    ("letsencrypt.org; accounturi=https://ca.example/acct/70", .fails(.caaForbids)),
    (
      "letsencrypt.org; accounturi=https://ca.example/acct/7; accounturi=https://ca.example/acct/8", .fails(.caaForbids)
    ),
    ("letsencrypt.org; validationmethods=http-01", .passes),
    ("letsencrypt.org; validationmethods=dns-01,http-01", .passes),
    ("letsencrypt.org; validationmethods=dns-01", .fails(.caaForbids)),
    ("letsencrypt.org; validationmethods=xhttp-01", .fails(.caaForbids)),
    ("letsencrypt.org; validationmethods=http-01; validationmethods=http-01", .fails(.caaForbids)),
    ("letsencrypt.org; ValidationMethods = http-01 ; accounturi=https://ca.example/acct/7", .passes),
  ])
  func aValueAllowsUsOrNot(value: String, expected: Finding.Verdict) {
    #expect(verdict("example.com", [issue(value)]) == expected)
  }

  @Test func oneOfSeveralPropertiesIsEnough() {
    let records = [CAARecord(tag: "issue", value: "digicert.com"), CAARecord(tag: "Issue", value: "letsencrypt.org")]
    #expect(verdict("example.com", [.records(records)]) == .passes)
  }

  @Test func wildcardsGoByIssuewildAndOtherNamesNeverDo() {
    let both = CAAAnswer.records([
      CAARecord(tag: "issue", value: "letsencrypt.org"), CAARecord(tag: "issuewild", value: ";"),
    ])
    let onlyWild = CAAAnswer.records([CAARecord(tag: "issuewild", value: ";")])

    #expect(verdict("*.example.com", [both]) == .fails(.caaForbids))
    #expect(verdict("example.com", [both]) == .passes)
    #expect(verdict("example.com", [onlyWild]) == .passes)
    #expect(verdict("*.example.com", [issue("letsencrypt.org")]) == .passes)
  }

  @Test func anUnknownPropertyForbidsOnlyWhenItIsCritical() {
    let allows = CAARecord(tag: "issue", value: "letsencrypt.org")

    #expect(
      verdict("example.com", [.records([allows, CAARecord(isCritical: true, tag: "tbs", value: "x")])])
        == .fails(.caaForbids))
    #expect(verdict("example.com", [.records([allows, CAARecord(tag: "tbs", value: "x")])]) == .passes)
    #expect(
      verdict("example.com", [.records([CAARecord(isCritical: true, tag: "issue", value: "letsencrypt.org")])])
        == .passes)
  }

  @Test func brokenNameServersForbidAndAResolverThatIsSilentDoesNot() {
    #expect(verdict("a.example.com", [.none, .broken]) == .fails(.dnsBroken))
    #expect(verdict("a.example.com", [.none, .silent("timed out")]) == .unknown)
  }

  @Test func aCAThatDoesNotTellItsNameIsNotJudgedByNames() {
    let stranger = CAAIssuer(identities: [], account: nil)

    #expect(CAARules.judge("example.com", [issue("digicert.com")], issuer: stranger).verdict == .unknown)
    #expect(CAARules.judge("example.com", [issue(";")], issuer: stranger).verdict == .fails(.caaForbids))
  }

  @Test func theEvidenceNamesThePlaceAndTheReason() {
    let judged = CAARules.judge(
      "www.example.com", [.none, issue("letsencrypt.org; accounturi=https://ca.example/acct/8")], issuer: issuer)

    #expect(judged.evidence.contains("example.com"))
    #expect(judged.evidence.contains("accounturi"))
  }

  @Test func letsEncryptIsKnownByItsDirectory() {
    #expect(CAAIssuer.knownIdentities(ofDirectoryHost: "acme-v02.api.letsencrypt.org") == ["letsencrypt.org"])
    #expect(CAAIssuer.knownIdentities(ofDirectoryHost: "acme.example") == [])
  }
}
