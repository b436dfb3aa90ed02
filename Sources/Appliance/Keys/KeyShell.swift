import Fleet

/// The shell side of key work. No secret is ever an argument: openssl reads and writes files under `umask 077`.
enum KeyShell {
  /// `make_keys NUMBERS`, with `order_N` and the requests' configurations in R: one openssl makes key and request, and checks the request.
  ///
  /// The parameters of a curve come from `ecparam -name`, which names it in every openssl; 1.0.1's `genpkey` would write them out, which CAs
  /// refuse.
  static let make: ShellText = #"""
    kind_of() {
      case $1 in
        p256) curve prime256v1 ;;
        p384) curve secp384r1 ;;
        rsa2048|rsa3072|rsa4096) NEWKEY=rsa:${1#rsa} ;;
        *) E="unknown key type $1"; return 1 ;;
      esac
    }
    curve() {
      NEWKEY=ec:$R/$1.curve
      if [ ! -s "$R/$1.curve" ]; then try openssl ecparam -name $1 -out "$R/$1.curve"; fi
    }
    # request N OLD ARGS: the request for the key that ARGS name; OLD is what to call a key that was there before. What cannot sign, or does not
    # fit its own public half, is damaged: it counts as lost, and the next try makes another.
    request() {
      q_n=$1; q_old=$2; shift 2
      if [ -z "$common" ]; then set -- "$@" -subj /; fi
      if E=$(openssl req -new -sha256 -verify -config "$R/$att.cnf" -out "$R/$att.csr" "$@" 2>&1 </dev/null); then
        # the exit status of some versions forgets a signature that does not verify
        case $E in *'verify OK'*) return 0 ;; esac
      fi
      if [ -n "$q_old" ]; then why "$E" nokey; else why "$E" key; fi
      if [ $K = nokey ]; then tell "request $q_n nokey" "$q_old on this node is damaged: $E"
      else tell "request $q_n $K" "openssl req: $E"
      fi
      rm -f "$R/$att.csr" "$R/$att.key"
      return 1
    }
    # one_key N: key and request in R, or the key that is there already
    one_key() {
      case $WHOLE in *" $att.cnf "*) ;; *)
        try cp "$R/$att.cnf" "$R/probe" || why "$E" full
        tell "request $1 ${K:-full}" "the request did not arrive whole: $E"; return 1 ;;
      esac
      if [ -s "$W/keys/$att.key" ]; then request $1 'the key' -key "$W/keys/$att.key"; return; fi
      if [ -n "$reuse" ]; then
        if [ ! -s "$W/keys/$reuse.key" ]; then tell "request $1 nokey" "the key to be used again is not on this node"; return 1; fi
        try cp "$W/keys/$reuse.key" "$R/$att.key" || { tell "request $1 $K" "$E"; return 1; }
        request $1 'the key to be used again' -key "$R/$att.key"; return
      fi
      kind_of $type || { why "$E" key; tell "request $1 $K" "$E"; return 1; }
      request $1 '' -nodes -newkey "$NEWKEY" -keyout "$R/$att.key"
    }
    make_keys() {

      for q_i in "$@"; do
        order_$q_i; beat; K=
        if one_key $q_i; then printf '%s %s\n' $q_i "$att" >&4; fi
      done 4>"$R/made"
      # a full disk can leave half a key behind a good exit status: only those whose last line is there get their name
      CF_R=$R/ awk '{f=ENVIRON["CF_R"] $2 ".key"; e=""; s=0; while((getline l <f)>0){s=1; e=l} close(f)
        if(!s || e~/^-----END .*PRIVATE KEY-----/) print}' "$R/made" >"$R/whole"
      set --
      while read -r q_i att; do
        if [ ! -e "$R/$att.key" ]; then continue; fi
        set -- "$@" "$R/$att.key"
        if [ $# -ge 100 ]; then mv -f "$@" "$W/keys/" 2>/dev/null; set --; fi
      done <"$R/whole"
      if [ $# -gt 0 ]; then mv -f "$@" "$W/keys/" 2>/dev/null; fi
      while read -r q_i att; do
        if [ -e "$R/$att.key" ]; then
          # half a key, or no room for its name: said again, to learn why
          E=; try cp "$R/$att.key" "$W/keys/.probe"; rm -f "$W/keys/.probe"
          why "$E" full; tell "request $q_i $K" "the new key is not whole${E:+: $E}"
        elif [ -s "$W/keys/$att.key" ]; then printf '%s %s\n' $q_i "$R/$att.csr" >&4
        else tell "request $q_i key" 'the new key is not there'
        fi
      done <"$R/made" 4>"$R/list"
      # each has just signed its request: `vouch` knows them by their check sums
      (cd "$W/keys" && awk '{sub(/^[^ ]* .*\//,""); sub(/csr$/,"key"); print}' "$R/list" | xargs cksum 2>/dev/null) |
        awk 'NF==3{print $1,$2,"key -",$3}' >>"$W/seen"
      bodies request
    }
    """#

  /// Removes the keys of attempts that nobody needs any more, a hundred to a process.
  static func forgetting(_ attempts: [AttemptID]) -> ShellText {
    var text: ShellText = ""
    for start in stride(from: 0, to: attempts.count, by: 100) {
      let keys = attempts[start..<min(start + 100, attempts.count)].map { attempt -> ShellText in
        "\"$W/keys/\"\(ShellWord(FileStem(attempt.rawValue).text)).key"
      }
      text += "rm -f \(ShellText(words: keys))\n"
    }
    return text
  }

  /// `bodies RECORD`: for each line `N FILE` of R/list a record with the base64 of that PEM.
  static let bodies: ShellText = #"""
    bodies() {
      CF_HEAD="@cf $CF_NONCE $1" awk '{i=$1; f=$0; sub(/^[^ ]* /,"",f); b=""
        while((getline l <f)>0) if(l!~/^-----/){gsub(/[^A-Za-z0-9+\/=]/,"",l); b=b l}
        close(f); if(b!="") print ENVIRON["CF_HEAD"],i,"pem",b}' "$R/list" >"$R/said" 2>/dev/null
      n=$((n+$(wc -l <"$R/said")))
      cat "$R/said" >&3
    }
    """#

  /// A self-signed RSA-2048 key pair of its own in R, for CMS key transport.
  static let recipient: ShellText = #"""
    if [ ! -s "$R/recipient.key" ] || [ ! -s "$R/recipient.pem" ]; then
      rm -f "$R/recipient.key" "$R/recipient.pem"
      printf '[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nCN = certfleet rollout\n' >"$R/recipient.cnf"
      if ! E=$(openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 2 -config "$R/recipient.cnf" \
        -keyout "$R/recipient.key.new" -out "$R/recipient.pem.new" 2>&1); then
        rm -f "$R/recipient.key.new"; why "$E" key; die "$K" "openssl req -x509: $E"
      fi
      chmod 600 "$R/recipient.key.new"
      try mv -f "$R/recipient.key.new" "$R/recipient.key" || die "$K" "$E"
      try mv -f "$R/recipient.pem.new" "$R/recipient.pem" || die "$K" "$E"
    fi
    say recipient "$(sed -e '/^-----/d' "$R/recipient.pem" | tr -d '\r\n')"
    """#

  /// `seal_all NUMBERS`, with `attempt_N` naming the attempt and the SHA-256 of its public key.
  static let seal: ShellText = #"""
    seal_all() {
      q_here=
      for q_i in "$@"; do
        attempt_$q_i
        if [ -s "$W/keys/$att.key" ]; then q_here="$q_here $q_i"; else tell "sealed $q_i nokey" "the key is not on this node"; fi
      done
      publics "$W/keys" $q_here
      while read -r q_i q_word; do
        attempt_$q_i; pulse
        case $q_word in
          other) tell "sealed $q_i nokey" 'the key on this node is another one'; continue ;;
          damaged) tell "sealed $q_i nokey" 'the key on this node is damaged'; continue ;;
        esac
        if ! E=$(openssl cms -encrypt -binary -aes256 -in "$W/keys/$att.key" -outform PEM -out "$R/$att.sealed" "$R/peer.pem" 2>&1); then
          why "$E" key; tell "sealed $q_i $K" "openssl cms: $E"; continue
        fi
        printf '%s %s\n' $q_i "$R/$att.sealed" >&4
      done <"$R/paired" 4>"$R/list"
      bodies sealed
      rm -f "$R"/*.sealed
    }
    """#
}
