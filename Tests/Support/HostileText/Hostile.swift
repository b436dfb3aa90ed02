/// Text as an enemy would write it into a CSV cell, a DNS record, a certificate, a CA's problem detail or a node's log.
///
/// One fixture for every place that prints foreign text: terminal, mail, CSV, HTML, journal.
public enum Hostile {
  /// Each of the texts, with what it is after.
  public static let texts: [(text: String, aim: String)] = [
    ("\u{1b}[2J\u{1b}[31mall is well", "clears the screen and writes its own"),
    ("\u{1b}]0;owned\u{07}", "sets the terminal's title"),
    ("\u{9b}31m", "the same with the one-byte CSI"),
    ("gnp.\u{202e}exe.example", "turns the reading order"),
    ("\u{2066}hidden\u{2069}", "isolates a direction"),
    ("pay\u{200b}pal.example", "a zero-width space within a name"),
    ("soft\u{ad}hyphen", "a hyphen that is not drawn"),
    ("\u{feff}bom", "a byte order mark in the middle"),
    ("filler\u{3164}", "a letter that is drawn as nothing"),
    ("tag\u{e0041}", "a tag character"),
    ("two\r\nBcc: everybody@example.com", "a header of its own"),
    ("one\u{2028}two\u{2029}three\u{85}four", "line ends that are not CR or LF"),
    ("a\u{00}b", "ends a C string"),
    ("back\u{08}\u{08}space", "overwrites what stands before"),
    ("=HYPERLINK(\"http://evil.example\",\"click\")", "a formula"),
    ("+cmd|' /C calc'!A0", "a formula"),
    ("-2+3+cmd|' /C calc'!A0", "a formula"),
    ("@SUM(1+9)*cmd|' /C calc'!A0", "a formula"),
    ("\t=1+1", "a formula behind a tab"),
    ("\r=1+1", "a formula behind a CR"),
    ("  =1+1", "a formula behind blanks"),
    ("＝1+1", "a formula with a full-width sign"),
    ("\",\"second cell\"\n\"second row\"", "cells of its own"),
    ("<script>alert(1)</script>", "a script"),
    ("\"><img src=x onerror=alert(1)>", "out of an attribute"),
    ("' onmouseover='alert(1)", "out of an attribute in apostrophes"),
    ("&lt;script&gt;", "escaped once already"),
    ("; rm -rf / #", "a command"),
    ("$(reboot) `reboot`", "a command"),
    ("%n%s%x", "a format"),
    ("%label%", "our own template"),
    ("del ssl cert /etc/x.pem; show info\n", "HAProxy's CLI"),
  ]

  /// All of them in one.
  public static let text = texts.map(\.text).joined(separator: " ")
}
