public import Fleet
public import SSH

extension KeyWork {
  /// Removes the keys of attempts at certificates that are no longer wanted, except those that a certificate in use was put together with: what
  /// is served stays served, and its key is not torn from under it before it has run out or was taken away.
  public static func removeUnwanted(_ attempts: [AttemptID], on node: Node, nonce: Nonce) -> RemoteScript {
    let lines = attempts.enumerated().map { "\($0.offset) \(FileStem($0.element.rawValue).text)" }
    var body: ShellText = """
      \(ShellLibrary.certificates)
      \(UnwantedKeyShell.library)
      work
      lock
      R=$W/unwanted
      try rm -rf "$R" && try mkdir "$R" || die "$K" "$E"
      TMPDIR=$R
      \(ShellText.file("\"$R/asked\"", holding: lines.joined(separator: "\n"), nonce: nonce))
      here

      """
    for termination in TerminationShell.all(of: node) {
      body += "\(termination.functions)\(termination.call)\nfiles_in \"$base\"\n"
    }
    body += "remove_unused\nTMPDIR=$W\nrm -rf \"$R\"\n"
    return RemoteScript(body, for: node.login, nonce: nonce)
  }

  /// Reads which keys are not on the node any more, and of the others why they stay.
  public static func readRemoved(
    _ result: CommandResult, of script: RemoteScript, attempts: [AttemptID]
  ) throws(Failure) -> (gone: [AttemptID], kept: [AttemptID: String]) {
    var gone: [AttemptID] = []
    var kept: [AttemptID: String] = [:]
    for record in try Transcript(result, nonce: script.nonce).records {
      let words = record.words(2)
      guard let index = Int(words[0]), attempts.indices.contains(index) else {
        throw Failure(.interrupted, "the node spoke of a key that was not asked for")
      }
      if record.name == "gone" { gone.append(attempts[index]) } else { kept[attempts[index]] = words[1] }
    }
    return (gone, kept)
  }
}

/// The shell side of removing keys that nobody needs.
enum UnwantedKeyShell {
  static let library: ShellText = #"""
    # here: those of R/asked that lie on this node into R/here; of the others it says that they are gone
    here() {
      printf '' >"$R/files"
      while read -r g_n g_att; do
        if [ -e "$W/keys/$g_att.key" ]; then printf '%s %s\n' $g_n "$g_att" >&4; else say gone $g_n; fi
      done <"$R/asked" 4>"$R/here"
    }
    # files_in DIR: what may hold a certificate with its key into R/files; what this login cannot list goes to R/doubt
    files_in() {
      if [ ! -s "$R/here" ] || [ ! -d "$1" ]; then return 0; fi
      find -L "$1" -maxdepth 3 -name .certfleet -prune -o -type f -print >>"$R/files" 2>/dev/null || printf '%s\n' "$1" >>"$R/doubt"
    }
    # A PEM holds its key line by line as it lies in W/keys. One awk reads all; without its last line it did not come to the end.
    remove_unused() {
      if [ ! -s "$R/here" ]; then return 0; fi
      CF_K=$W/keys/ awk 'function key(f,  l,on,b,r){on=0; b=""; count=0; while((r=(getline l <f))>0){
            if(l~/^-----BEGIN .*PRIVATE KEY-----/){on=1; b=""} else if(l~/^-----END /){if(on && b!="") keys[++count]=b; on=0}
            else if(on){gsub(/[ \t\r]/,"",l); b=b l}} close(f); return r}
        FILENAME==ARGV[1]{key(ENVIRON["CF_K"] $2 ".key"); for(i=1;i<=count;i++) of[keys[i]]=$1; next}
        {f=$0; if(key(f)<0) print "doubt",f; for(i=1;i<=count;i++) if(keys[i] in of) print "used",of[keys[i]],f}
        END{print "end"}' "$R/here" "$R/files" >"$R/found" 2>/dev/null
      g_doubt=$(head -n 1 "$R/doubt" 2>/dev/null)
      if [ "$(tail -n 1 "$R/found")" != end ]; then g_doubt=${g_doubt:-"the certificates of this node"}; fi
      g_used=
      while read -r g_what g_n g_file; do
        case $g_what in
          doubt) g_doubt="$g_n${g_file:+ $g_file}" ;;
          used)
            # what has run out is not in use; what cannot be read may be
            if openssl x509 -in "$g_file" -noout 2>/dev/null && ! openssl x509 -in "$g_file" -noout -checkend 0 >/dev/null 2>&1; then continue; fi
            case " $g_used " in *" $g_n "*) continue ;; esac
            g_used="$g_used $g_n"; tell "kept $g_n" "$g_file" ;;
        esac
      done <"$R/found"
      while read -r g_n g_att; do
        case " $g_used " in *" $g_n "*) continue ;; esac
        if [ -n "$g_doubt" ]; then tell "kept $g_n" "cannot read $g_doubt"; continue; fi
        pulse
        if try rm -f "$W/keys/$g_att.key" && [ ! -e "$W/keys/$g_att.key" ]; then say gone $g_n; else tell "kept $g_n" "$E"; fi
      done <"$R/here"
    }
    """#
}
