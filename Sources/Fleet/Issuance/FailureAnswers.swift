/// Who must act on a failure, and how loudly it is said.
public enum Loudness: String, Sendable, Codable, Comparable {
  /// It passes by itself; one line at most.
  case quiet
  /// The customer must do something; it goes into their report.
  case customer
  /// An operator must do something; it comes first in the mail.
  case operatorNeeded

  private var rank: Int {
    switch self {
    case .quiet: 0
    case .customer: 1
    case .operatorNeeded: 2
    }
  }

  /// The louder is the larger.
  public static func < (left: Loudness, right: Loudness) -> Bool { left.rank < right.rank }
}

/// When a failed certificate is tried again.
public enum RetryRule: Sendable, Equatable {
  /// 1 min, 10 min, 100 min, then daily, counted per certificate and kept over restarts (the CA's own advice).
  case backOff
  /// As soon as its pair or node is well again: it never counts against the certificate.
  case whenHealed
  /// When the CA said, or its bucket has a token again; it never counts as the customer's failure.
  case whenAllowed
  /// Only when a person says `retry`.
  case byHand
}

/// The three questions about a failure, one exhaustive `switch` each; a new kind does not compile until all are answered.
extension Failure.Kind {
  /// A short title under which equal failures are grouped.
  public var title: String {
    switch self {
    case .nameNotFound: "name not in DNS"
    case .wrongAddress: "DNS points elsewhere"
    case .strayIPv6Address: "stray IPv6 address"
    case .dnsBroken: "DNS does not answer"
    case .caaForbids: "CAA forbids the CA"
    case .port80Closed: "port 80 closed"
    case .wrongAnswer: "wrong answer to the challenge"
    case .anotherPair: "DNS points to another pair"
    case .redirectAway: "challenge is redirected away"
    case .challengeFailed: "challenge failed"
    case .vipAnswersWrongly: "the VIP answers the challenge wrongly"
    case .rateLimited: "waiting for the CA's rate limit"
    case .paused: "paused by the CA"
    case .authorityBusy: "CA is busy"
    case .authorityRefused: "CA refused"
    case .nameRefused: "CA refuses the name"
    case .authorityUnreachable: "CA not reachable"
    case .accountGone: "ACME account gone"
    case .authorityFailing: "the CA fails every order"
    case .orderLost: "order lost"
    case .badCertificate: "certificate does not match the order"
    case .nodeUnreachable: "node not reachable"
    case .hostKeyUnknown: "SSH host key not enrolled"
    case .hostKeyChanged: "SSH host key changed"
    case .loginRefused: "SSH login refused"
    case .noCommonAlgorithm: "no common SSH algorithm"
    case .noActiveNode: "no active node"
    case .splitBrain: "two active nodes"
    case .roleUnknown: "active node unknown"
    case .failedOver: "pair failed over"
    case .keyNotMade: "key not made"
    case .keyLost: "key lost"
    case .tunnelRefused: "SSH tunnel refused"
    case .stageRefused: "certificate refused by the node"
    case .configRefused: "configuration refused"
    case .reloadRefused: "reload refused"
    case .servesOldCertificate: "still serves the old certificate"
    case .notSeen: "could not be looked at"
    case .diskFull: "disk full"
    case .changedByHand: "certificate changed by hand"
    case .linkInPlace: "a link lies in the certificate's place"
    case .wouldBeDefault: "would become the default certificate"
    case .nodeCannotRestart: "node cannot restart"
    case .toolMissing: "tool missing on the node"
    case .fenced: "another controller worked here"
    case .listenerDead: "listener dead"
    case .rolledBack: "rolled back by an operator"
    case .interrupted: "interrupted"
    case .internalError: "internal error"
    }
  }

