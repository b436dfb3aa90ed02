import Fleet
import Foundation
import Testing

/// An event and the text in which it is stored for ever.
struct StoredShape: Sendable, CustomTestStringConvertible {
  let event: Event
  let body: String

  init(_ event: Event, _ body: String) {
    self.event = event
    self.body = body
  }

  var testDescription: String { String(body.prefix(40)) }
}

enum StoredShapes {
  static let spec = CertificateSpec(
    id: ID("p/one"), pair: ID("p"), vip: ID("v"), customer: nil, label: "one",
    names: EventWalk.nameSet(["a.example"]), key: .rsa2048, profile: "tlsserver", registeredDomains: ["a.example"],
    source: nil)
  static let of = AttemptReference(spec: ID("p/one"), attempt: ID("a1"))
  static let failure = Failure(.rateLimited, "slow", name: "a.example", node: ID("n"), retryAfter: noon)
  static let certificate = IssuedCertificate(
    attempt: ID("a1"), sha256: "00", serial: "0A", notBefore: noon, notAfter: noon, issuer: "CA", chain: ["PEM\n"],
    publicKeySHA256: "01")

  static let previous = PreviousCertificate(of: of, sha256: "02", serial: "0b", notBefore: noon, notAfter: noon)

  static let tally = {
    var tally = HandshakeTally()
    tally.finish(milliseconds: 7)
    tally.fail(.refused)
    tally.failingMilliseconds = 40
    return tally
  }()

