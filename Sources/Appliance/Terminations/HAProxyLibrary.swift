/// Shell functions for HAProxy's command line on the stats socket, with every trap that was seen in it.
///
/// Keys travel through pipes only: `printf` is built into every shell we meet, so no argument list ever holds one.
enum HAProxyLibrary {
  /// `find_client` sets CLIENT; `cli` sends its input to SOCK and prints the answer.
  static let socket: ShellText = #"""
    find_client() {
      CLIENT=none
      if have socat; then CLIENT=socat
      elif nc -h 2>&1 | grep -q -e '-[0-9A-Za-z]*U'; then CLIENT=nc
      elif have python3; then CLIENT=python3
      elif have python; then CLIENT=python
      elif have perl; then CLIENT=perl
      fi
    }
    CF_PY='import socket,sys
    s=socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
    i=getattr(sys.stdin,"buffer",sys.stdin); o=getattr(sys.stdout,"buffer",sys.stdout)
    s.sendall(i.read())
    while 1:
     d=s.recv(65536)
     if not d: break
     o.write(d)'
    CF_PL='use IO::Socket::UNIX; alarm 60; my $s=IO::Socket::UNIX->new(Peer=>$ARGV[0]) or die; local $/; print $s scalar <STDIN>; $s->flush; print <$s>;'
    cli() {
      case $CLIENT in
        # -t: how long to wait for the answer after our end of file; a commit of a large set takes seconds
        socat) socat -t60 -T60 - "UNIX-CONNECT:$SOCK" 2>/dev/null ;;
        nc) nc -w 60 -U "$SOCK" 2>/dev/null ;;
        python3) python3 -c "$CF_PY" "$SOCK" 2>/dev/null ;;
        python) python -c "$CF_PY" "$SOCK" 2>/dev/null ;;
        perl) perl -e "$CF_PL" "$SOCK" 2>/dev/null ;;
        *) return 1 ;;
      esac
    }
    # ask COMMAND: sets A to the answer, empty lines dropped
    ask() { A=$(printf '%s%s\n' "$PFX" "$1" | cli | sed '/^[[:space:]]*$/d'); }
    # open_cli: lists the certificates in memory into CERTS and decides PFX; on failure E says why
    # A master socket answers for its worker with the prefix @1.
    open_cli() {
      PFX=; CERTS=
      if [ -z "$SOCK" ]; then E='no stats socket is configured'; return 1; fi
      if [ "$CLIENT" = none ]; then E='neither socat, nc -U, python nor perl is there to talk to the stats socket'; return 1; fi
      if [ ! -S "$SOCK" ]; then E="no socket at $SOCK"; return 1; fi
      ask 'show ssl cert'
      case $A in
        '#'*) ;;
        *'ermission denied'*) E="$SOCK is not level admin"; return 1 ;;
        *)
          PFX='@1 '
          ask 'show ssl cert'
          case $A in '#'*) ;; *) PFX=; E="$SOCK does not list certificates: $(flat "$A")"; return 1 ;; esac ;;
      esac
      CERTS=$A
      return 0
    }
    """#

  /// Hot update of one certificate, and what memory holds.
  static let update: ShellText = #"""
    # A name that HAProxy's parser takes as one word
    one_word() { case $1 in ''|*[!A-Za-z0-9_./@+:,=%~*^!-]*) return 1 ;; esac; return 0; }
    # memory_name TARGET: sets NAME to the name under which memory has this file, byte for byte as HAProxy prints it
    memory_name() {
      NAME=
      case "$NL$CERTS$NL" in *"$NL$1$NL"*|*"$NL*$1$NL"*) NAME=$1; return 0 ;; esac
      other_name "$1"
    }
    other_name() {
      NAME=
      # another spelling of the same file: a symbolic link, a double slash, a path relative to crt-base
      if [ -e "$1" ]; then
        while read -r m_line; do
          case $m_line in ''|'#'*|@*) continue ;; esac
          m_line=${m_line#\*}
          if [ "$m_line" -ef "$1" ]; then NAME=$m_line; return 0; fi
        done <<EOF
    $CERTS
    EOF
        # @store/alias tells no path (haproxy#2943): by the configuration, else the one that holds what the file holds
        case $CERTS in
          *@*)
            if stored_name "$1"; then return 0; fi
            serial_sha1 "$1"
            while read -r m_line; do
              case $m_line in @*) ;; *) continue ;; esac
              memory "$m_line"
              if [ -n "$SHA1" ] && [ "$MSHA1" = "$SHA1" ]; then NAME=$m_line; return 0; fi
            done <<EOF
    $CERTS
    EOF
            ;;
        esac
      fi
      return 1
    }
    # memory NAME: sets MSHA1, MSERIAL and MSTATUS to what the process holds, empty if nothing
    memory() {
      ask "show ssl cert $1"
      read_memory
    }
    # field WORDS: sets F to the rest of the line of A that begins so
    field() {
      F=
      case "$NL$A" in *"$NL$1"*) F=$NL$A; F=${F#*"$NL$1"}; F=${F%%"$NL"*}; F=${F#"${F%%[! ]*}"} ;; esac
    }
    read_memory() {
      field 'SHA1 FingerPrint:'; MSHA1=$F
      field 'Serial:'; MSERIAL=$F
      field 'Status:'; MSTATUS=$F
    }
    # remember ITEMS: sets NAME_N to the name in memory, and M_N, sM_N, uM_N to SHA-1, serial and status under it; forty to a question.
    remember() {
      for m_n in $1; do item_$m_n; eval "NAME_$m_n=; M_$m_n="; printf '%s %s\n' $m_n "$target"; done >"$R/list"
      printf '%s\n' "$CERTS" >"$R/certs"
      awk 'FILENAME==ARGV[1]{sub(/^\*/,""); c[$0]=1; next} {n=$1; sub(/^[^ ]* /,""); if($0 in c) print n,$0}' \
        "$R/certs" "$R/list" >"$R/named" 2>/dev/null
      m_ask=; m_count=0
      while read -r m_n NAME; do
        if ! one_word "$NAME"; then continue; fi
        eval "NAME_$m_n=\$NAME"
        m_ask="$m_ask;${PFX}show ssl cert $NAME"; m_count=$((m_count+1))
        if [ $m_count -ge 40 ] || [ ${#m_ask} -gt 8000 ]; then
          beat
          printf '%s\n' "${m_ask#;}" | cli >&4
          m_ask=; m_count=0
        fi
      done <"$R/named" 4>"$R/shown"
      if [ -n "$m_ask" ]; then printf '%s\n' "${m_ask#;}" | cli >>"$R/shown"; fi
      awk 'function out(){if(f!="" && h!="") m[f]=h" "s" "u}
        FILENAME==ARGV[1]{if(/^Filename: /){out(); f=$2; h=""; s=u="-"} else if(/^Status: /)u=$2; else if(/^Serial: /)s=$2; else if(/^SHA1 FingerPrint: /)h=$3; next}
        {out(); f=""} $2 in m{print $1,m[$2]}' "$R/shown" "$R/named" >"$R/found" 2>/dev/null
      while read -r m_n m_sha1 m_serial m_status; do
        eval "M_$m_n=\$m_sha1; sM_$m_n=\$m_serial; uM_$m_n=\$m_status"
      done <"$R/found"
    }
    # remembered: sets NAME, MSHA1, MSERIAL and MSTATUS of the present item; false where memory does not have it
    remembered() {
      eval "NAME=\$NAME_$I; MSHA1=\$M_$I; MSERIAL=\${sM_$I-}; MSTATUS=\${uM_$I-}"
      if [ -z "$NAME" ]; then other_name "$target" || return 1; fi
      if [ -z "$MSHA1" ]; then memory "$NAME"; fi
      return 0
    }
    # Only BEGIN…END, no empty lines: an empty line ends the payload and the rest would run as commands.
    payload() { awk '{sub(/\r$/,"")} /^-----BEGIN /{on=1} on&&!/^[ \t]*$/{print} /^-----END /{on=0}' "$1"; }
    # last_line TEXT: sets LAST to its last line that is not empty
    last_line() { LAST=$1; while :; do case $LAST in *"$NL") LAST=${LAST%"$NL"} ;; *) break ;; esac; done; LAST=${LAST##*"$NL"}; }
    # open_transaction: sets OPEN to the certificate of the process's one transaction, if one is open
    open_transaction() { OPEN=; case "$NL$CERTS" in *"$NL*"*) OPEN=$NL$CERTS; OPEN=${OPEN#*"$NL*"}; OPEN=${OPEN%%"$NL"*} ;; esac; }
    # more_of NAME BESIDE: into the open transaction what HAProxy reads beside the PEM, which it forgot with it
    more_of() {
      for h_x in issuer ocsp sctl; do
        if [ ! -s "$2/$h_x" ]; then continue; fi
        {
          printf '%sset ssl cert %s.%s <<\n' "$PFX" "$1" $h_x
          if [ $h_x = issuer ]; then payload "$2/$h_x"; else openssl base64 -in "$2/$h_x" 2>/dev/null; fi
          printf '\n'
        } | cli >/dev/null
      done
    }
    # whole FILE BESIDE: the PEM with the key that lay apart
    whole() {
      payload "$1"
      if [ -n "$2" ] && [ -s "$2/key" ] && ! grep -q 'PRIVATE KEY-----' "$1"; then payload "$2/key"; fi
    }
    # hot_set NAME FILE [BESIDE]: payload, commit, compare with SHA1 and SERIAL of FILE (k_sum: its check sum and size, if known); on failure E says why and K is `socket` (try a reload) or `pem` (this file)
    hot_set() {
      K=socket
      if ! one_word "$1"; then E="HAProxy's command line cannot take the name $1"; return 1; fi
      h_size=${k_sum##* }
      [ -n "$h_size" ] || h_size=$(payload "$2" | wc -c)
      if [ $((h_size)) -gt $PAYLOAD ]; then E="$((h_size)) bytes are too many for the stats socket"; return 1; fi
      h_i=0
      while :; do
        A=$({ printf '%sset ssl cert %s <<\n' "$PFX" "$1"; whole "$2" "${3-}"; printf '\n'; } | cli)
        case $A in *'currently locked'*) h_i=$((h_i+1)); [ $h_i -lt 20 ] && { nap; continue; } ;; esac
        break
      done
      # Before the fix of 2024-10-29 a transaction of another file takes ours in silently: only the exact words count.
      case "$NL$A$NL" in
        *"${NL}Transaction created for certificate $1!$NL"*) ;;
        *)
          E="set ssl cert: $(flat "${A:-no answer}")"
          case $A in *"an't load the payload"*|*'unable to load'*) K=pem ;; esac
          h_other=$(printf '%s\n' "$A" | sed -n 's/^Transaction [a-z]* for certificate \(.*\)!$/\1/p' | head -n 1)
          if [ -n "$h_other" ] && one_word "$h_other"; then ask "abort ssl cert $h_other"
          elif [ "$K" = pem ]; then ask "abort ssl cert $1"
          fi
          return 1 ;;
      esac
      if [ -n "${3-}" ]; then more_of "$1" "$3"; fi
      h_i=0
      while :; do
        A=$(printf '%scommit ssl cert %s;%sshow ssl cert %s\n' "$PFX" "$1" "$PFX" "$1" | cli)
        h_said=${A%%"${NL}Filename: "*}
        case $h_said in *'currently locked'*) h_i=$((h_i+1)); [ $h_i -lt 20 ] && { nap; continue; } ;; esac
        break
      done
      last_line "$h_said"
      if [ "$LAST" != 'Success!' ]; then
        [ -n "$LAST" ] || h_said='no answer'
        E="commit ssl cert: $(flat "$h_said")"
        case $h_said in *inconsistencies*|*'at least a certificate'*|*'unable to load'*) K=pem ;; esac
        # A failed commit leaves the transaction open, and it outlives the connection.
        ask "abort ssl cert $1"
        return 1
      fi
      if [ "$h_said" = "$A" ]; then memory "$1"; else A=${A#"$h_said$NL"}; read_memory; fi
      if [ -z "$SHA1" ] || [ "$MSHA1" != "$SHA1" ]; then
        E="after the commit memory holds ${MSERIAL:-nothing} instead of $SERIAL"
        return 1
      fi
      return 0
    }
    # list_name PATH: sets LIST to the crt-list or directory as HAProxy names it. LISTS_SAID keeps what it said until the next hot_open.
    list_name() {
      l_path=${1%/}
      if [ "$l_path" = "${l_last-}" ]; then LIST=$l_found; [ -n "$LIST" ]; return; fi
      LIST=; l_last=$l_path
      if [ -z "${LISTS_SAID-}" ]; then ask 'show ssl crt-list'; LISTS_SAID=$A; fi
      case "$NL$LISTS_SAID$NL" in
        *"$NL$l_path$NL"*) LIST=$l_path ;;
        *)
          while read -r l_line; do
            case $l_line in ''|'#'*) continue ;; esac
            if [ "$l_line" -ef "$l_path" ]; then LIST=$l_line; break; fi
          done <<EOF
    $LISTS_SAID
    EOF
          ;;
      esac
      l_found=$LIST
      [ -n "$LIST" ]
    }
    # hot_new NAME FILE: a certificate that memory does not have, into LIST
    hot_new() {
      K=socket
      if ! one_word "$1" || ! one_word "$LIST"; then E="HAProxy's command line cannot take the name $1"; return 1; fi
      ask "new ssl cert $1"
      case $A in
        "New empty certificate store '$1'!"|*'already exists'*) ;;
        *) E="new ssl cert: $(flat "${A:-no answer}")"; return 1 ;;
      esac
      if ! hot_set "$1" "$2"; then ask "del ssl cert $1"; return 1; fi
      A=$(printf '%sadd ssl crt-list %s %s;%sshow ssl cert %s\n' "$PFX" "$LIST" "$1" "$PFX" "$1" | cli)
      h_said=${A%%"${NL}Filename: "*}
      last_line "$h_said"
      if [ "$LAST" != 'Success!' ]; then
        [ -n "$LAST" ] || h_said='no answer'
        case $h_said in
          *'already exists in this'*) ;;
          *) E="add ssl crt-list: $(flat "$h_said")"; K=socket; ask "del ssl cert $1"; return 1 ;;
        esac
      fi
      if [ "$h_said" = "$A" ]; then memory "$1"; else A=${A#"$h_said$NL"}; read_memory; fi
      if [ "$MSTATUS" != Used ]; then E="after add ssl crt-list its status is ${MSTATUS:-unknown}"; K=socket; return 1; fi
      return 0
    }
    # hot_del NAME: takes a certificate out of LIST and memory
    hot_del() {
      if ! one_word "$1"; then return 1; fi
      if [ -n "$LIST" ]; then ask "del ssl crt-list $LIST $1"; fi
      ask "del ssl cert $1"
      memory "$1"
      [ -z "$MSHA1" ]
    }
    """#

  /// The configuration's own check. `term_N` and `check_N` come from ``TerminationShell``.
  static let check: ShellText = #"""
    # unreadable: does what the check complained about name a file that is there and closed to this login? To root it is open.
    unreadable() {
      for u_x in $(said | sed -n "s/^.*'\(\/[^' ]*\)'.*$/\1/p"); do
        if [ -e "$u_x" ] && [ ! -r "$u_x" ]; then return 0; fi
      done
      return 1
    }
    # config_check: sets CHECK to pass, fail or unknown (the login could not try) and E to the complaint
    config_check() {
      if ! have "$BINARY"; then CHECK=unknown; E="$BINARY is not there"; return 0; fi
      if check_$T; then CHECK=pass; E=; return 0; fi
      case $(said) in *'ermission denied'*) CHECK=unknown ;; *) if unreadable; then CHECK=unknown; else CHECK=fail; fi ;; esac
      E=$(said | sed -n -e '/ALERT/{s/^\[[A-Z]*\][^:]*: *//p;}' | head -n 2)
      [ -n "$E" ] || E=$(said | tail -n 2)
      [ -n "$E" ] || E='the check failed without a word'
    }
    """#
}