  /// What to do, in words a customer understands.
  public var advice: String {
    switch self {
    case .nameNotFound: "Create the DNS record for this name, or take the name off the list."
    case .wrongAddress: "Point the name's A record to the load balancer, or take the name off the list."
    case .strayIPv6Address: "Remove the AAAA record, or let it point to the load balancer; the CA tries IPv6 first."
    case .dnsBroken:
      "Ask the DNS provider: the name servers do not answer for this name (often DNSSEC or a lame delegation)."
    case .caaForbids: "Add a CAA record that allows the CA, for Let's Encrypt: 0 issue \"letsencrypt.org\"."
    case .port80Closed: "Open port 80 of the load balancer's public address to the whole Internet; the CA asks there."
    case .wrongAnswer:
      "Let /.well-known/acme-challenge/ be answered by the load balancer, before any redirect or web server."
    case .anotherPair: "The name leads to a different load balancer; correct its DNS record or its row in the list."
    case .redirectAway: "Exempt /.well-known/acme-challenge/ from redirects, or redirect only to the same name."
    case .challengeFailed: "See the CA's words; most often DNS or port 80 is the cause."
    case .vipAnswersWrongly:
      "Paste the lines that certfleet enroll prints into HAProxy on both nodes, before every redirect and other rule; see the detail."
    case .rateLimited: "Nothing to do: it goes on by itself when the CA allows."
    case .paused:
      "Open the CA's unpause link once the names point to the load balancer again, then certfleet quarantine release NAME."
    case .authorityBusy: "Nothing to do: it goes on by itself when the CA answers again."
    case .authorityRefused: "See the CA's words; an operator has to look."
    case .nameRefused: "The CA's policy does not allow this name; take it off the list."
    case .authorityUnreachable: "Check the controller's way to the CA (network, proxy, trust)."
    case .accountGone: "Register the account again: certfleet account register."
    case .authorityFailing:
      "Nothing to do for the names: one order a minute is tried, and all go on when one succeeds. Look at the CA's status page, and at what lies between the CA and the load balancers."
    case .orderLost: "Nothing to do: a new order is made; the lost one expires by itself."
    case .badCertificate: "An operator has to look: the CA's answer does not match the order."
    case .nodeUnreachable: "Check that the node is up and that SSH from the controller is allowed."
    case .hostKeyUnknown: "Compare and pin the node's host key: certfleet enroll."
    case .hostKeyChanged:
      "If the node was reinstalled, pin its new key: certfleet enroll --accept. If not, somebody may be in between."
    case .loginRefused: "Check the user, key and password of this node."
    case .noCommonAlgorithm: "See the detail for the algorithm that is missing and how to allow it."
    case .noActiveNode: "Neither node says that it is active: check the pair's high availability."
    case .splitBrain: "Both nodes say that they are active: repair the pair; nothing is touched until then."
    case .roleUnknown: "The node did not say whether it is active: check `active:` in the inventory."
    case .failedOver: "Nothing to do: it goes on with the node that is active now."
    case .keyNotMade: "openssl on the node could not make a key: see the detail."
    case .keyLost: "Nothing to do: a new key and certificate are made."
    case .tunnelRefused: "Allow TCP forwarding for the login (AllowTcpForwarding remote) and keep the port free."
    case .stageRefused: "See the detail: the node refused the new file."
    case .configRefused: "Repair the node's configuration: its own check refuses it."
    case .reloadRefused:
      "The old certificates are back in place unless the detail says otherwise; see the node's log for the reason."
    case .servesOldCertificate: "Check for an older file with the same names, or a listener that was not reloaded."
    case .notSeen:
      "Check that the VIP answers from the controller. Nothing was changed; the next run looks again."
    case .diskFull: "Make room on the node's disk."
    case .changedByHand:
      "Somebody put another certificate there by hand, or the state directory was lost. certfleet retry NAME (or --all) overwrites it; certfleet remove NAME leaves it."
    case .linkInPlace:
      "certfleet writes through no link, and `retry` does not either: put a file in its place, or let `certificates:` name the directory that the link leads to. The next run sees it."
    case .wouldBeDefault:
      "Say which certificate visitors without a server name get: `crt FILE` before `crt DIR` in the bind line (or `default-crt`, `strict-sni`); or give the row a label that sorts later. certfleet retry NAME puts it there all the same."
    case .listenerDead:
      "Start HAProxy or stunnel on this node, or correct the address in the inventory (`probe:`, the VIP's `https:`). On a passive node nobody notices before the next fail-over, which would be an outage."
    case .rolledBack:
      "The previous certificate is served. certfleet retry NAME brings the newest back; by itself it comes back when the previous one nears its end."
    case .nodeCannotRestart: "Repair the configuration before the node restarts: it would not come up again."
    case .fenced:
      "Nothing is written there. Find out which controller and which journal are the right ones; there: certfleet takeover PAIR."
    case .toolMissing: "Install the tool on the node, or choose another way in the inventory."
    case .interrupted: "Nothing to do: it goes on with the next run."
    case .internalError: "Please report this with the journal's excerpt."
    }
  }

