import Fleet

/// The shell side of activating and putting back, for stunnel, which reloads as a whole: one reload per batch.
enum StunnelActivation {
  /// `activate_stunnel ITEMS`; shared functions come from ``HAProxyActivation``.
  static let library: ShellText = "\(StunnelOrder.library)\n\(reload)\n\(activate)"

  private static let reload: ShellText = #"""
    # hang_up: SIGHUP to the daemon. A stale pid file must not make us signal somebody else's process.
    hang_up() {
      g_pid=$(cat "$PIDFILE" 2>/dev/null)
      case $g_pid in ''|*[!0-9]*) E="no process id in $PIDFILE"; return 1 ;; esac
      if [ -r "/proc/$g_pid/cmdline" ] && ! tr '\000' ' ' <"/proc/$g_pid/cmdline" | grep -q stunnel; then
        E="process $g_pid of $PIDFILE is not stunnel"; return 1
      fi
      try kill -HUP "$g_pid"
    }
    # log_since OFFSET: what the log gained; a log that became shorter was rotated
    log_since() {
      if [ $(($(wc -c <"$LOG"))) -lt $1 ]; then cat "$LOG"; else tail -c "+$(($1+1))" "$LOG"; fi
    }
    # reload_stunnel: 0 accepted, 1 refused (E), 2 not known
    reload_stunnel() {
      clock; g_clock=$CLOCK; g_start=$(now); SAID=; RELOADS=$((RELOADS+1)); g_off=0
      if [ -n "$LOG" ] && [ -r "$LOG" ]; then g_off=$(($(wc -c <"$LOG"))); fi
      E=
      if ! reload_$T; then E="the reload failed: ${E:-$(said)}"; return 1; fi
      if [ -z "$LOG" ] || [ ! -r "$LOG" ]; then took; return 2; fi
      # 5,000 sections take 22 s
      g_end=$((g_start+120)); g_quiet=0
      while [ $(now) -le $g_end ]; do
        g_new=$(log_since $g_off)
        case $g_new in
          *'Failed to reload the configuration file'*)
            SAID=$g_new
            E=$(printf '%s\n' "$g_new" | sed -n 's/^.*LOG3[^:]*: //p' | grep -v -e 'No trusted certificates' -e 'SNI: no pattern' | head -n 4)
            E="stunnel refused to reload: $(flat "$E")"
            return 1 ;;
          *'Configuration successful'*) took; return 0 ;;
        esac
        g_quiet=$((g_quiet+1))
        if [ $((g_quiet % 100)) -eq 0 ]; then beat; fi
        # below `debug = notice` a success leaves no line: after ten seconds the wire has to tell
        if [ $(($(now)-g_start)) -ge 10 ] && [ -z "$g_new" ] && quiet_log; then took; return 2; fi
        nap
      done
      took
      return 2
    }
    took() { clock; TOOK=$((CLOCK-g_clock)); }
    quiet_log() { grep -Eiq '^[[:space:]]*debug[[:space:]]*=[[:space:]]*([a-z0-9]*\.)?([0-4]|emerg|alert|crit|err|warning)[[:space:]]*$' "$CONF" 2>/dev/null; }
    """#

  private static let activate: ShellText = #"""
    # named: sets NAMED to the files that sections which are not ours name; KNOWN is empty where that cannot be told
    named() {
      NAMED=; KNOWN=; printf '' >"$R/keyed"
      if [ ! -r "$CONF" ] || grep -Eq '^[[:space:]]*chroot[[:space:]]*=' "$CONF"; then return 0; fi
      KNOWN=1
      g_dirs=$(sed -n 's/^[[:space:]]*include[[:space:]]*=[[:space:]]*//p' "$CONF" | sed 's/[[:space:]]*$//')
      set -- "$CONF"
      for g_dir in $g_dirs; do
        for g_x in "$g_dir"/*.conf; do
          case ${g_x##*/} in certfleet-*) ;; *) if [ -r "$g_x" ]; then set -- "$@" "$g_x"; fi ;; esac
        done
      done
      NAMED=$(sed -n 's/^[[:space:]]*cert[[:space:]]*=[[:space:]]*//p' "$@" | sed 's/[[:space:]]*$//')
      # the sections that read the key from another file: CERT, a tab, SECTION, KEY
      awk 'function out(){if(cert!="" && key!="" && key!=cert) print cert "\t" section "\t" key; cert=key=""}
        function val(l){sub(/^[^=]*=[ \t]*/,"",l); sub(/[ \t\r]+$/,"",l); return l}
        /^[ \t]*\[/{out(); section=$0; gsub(/[^A-Za-z0-9_.-]/,"",section); next}
        /^[ \t]*cert[ \t]*=/{cert=val($0)} /^[ \t]*key[ \t]*=/{key=val($0)} END{out()}' "$@" >"$R/keyed" 2>/dev/null
    }
    # keyed_apart: E says which section would read another key with the present item's PEM
    keyed_apart() {
      if [ ! -s "$R/keyed" ]; then return 1; fi
      E=$(CF_T=$target awk -F '\t' '$1==ENVIRON["CF_T"]{print "section [" $2 "] reads its key from " $3 ": name " $1 " there, or take the key line away"; exit}' "$R/keyed")
      [ -n "$E" ]
    }
    # guilty_placed KIND TEXT: the present item, which has its place already, goes back
    guilty_placed() {
      g_k=$1; g_t=$2
      put_back "$D/old" && sections_back "$D/old" || { bad stuck "$g_t; the old file could not be put back: $E"; return; }
      bad "$g_k" "$g_t"
    }
    # left_over: sets LEFT to the items that are not bad
    left_over() { LEFT=; for a_n in $ALL; do state $a_n; if [ "$ST" != bad ]; then LEFT="$LEFT $a_n"; fi; done; }
    # named_in_log: puts those back whose sections, and theirs alone, stunnel's words name; false where that are none or all
    named_in_log() {
      left_over; a_count=0; a_guilty=
      for a_n in $LEFT; do
        item_$a_n; a_count=$((a_count+1))
        case $SAID in *"ervice [certfleet-"[0-9][0-9]"-$label]"*ailed*|*": $target"[!A-Za-z0-9_.-]*) a_guilty="$a_guilty $a_n" ;; esac
      done
      set -- $a_guilty
      if [ $# -eq 0 ] || [ $# -eq $a_count ]; then return 1; fi
      for a_n in "$@"; do item_$a_n; guilty_placed reload "$a_text"; done
    }
    # refers TARGET: does a section that is not ours name this file? Unknown counts as yes.
    refers() {
      if [ -z "$KNOWN" ]; then return 0; fi
      case "$NL$NAMED$NL" in *"$NL$1$NL"*) return 0 ;; esac
      return 1
    }
    # reach_all: a new section behind another's wildcard would never serve. Such a certificate goes back before anything is reloaded.
    reach_all() {
      SHADOWED=$(shadows)
      if [ -z "$SHADOWED" ]; then return 0; fi
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ]; then continue; fi
        case "$NL$SHADOWED" in
          *"${NL}certfleet-"[0-9][0-9]"-$label$TAB"*)
            a_text=$(printf '%s\n' "$SHADOWED" | awk -F '\t' -v l="-$label" 'index($1,"certfleet-")==1 && substr($1,13)==l{
              print "its section for " $2 " would never be reached: [" $3 "] with " $4 " stands before it"; exit}')
            put_back "$D/old" && sections_back "$D/old" || { bad stuck "$a_text; the old file could not be put back: $E"; continue; }
            bad unused "$a_text" ;;
        esac
      done
    }
    # section_files: the sections that we keep for this item
    section_files() { for g_x in "$INCLUDE"/certfleet-[0-9][0-9]-"$label".conf; do if [ -e "$g_x" ]; then printf '%s\n' "$g_x"; fi; done; }
    # keep_sections OLD-DIR: once, as it was
    keep_sections() {
      if [ -e "$1/$label.sections" ]; then return 0; fi
      try mkdir -p "$1/$label.sections.tmp" || return 1
      for g_x in "$INCLUDE"/certfleet-[0-9][0-9]-"$label".conf; do
        if [ -e "$g_x" ]; then try cp -p "$g_x" "$1/$label.sections.tmp/" || return 1; fi
      done
      try mv -f "$1/$label.sections.tmp" "$1/$label.sections"
    }
    # sections_back OLD-DIR
    sections_back() {
      if [ -z "$INCLUDE" ] || [ ! -d "$1/$label.sections" ]; then return 0; fi
      rm -f "$INCLUDE"/certfleet-[0-9][0-9]-"$label".conf
      for g_x in "$1/$label.sections"/*.conf; do
        if [ -e "$g_x" ]; then put "$g_x" "$INCLUDE/${g_x##*/}" || return 1; fi
      done
    }
    undo_stunnel() {
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ]; then continue; fi
        put_back "$D/old" && sections_back "$D/old" || { bad stuck "$a_text; the old file could not be put back: $E"; continue; }
        bad "$a_fail" "$a_text"
      done
    }
    activate_stunnel() {
      ALL=$*; TOOK=0; RELOADS=0
      a_any=; a_new=
      named
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ]; then continue; fi
        if refers "$target"; then a_ours=; else a_ours=1; fi
        if [ -z "$a_ours" ] && keyed_apart; then bad pem "$E"; continue; fi
        if [ -n "$a_ours" ] && [ -z "$INCLUDE" ]; then
          bad unused "no section of $CONF has cert = $target, and certfleet is not told where to add one (include, service, connect)"
          continue
        fi
        if [ -n "$a_ours" ] && ! { keep_sections "$D/old" && sections_$a_n; }; then
          a_k=$K; a_e=$E; sections_back "$D/old"; bad "$a_k" "$a_e"; continue
        fi
        if [ -n "$a_ours" ]; then a_new=1; fi
        if ! into_place; then
          a_k=$K; a_e=$E; put_back "$D/old"; sections_back "$D/old"; bad "$a_k" "$a_e"; continue
        fi
        a_any=1
      done
      if [ -n "$a_new" ]; then
        reach_all
      fi
      # what stunnel would refuse goes back before it is asked to reload: it has no check, and one bad file stops all
      if [ -n "$a_any" ]; then
        left_over; s_at=; s_guilty=guilty_placed
        sift see_stunnel "$LEFT"
        left_over; a_any=$LEFT
      fi
      if [ -n "$a_any" ]; then
        reload_stunnel; a_rc=$?
        if [ $a_rc -eq 1 ]; then
          a_text=$E
          if named_in_log; then reload_stunnel; a_rc=$?; fi
        fi
        if [ $a_rc -eq 1 ]; then
          a_text=$E; a_fail=reload
          # the old files first, then one more reload: a bad PEM left on the disk would stop the next start
          for a_n in $ALL; do
            item_$a_n; state $a_n
            if [ "$ST" != bad ]; then put_back "$D/old" && sections_back "$D/old"; fi
          done
          reload_stunnel
          if [ $? -eq 1 ]; then a_fail=config; a_text="$a_text; with the old set in place again: $E"; say cannot-restart $T; fi
          undo_stunnel
        fi
        for a_n in $ALL; do
          item_$a_n; state $a_n
          if [ "$ST" = bad ]; then continue; fi
          if [ $a_rc -eq 0 ]; then say item $a_n active reload; else say item $a_n active unconfirmed; fi
        done
      fi
      say term $T $RELOADS $TOOK
    }
    """#

  /// `sections_N`: writes the section files of a certificate that no other section names.
  ///
  /// stunnel scans in file order and takes the first match, and a `*` matches any depth: exact names come first, then wildcards, the deeper
  /// before the shallower (rank 10, then 90 minus the number of labels).
  static func section(of item: RolloutWork.Item, in stunnel: StunnelTermination) -> ShellText {
    guard let service = stunnel.service, let connect = stunnel.connect, stunnel.include != nil else {
      return "sections_\(item.index)() { K=unused; E='include, service and connect must all be given'; return 1; }\n"
    }
    var ranks: [Int: [String]] = [:]
    for name in item.file.names.names {
      let depth = name.split(separator: ".").count
      ranks[name.hasPrefix("*.") ? max(20, 90 - depth) : 10, default: []].append(name)
    }
    var text: ShellText = """
      sections_\(item.index)() {
      if [ -z "$SERVICE" ]; then K=unused; E='no service'; return 1; fi
      for g_x in "$INCLUDE"/certfleet-[0-9][0-9]-"$label".conf; do
      case ${g_x##*/} in

      """
    for rank in ranks.keys.sorted() { text += "certfleet-\(rank)-*) ;;\n" }
    text += "*) rm -f \"$g_x\" ;;\nesac\ndone\n"
    for (rank, names) in ranks.sorted(by: { $0.key < $1.key }) {
      let lines = ShellText(words: names.map { "\(ShellWord("sni = \(service):\($0)"))" })
      text += """
        g_file=certfleet-\(rank)-$label
        printf '%s\\n' "[$g_file]" \(lines) "cert = $target" \(ShellWord("connect = \(connect)")) >"$D/new/.$g_file" || { K=full; E='cannot write'; return 1; }
        chmod 644 "$D/new/.$g_file"
        put "$D/new/.$g_file" "$INCLUDE/$g_file.conf" || return 1

        """
    }
    return text + "}\n"
  }
}

extension ShellText {
  /// Joins source text.
  static func + (left: ShellText, right: ShellText) -> ShellText {
    var result = left
    result += right
    return result
  }
}
