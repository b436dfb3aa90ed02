public import Fleet
public import SSH

/// The shell side of asking which file on a node holds a leaf that was seen on the wire.
enum WhereaboutsShell {
  /// `whereabouts ITEMS`: for each `at N FILES`. One grep an item: of a leaf's PEM the last whole line, a part of its signature, is its own.
  static let library: ShellText = #"""
    whereabouts() {
      if [ "$KIND" = haproxy ]; then
        if [ -n "$CRTLIST" ]; then list_read; else LISTED=; fi
        v_more=$LISTED
      else
        named; v_more=$NAMED
      fi
      for v_i in "$@"; do
        item_$v_i; pulse
        if ! line_$v_i 2>/dev/null; then continue; fi
        v_found=$({ grep -l -F -e "$line" "${target%/*}"/* 2>/dev/null
          printf '%s\n' "$v_more" | xargs grep -l -F -e "$line" 2>/dev/null; } | awk '!/\.(issuer|ocsp|sctl|key)$/ && !s[$0]++' | head -n 3)
        tell "at $v_i" "$v_found"
      done
    }
    """#
}

extension RolloutWork {
  /// Asks where, in what the terminations load, the leaves lie that were seen instead of the new ones.
  public func whereabouts(of leaves: [SpecID: String], nonce: Nonce) -> RemoteScript {
    var lines: ShellText = ""
    for item in items {
      guard let line = leaves[item.file.spec].flatMap(Self.ownLine) else { continue }
      lines += "line_\(item.index)() { line=\(ShellWord(line)); }\n"
    }
    return look(
      "\(HAProxyActivation.library)\n\(StunnelActivation.library)\n\(WhereaboutsShell.library)", lines,
      verb: "whereabouts", nonce: nonce)
  }

  /// Reads the answer: the files by certificate, as text; those that were not found are left out.
  public func readWhereabouts(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> [SpecID: String] {
    var found: [SpecID: String] = [:]
    for record in try transcript(result, script).all("at") {
      let words = record.words(2)
      guard let index = Int(words[0]), items.indices.contains(index), !words[1].isEmpty else { continue }
      found[items[index].file.spec] = words[1]
    }
    return found
  }

  private static func ownLine(of pem: String) -> String? {
    pem.split(whereSeparator: \.isNewline).last { $0.count == 64 && !$0.hasPrefix("-----") }.map(String.init)
  }
}