  /// Who must act.
  public var loudness: Loudness {
    switch self {
    case .nameNotFound, .wrongAddress, .strayIPv6Address, .dnsBroken, .caaForbids, .port80Closed, .wrongAnswer,
      .anotherPair, .redirectAway, .challengeFailed, .nameRefused:
      .customer
    case .rateLimited, .authorityBusy, .authorityFailing, .orderLost, .failedOver, .keyLost, .interrupted: .quiet
    case .vipAnswersWrongly, .paused, .authorityRefused, .authorityUnreachable, .accountGone, .badCertificate,
      .nodeUnreachable, .hostKeyUnknown, .hostKeyChanged, .loginRefused, .noCommonAlgorithm, .noActiveNode, .splitBrain,
      .roleUnknown,
      .keyNotMade, .tunnelRefused, .stageRefused, .configRefused, .reloadRefused, .servesOldCertificate, .notSeen,
      .diskFull, .changedByHand, .linkInPlace, .wouldBeDefault, .rolledBack, .nodeCannotRestart, .toolMissing, .fenced,
      .listenerDead, .internalError:
      .operatorNeeded
    }
  }

  /// Whether it says, kept up for days, that the name is no longer this load balancer's.
  public var meansMovedAway: Bool {
    switch self {
    case .nameNotFound, .wrongAddress, .anotherPair: true
    case .strayIPv6Address, .dnsBroken, .caaForbids, .port80Closed, .wrongAnswer, .redirectAway, .challengeFailed,
      .vipAnswersWrongly, .rateLimited, .paused, .authorityBusy, .authorityRefused, .nameRefused,
      .authorityUnreachable, .accountGone, .authorityFailing, .orderLost, .badCertificate, .nodeUnreachable,
      .hostKeyUnknown, .hostKeyChanged, .loginRefused,
      .noCommonAlgorithm, .noActiveNode, .splitBrain, .roleUnknown, .failedOver, .keyNotMade, .keyLost, .tunnelRefused,
      .stageRefused, .configRefused, .reloadRefused, .servesOldCertificate, .notSeen, .diskFull, .changedByHand,
      .linkInPlace, .wouldBeDefault,
      .rolledBack, .nodeCannotRestart, .toolMissing, .fenced, .listenerDead, .interrupted, .internalError:
      false
    }
  }

  /// When to try again.
  public var retry: RetryRule {
    switch self {
    case .nameNotFound, .wrongAddress, .strayIPv6Address, .dnsBroken, .caaForbids, .port80Closed, .wrongAnswer,
      .anotherPair, .redirectAway, .challengeFailed, .nameRefused, .authorityRefused, .badCertificate, .keyNotMade,
      .stageRefused, .configRefused, .reloadRefused, .servesOldCertificate, .notSeen, .internalError:
      .backOff
    case .rateLimited, .authorityBusy, .authorityUnreachable, .authorityFailing, .accountGone: .whenAllowed
    case .vipAnswersWrongly, .nodeUnreachable, .hostKeyUnknown, .hostKeyChanged, .loginRefused, .noCommonAlgorithm,
      .noActiveNode, .splitBrain, .roleUnknown, .failedOver, .tunnelRefused, .diskFull, .nodeCannotRestart,
      .linkInPlace, .toolMissing, .fenced, .listenerDead, .interrupted, .orderLost, .keyLost:
      .whenHealed
    case .paused, .changedByHand, .wouldBeDefault, .rolledBack: .byHand
    }
  }
}

/// How long a certificate waits after its nth failure in a row.
public enum BackOff {
  /// Seconds to wait after `failures` failures: 1 min, 10 min, 100 min, then daily.
  ///
  /// | failures | wait   | elapsed    |
  /// |---------:|-------:|-----------:|
  /// |        1 |  1 min |      1 min |
  /// |        2 | 10 min |     11 min |
  /// |        3 |100 min | 1 h 51 min |
  /// |       4… |   24 h | then daily |
  ///
  /// Let's Encrypt's integration guide gives these numbers; with 5 failures an hour refilling every 12 minutes they never trip its limit.
  public static func seconds(afterFailures failures: Int) -> Double {
    switch failures {
    case ...0: 0
    case 1: 60
    case 2: 600
    case 3: 6_000
    default: 86_400
    }
  }
}
