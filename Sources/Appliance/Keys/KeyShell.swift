/// The shell side of key work. No secret is ever an argument: openssl reads and writes files under `umask 077`.
enum KeyShell {
  /// `make_key INDEX FILE REUSE TYPE` with the request's configuration in C.
  ///
  /// `ecparam -genkey` names the curve in every openssl; 1.0.1's `genpkey` would write its parameters out, which CAs refuse.
  static let make: ShellText = #"""
    body_of() { sed -e '/^-----/d' "$1" | tr -d '\r\n'; }
    new_key() {
      case $1 in
        p256) openssl ecparam -name prime256v1 -genkey -noout -out "$2" ;;
        p384) openssl ecparam -name secp384r1 -genkey -noout -out "$2" ;;
        rsa2048) openssl genrsa -out "$2" 2048 ;;
        rsa3072) openssl genrsa -out "$2" 3072 ;;
        rsa4096) openssl genrsa -out "$2" 4096 ;;
        *) echo "unknown key type $1" >&2; return 1 ;;
      esac
    }
    make_key() {
      key=$W/keys/$2.key; csr=$W/keys/$2.csr; fresh=$W/keys/.$2.new
      if [ ! -s "$key" ]; then
        rm -f "$fresh"
        if [ -n "$3" ]; then
          if [ ! -s "$W/keys/$3.key" ]; then tell "request $1 nokey" "the key to be used again is not on this node"; return; fi
          try cp "$W/keys/$3.key" "$fresh" || { tell "request $1 $K" "$E"; return; }
        else
          try new_key "$4" "$fresh" || { why "$E" key; tell "request $1 $K" "$E"; rm -f "$fresh"; return; }
        fi
        chmod 600 "$fresh"
        # a full disk can leave half a key behind a good exit status
        if ! E=$(openssl pkey -in "$fresh" -noout 2>&1 </dev/null); then
          why "$E" key; tell "request $1 $K" "the new key is not whole: $E"; rm -f "$fresh"; return
        fi
        try mv -f "$fresh" "$key" || { tell "request $1 $K" "$E"; return; }
      fi
      rm -f "$csr"
      if grep -q '^CN = ' "$C"; then
        E=$(openssl req -new -sha256 -key "$key" -config "$C" -out "$csr" 2>&1)
      else
        E=$(openssl req -new -sha256 -key "$key" -config "$C" -subj / -out "$csr" 2>&1)
      fi
      if [ $? -ne 0 ] || ! openssl req -in "$csr" -noout -verify >/dev/null 2>&1; then
        why "$E" key; tell "request $1 $K" "openssl req: $E"; rm -f "$csr"; return
      fi
      say request "$1" pem "$(body_of "$csr")"
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

  /// `seal INDEX FILE PUBLIC-KEY-SHA256`
  static let seal: ShellText = #"""
    seal() {
      key=$W/keys/$2.key
      if [ ! -s "$key" ]; then tell "sealed $1 nokey" "the key is not on this node"; return; fi
      if [ "$(public_of_key "$key")" != "$3" ]; then tell "sealed $1 mismatch" "the key on this node is another one"; return; fi
      if ! E=$(openssl cms -encrypt -binary -aes256 -in "$key" -outform PEM -out "$R/$2.cms" "$R/peer.pem" 2>&1); then
        why "$E" key; tell "sealed $1 $K" "openssl cms: $E"; rm -f "$R/$2.cms"; return
      fi
      say sealed "$1" pem "$(sed -e '/^-----/d' "$R/$2.cms" | tr -d '\r\n')"
      rm -f "$R/$2.cms"
    }
    """#
}