  static let all: [StoredShape] = [
    StoredShape(
      .specAdded(StoredShapes.spec),
      #"{"specAdded":{"_0":{"id":"p/one","key":"rsa2048","label":"one","names":["a.example"],"pair":"p","pro"#
        + #"file":"tlsserver","registeredDomains":["a.example"],"vip":"v"}}}"#),
    StoredShape(
      .specChanged(EventWalk.plainSpec(ID("p/one"), names: ["b.example", "a.example"])),
      #"{"specChanged":{"_0":{"customer":"c1","id":"p/one","key":"p256","label":"p-one","names":["a.example""#
        + #","b.example"],"pair":"p","registeredDomains":["example.org"],"source":"domains.csv","vip":"v1"}}}"#),
    StoredShape(
      .specRemoved(spec: ID("p/one")),
      #"{"specRemoved":{"spec":"p/one"}}"#),
    StoredShape(
      .specMoved(from: ID("p/v/a.example"), to: StoredShapes.spec),
      #"{"specMoved":{"from":"p/v/a.example","to":{"id":"p/one","key":"rsa2048","label":"one","names":["a.exa"#
        + #"mple"],"pair":"p","profile":"tlsserver","registeredDomains":["a.example"],"vip":"v"}}}"#),
    StoredShape(
      .pairMoved(from: ID("p"), to: ID("q")),
      #"{"pairMoved":{"from":"p","to":"q"}}"#),
    StoredShape(
      .nodeMoved(from: ID("n"), to: ID("m"), certificates: [ID("p/one")]),
      #"{"nodeMoved":{"certificates":["p/one"],"from":"n","to":"m"}}"#),
    StoredShape(
      .pairPaused(pair: ID("p")),
      #"{"pairPaused":{"pair":"p"}}"#),
    StoredShape(
      .pairResumed(pair: ID("p")),
      #"{"pairResumed":{"pair":"p"}}"#),
    StoredShape(
      .retryAsked(spec: ID("p/one")),
      #"{"retryAsked":{"spec":"p/one"}}"#),
    StoredShape(
      .hostKeysPinned(node: ID("n"), keys: ["ssh-ed25519 AAAA"]),
      #"{"hostKeysPinned":{"keys":["ssh-ed25519 AAAA"],"node":"n"}}"#),
    StoredShape(
      .renewalAsked(sweep: ID("s")),
      #"{"renewalAsked":{"sweep":"s"}}"#),
    StoredShape(
      .nodeSurveyed(node: ID("n"), facts: "{\"a\":\"/\"}"),
      #"{"nodeSurveyed":{"facts":"{\"a\":\"/\"}","node":"n"}}"#),
    StoredShape(
      .nodeTroubled(node: ID("n"), failure: StoredShapes.failure),
      #"{"nodeTroubled":{"failure":{"detail":"slow","kind":"rateLimited","name":"a.example","node":"n","retr"#
        + #"yAfter":1785412800},"node":"n"}}"#),
    StoredShape(
      .nodeHealed(node: ID("n")),
      #"{"nodeHealed":{"node":"n"}}"#),
    StoredShape(
      .pairTroubled(pair: ID("p"), failure: Failure(.splitBrain, "both")),
      #"{"pairTroubled":{"failure":{"detail":"both","kind":"splitBrain"},"pair":"p"}}"#),
    StoredShape(
      .pairHealed(pair: ID("p")),
      #"{"pairHealed":{"pair":"p"}}"#),
    StoredShape(
      .accountRegistered(authority: ID("le"), url: "https://ca.example/1", thumbprint: "T"),
      #"{"accountRegistered":{"authority":"le","thumbprint":"T","url":"https://ca.example/1"}}"#),
    StoredShape(
      .sweepStarted(sweep: ID("s"), seed: .max, purpose: .run),
      #"{"sweepStarted":{"purpose":"run","seed":18446744073709551615,"sweep":"s"}}"#),
    StoredShape(
      .sweepEnded(sweep: ID("s"), end: .completed),
      #"{"sweepEnded":{"end":"completed","sweep":"s"}}"#),
    StoredShape(
      .attemptStarted(of: StoredShapes.of, names: EventWalk.nameSet(["a.example"]), authority: ID("le"), revision: 2),
      #"{"attemptStarted":{"authority":"le","names":["a.example"],"of":{"attempt":"a1","spec":"p/one"},"revi"#
        + #"sion":2}}"#),
    StoredShape(
      .keyMade(of: StoredShapes.of, key: Attempt.Key(node: ID("n"), request: "CSR")),
      #"{"keyMade":{"key":{"node":"n","request":"CSR"},"of":{"attempt":"a1","spec":"p/one"}}}"#),
    StoredShape(
      .orderRequested(of: StoredShapes.of),
      #"{"orderRequested":{"of":{"attempt":"a1","spec":"p/one"}}}"#),
    StoredShape(
      .orderCreated(of: StoredShapes.of, url: "https://ca.example/o/1"),
      #"{"orderCreated":{"of":{"attempt":"a1","spec":"p/one"},"url":"https://ca.example/o/1"}}"#),
    StoredShape(
      .finalizeRequested(of: StoredShapes.of),
      #"{"finalizeRequested":{"of":{"attempt":"a1","spec":"p/one"}}}"#),
    StoredShape(
      .issued(of: StoredShapes.of, certificate: StoredShapes.certificate),
      #"{"issued":{"certificate":{"attempt":"a1","chain":["PEM\n"],"issuer":"CA","notAfter":1785412800,"notB"#
        + #"efore":1785412800,"publicKeySHA256":"01","serial":"0A","sha256":"00"},"of":{"attempt":"a1","spec":"p"#
        + #"/one"}}}"#),
    StoredShape(
      .attemptFailed(of: StoredShapes.of, failure: StoredShapes.failure),
      #"{"attemptFailed":{"failure":{"detail":"slow","kind":"rateLimited","name":"a.example","node":"n","ret"#
        + #"ryAfter":1785412800},"of":{"attempt":"a1","spec":"p/one"}}}"#),
    StoredShape(
      .authorityFailing(
        authority: ID("ca"), certificates: [ID("p/one")], failure: Failure(.authorityBusy, "internal error")),
      #"{"authorityFailing":{"authority":"ca","certificates":["p/one"],"failure":{"detail":"internal error","#
        + #""kind":"authorityBusy"}}}"#),
    StoredShape(
      .specVetoed(spec: ID("p/one"), failure: Failure(.wrongAddress, "192.0.2.1")),
      #"{"specVetoed":{"failure":{"detail":"192.0.2.1","kind":"wrongAddress"},"spec":"p/one"}}"#),
    StoredShape(
      .rolloutStarted(rollout: ID("r"), pair: ID("p"), batch: [StoredShapes.of], first: ID("n"), second: ID("m")),
      #"{"rolloutStarted":{"batch":[{"attempt":"a1","spec":"p/one"}],"first":"n","pair":"p","rollout":"r","s"#
        + #"econd":"m"}}"#),
    StoredShape(
      .rolloutStepped(rollout: ID("r"), step: .stage(.second), failure: Failure(.diskFull, "no room")),
      #"{"rolloutStepped":{"failure":{"detail":"no room","kind":"diskFull"},"rollout":"r","step":{"stage":{""#
        + #"_0":"second"}}}}"#),
    StoredShape(
      .ejected(rollout: ID("r"), spec: ID("p/one"), failure: Failure(.configRefused, "line 1")),
      #"{"ejected":{"failure":{"detail":"line 1","kind":"configRefused"},"rollout":"r","spec":"p/one"}}"#),
    StoredShape(
      .installed(node: ID("n"), certificates: [StoredShapes.of], proof: .wire, reason: "seen"),
      #"{"installed":{"certificates":[{"attempt":"a1","spec":"p/one"}],"node":"n","proof":"wire","reason":"s"#
        + #"een"}}"#),
    StoredShape(
      .served(certificates: [StoredShapes.of]),
      #"{"served":{"certificates":[{"attempt":"a1","spec":"p/one"}]}}"#),
    StoredShape(
      .reloaded(
        rollout: ID("r"), node: ID("n"),
        reload: Reload(program: "stunnel", count: 1, milliseconds: 350, certificates: 100, reason: "")),
      #"{"reloaded":{"node":"n","reload":{"certificates":100,"count":1,"milliseconds":350,"program":"stunnel","#
        + #""reason":""},"rollout":"r"}}"#),
    StoredShape(
      .reloaded(
        rollout: ID("r"), node: ID("n"),
        reload: Reload(
          program: "stunnel", count: 1, milliseconds: 350, certificates: 100, reason: "",
          handshakes: .measured(at: "192.0.2.1:443", tally: StoredShapes.tally))),
      #"{"reloaded":{"node":"n","reload":{"certificates":100,"count":1,"handshakes":{"measured":{"at":"192.0.2"#
        + #".1:443","tally":{"failingMilliseconds":40,"other":0,"refused":1,"reset":0,"slowestMilliseconds":7,"#
        + #""timedOut":0,"tried":2}}},"milliseconds":350,"program":"stunnel","reason":""},"rollout":"r"}}"#),
    StoredShape(
      .reloaded(
        rollout: ID("r"), node: ID("n"),
        reload: Reload(
          program: "haproxy", count: 1, milliseconds: 350, certificates: 100, reason: "no socket",
          handshakes: .notMeasured(reason: "far away"))),
      #"{"reloaded":{"node":"n","reload":{"certificates":100,"count":1,"handshakes":{"notMeasured":{"reason":"#
        + #""far away"}},"milliseconds":350,"program":"haproxy","reason":"no socket"},"rollout":"r"}}"#),
    StoredShape(
      .rolloutEnded(rollout: ID("r"), end: .degradedSecond, cause: nil),
      #"{"rolloutEnded":{"end":"degradedSecond","rollout":"r"}}"#),
    StoredShape(
      .rollbackStarted(rollback: ID("b"), pair: ID("p"), node: ID("n"), certificates: [StoredShapes.previous]),
      #"{"rollbackStarted":{"certificates":[{"notAfter":1785412800,"notBefore":1785412800,"of":{"attempt":"a"#
        + #"1","spec":"p/one"},"serial":"0b","sha256":"02"}],"node":"n","pair":"p","rollback":"b"}}"#),
    StoredShape(
      .rolledBack(
        rollback: ID("b"), node: ID("n"), certificates: [StoredShapes.previous], proof: .wire, reason: "seen"),
      #"{"rolledBack":{"certificates":[{"notAfter":1785412800,"notBefore":1785412800,"of":{"attempt":"a1","s"#
        + #"pec":"p/one"},"serial":"0b","sha256":"02"}],"node":"n","proof":"wire","reason":"seen","rollback":"b"}}"#),
    StoredShape(
      .rollbackFailed(
        rollback: ID("b"), node: ID("n"), certificates: [StoredShapes.of], failure: Failure(.reloadRefused, "no")),
      #"{"rollbackFailed":{"certificates":[{"attempt":"a1","spec":"p/one"}],"failure":{"detail":"no","kind":"#
        + #""reloadRefused"},"node":"n","rollback":"b"}}"#),
    StoredShape(
      .keysRemoved(node: ID("n"), attempts: [ID("a1"), ID("a2")]),
      #"{"keysRemoved":{"attempts":["a1","a2"],"node":"n"}}"#),
    StoredShape(
      .marked(node: ID("n"), controller: "c1", word: "w1"),
      #"{"marked":{"controller":"c1","node":"n","word":"w1"}}"#),
    StoredShape(
      .takenOver(
        controller: "c1", pairs: [ID("p")], marks: [AcceptedMark(node: ID("n"), controller: "c2", word: "w2")],
        overwrites: [ID("p/one")]),
      #"{"takenOver":{"controller":"c1","marks":[{"controller":"c2","node":"n","word":"w2"}],"#
        + #""overwrites":["p/one"],"pairs":["p"]}}"#),
    StoredShape(
      .driftSeen(
        spec: ID("p/one"), place: .node(ID("n")),
        drift: Drift(
          .replaced,
          seen: SeenLeaf(sha256: "03", sha1: "04", serial: "0C", issuer: "Other", notAfter: noon), "the file holds")),
      #"{"driftSeen":{"drift":{"detail":"the file holds","kind":"replaced","seen":{"issuer":"Other","notAfter"#
        + #"":1785412800,"serial":"0C","sha1":"04","sha256":"03"}},"place":"n","spec":"p/one"}}"#),
    StoredShape(
      .driftSeen(spec: ID("p/one"), place: .vip, drift: Drift(.missing, "no file")),
      #"{"driftSeen":{"drift":{"detail":"no file","kind":"missing"},"place":"@vip","spec":"p/one"}}"#),
    StoredShape(
      .driftGone(spec: ID("p/one"), place: .vip, isHealed: true),
      #"{"driftGone":{"isHealed":true,"place":"@vip","spec":"p/one"}}"#),
    StoredShape(
      .mailQueued(mail: 1, subject: "Report"),
      #"{"mailQueued":{"mail":1,"subject":"Report"}}"#),
    StoredShape(
      .mailSent(mail: 1),
      #"{"mailSent":{"mail":1}}"#),
    StoredShape(
      .mailFailed(mail: 1, detail: "451"),
      #"{"mailFailed":{"detail":"451","mail":1}}"#),
  ]
}
