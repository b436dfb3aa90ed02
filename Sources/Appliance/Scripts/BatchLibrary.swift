/// Shell functions that look at the files of a whole batch with few processes. On an old appliance starting a process costs more than what it
/// does: one `cksum` and one `awk` serve all certificates, and openssl, which reads one file a process, reads each content once a rollout.
enum BatchLibrary {
  /// Files in, and what lies where. R is the rollout's directory, T the termination's number.
  static let files: ShellText = #"""
    # unpack: the files of its input into R, each after a line `@NONCE NAME CRC LENGTH`. WHOLE names those that arrived whole.
    unpack() {
      rm -f "$R/want"
      CF_DIR=$R/ CF_MARK=@$CF_NONCE awk 'BEGIN{d=ENVIRON["CF_DIR"]; m=ENVIRON["CF_MARK"]}
        $1==m{if(f)close(f); f=d $2; printf "" >f; print $3,$4,$2 >(d "want"); next}
        f{print >f}' 2>/dev/null
      WHOLE=$(cd "$R" && cut -d ' ' -f 3 want | xargs cksum 2>/dev/null |
        awk 'FILENAME=="want"{w[$3]=$1" "$2; next} w[$3]==$1" "$2{printf " %s",$3} END{print " "}' want -)
    }
    # publics DIR NUMBERS: compares the public half of each DIR/ATTEMPT.key with `public`; R/paired gets a line `N same`, `N other` or `N damaged` for
    # each. One openssl a key, and one for all digests: `SHA256(NAME)= DIGEST`, in newer versions `SHA2-256(NAME)= DIGEST`; what openssl cannot
    # read has the digest of nothing.
    publics() {
      d_dir=$1; shift
      for d_n in "$@"; do
        attempt_$d_n; pulse
        openssl pkey -in "$d_dir/$att.key" -pubout -outform DER -out "$R/$att.public" 2>/dev/null </dev/null || printf '' >"$R/$att.public"
        printf '%s %s %s\n' $d_n "$att" "$public" >&4
      done 4>"$R/asked"
      (cd "$R" && awk '{print $2 ".public"}' asked | xargs openssl dgst -sha256 2>/dev/null |
        awk 'BEGIN{none="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
          FILENAME=="asked"{n[$2 ".public"]=$1; p[$2 ".public"]=$3; next}
          {f=$0; sub(/^[^(]*\(/,"",f); sub(/\)= *[0-9a-f]*$/,"",f)
            if(f in n) print n[f],(p[f]==$NF?"same":$NF==none?"damaged":"other")}' asked - >paired
        awk '{print $2 ".public"}' asked | xargs rm -f)
      if [ "$d_dir" = "$W/keys" ]; then vouch; fi
    }
    # vouch: calls those of R/paired damaged whose private half does not fit the public one, which neither openssl's reading nor HAProxy's would
    # notice before the first handshake. A key that was seen whole is known again by its check sum; any other must sign and be verified.
    vouch() {
      printf '' >>"$W/seen"
      (cd "$W/keys" && awk 'FILENAME==ARGV[1]{a[$1]=$2; next} $2=="same"{print a[$1] ".key"}' "$R/asked" "$R/paired" | xargs cksum 2>/dev/null) |
        awk 'FILENAME==ARGV[1]{if($3=="key") known[$1" "$2" "$5]; next} NF==3 && !(($1" "$2" "$3) in known)' "$W/seen" - >"$R/strange"
      if [ ! -s "$R/strange" ]; then return 0; fi
      printf '[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nCN = certfleet\n' >"$R/probe.cnf"
      while read -r d_crc d_len d_file; do
        pulse
        case $(openssl req -new -sha256 -verify -config "$R/probe.cnf" -key "$W/keys/$d_file" -out "$R/probe" 2>&1 </dev/null) in
          *'verify OK'*) printf '%s %s key - %s\n' $d_crc $d_len "$d_file" >&4 ;;
          *) printf '%s\n' "${d_file%.key}" >&5 ;;
        esac
      done <"$R/strange" 4>>"$W/seen" 5>"$R/broken"
      rm -f "$R/probe" "$R/probe.cnf"
      awk 'FILENAME==ARGV[1]{b[$1]; next} FILENAME==ARGV[2]{if($2 in b) broken[$1]; next} {print $1,($1 in broken)?"damaged":$2}' \
        "$R/broken" "$R/asked" "$R/paired" >"$R/vouched" && mv -f "$R/vouched" "$R/paired"
    }
    # usable: is there a directory for the files of the present termination?
    usable() { if [ ! -d "$base" ]; then K=refused; E="no directory $base"; return 1; fi; }
    # look NAME ITEMS: for NAME=L what lies under each target, for NAME=G what is staged. Sets NAME_N to the SHA-256 of the leaf, to `none` or
    # to `unreadable`, and sNAME_N to its serial. What was seen before is known again by check sum, length and label.
    look() {
      k_v=$1; k_items=$2; k_seen=$W/seen
      printf '' >>"$k_seen"
      set --
      for k_n in $k_items; do
        item_$k_n
        if [ $k_v = L ]; then k_file=$target; else k_file=$staged; fi
        eval "${k_v}_$k_n=; s${k_v}_$k_n=-; k_sum_$k_n="
        if [ ! -e "$k_file" ]; then eval "${k_v}_$k_n=none"; continue; fi
        printf '%s %s %s\n' $k_n "$label" "$k_file" >&4
        set -- "$@" "$k_file"
        if [ $# -ge 100 ]; then beat; cksum "$@" >&5 2>/dev/null; set --; fi
      done 4>"$R/list" 5>"$R/sums"
      if [ $# -gt 0 ]; then cksum "$@" >>"$R/sums" 2>/dev/null; fi
      awk 'FILENAME==ARGV[1]{seen[$1" "$2" "$5]=$3" "$4; next}
        FILENAME==ARGV[2]{s=$1" "$2; sub(/^[^ ]* [^ ]* /,""); sum[$0]=s; next}
        {n=$1; l=$2; sub(/^[^ ]* [^ ]* /,""); if($0 in sum) print n,sum[$0],seen[sum[$0]" "l]}' \
        "$k_seen" "$R/sums" "$R/list" >"$R/found" 2>/dev/null
      while read -r k_n k_crc k_len k_leaf k_serial; do
        eval "k_sum_$k_n=\"\$k_crc \$k_len\"; ${k_v}_$k_n=\$k_leaf; s${k_v}_$k_n=\$k_serial"
      done <"$R/found"
      k_any=
      for k_n in $k_items; do
        eval "k_leaf=\$${k_v}_$k_n"
        if [ -n "$k_leaf" ]; then continue; fi
        item_$k_n
        if [ $k_v = L ]; then k_file=$target; else k_file=$staged; fi
        k_any=1; pulse
        eval "${k_v}_$k_n=unreadable"
        printf '@ %s\n' $k_n
        openssl x509 -in "$k_file" -noout -serial -fingerprint -sha256 2>/dev/null
      done >"$R/asked"
      if [ -z "$k_any" ]; then return 0; fi
      awk 'function out(){if(n!="" && l!="") print n,l,s}
        $1=="@"{out(); n=$2; l=""; s="-"; next}
        /^serial=/{s=toupper(substr($0,8))}
        /ingerprint=/{l=$0; sub(/^.*=/,"",l); gsub(/:/,"",l); l=tolower(l)}
        END{out()}' "$R/asked" >"$R/found" 2>/dev/null
      while read -r k_n k_leaf k_serial; do
        eval "${k_v}_$k_n=\$k_leaf; s${k_v}_$k_n=\$k_serial; k_sum=\$k_sum_$k_n"
        item_$k_n
        if [ -n "$k_sum" ]; then printf '%s %s %s %s\n' "$k_sum" "$k_leaf" "$k_serial" "$label" >&4; fi
      done <"$R/found" 4>>"$k_seen"
    }
    # new_numbers FILE: SERIAL and SHA1 of the present item's new leaf, which FILE holds
    new_numbers() {
      SHA1=$sha1; SERIAL=$serial
      if [ -z "$SHA1" ]; then serial_sha1 "$1"; fi
    }
    # by_hand: true when the target is neither what we expect nor what we bring; E says what it is, K is `link` or `hand`. After `look L`.
    by_hand() {
      if [ -L "$target" ]; then K=link; E="$target is a symbolic link"; return 0; fi
      K=hand
      eval "LEAF=\$L_$I; SERIAL=\$sL_$I"
      case $LEAF in none|"$new") return 1 ;; esac
      case " $expect " in ' any '|*" $LEAF "*) return 1 ;; esac
      E="$target holds the certificate with serial $SERIAL, which certfleet did not put there"
      if [ "$LEAF" = unreadable ]; then E="$target is no readable certificate, and certfleet did not put it there"; fi
      return 0
    }
    """#

  /// Owner, mode and label of many staged files at once.
  static let likeness: ShellText = #"""
    # owners FILES: a line `OWNER MODE FILE` for each
    owners() { stat -c '%u:%g %a %n' "$@" 2>/dev/null || stat -f '%u:%g %Lp %N' "$@" 2>/dev/null; }
    # neighbour DIR: sets NEIGHBOUR to a PEM there whose owner and mode may be followed
    neighbour() {
      if [ "$1" = "${n_dir-}" ]; then return 0; fi
      n_dir=$1; NEIGHBOUR=
      for n_x in "$1"/*.pem; do if [ -f "$n_x" ] && [ ! -L "$n_x" ]; then NEIGHBOUR=$n_x; return 0; fi; done
    }
    # like_all DIR ITEMS: gives DIR/LABEL.pem the owner and mode of each target; where there is none, of a neighbour, closed to others; else 0600
    like_all() {
      m_dir=$1; m_items=$2; m_linux=
      if have selinuxenabled && selinuxenabled; then m_linux=1; fi
      printf '' >"$R/owners"
      set --
      for m_n in $m_items; do
        item_$m_n
        m_ref=$target; m_shut=
        if [ ! -e "$target" ]; then neighbour "${target%/*}"; m_ref=$NEIGHBOUR; m_shut=shut; fi
        if [ -z "$m_ref" ]; then continue; fi
        printf '%s %s %s\n' $m_n "$m_shut-" "$m_ref" >&4
        if [ -n "$m_linux" ]; then chcon --reference="$m_ref" "$m_dir/$label.pem" 2>/dev/null; fi
        if [ "$m_ref" = "${m_last-}" ]; then continue; fi
        m_last=$m_ref
        set -- "$@" "$m_ref"
        if [ $# -ge 100 ]; then owners "$@" >>"$R/owners"; set --; fi
      done 4>"$R/list"
      if [ $# -gt 0 ]; then owners "$@" >>"$R/owners"; fi
      # one line for each owner and mode that occurs: OWNER MODE LABELS' NUMBERS
      awk 'FILENAME==ARGV[1]{k=$1" "$2; sub(/^[^ ]* [^ ]* /,""); o[$0]=k; next}
        {n=$1; shut=($2=="shut-"); sub(/^[^ ]* [^ ]* /,""); if(!($0 in o)) next
          k=o[$0]; if(shut) sub(/.$/,"0",k); g[k]=g[k]" "n}
        END{for(k in g) print k g[k]}' "$R/owners" "$R/list" >"$R/groups" 2>/dev/null
      m_last=
      while read -r m_own m_mode m_rest; do
        set --
        for m_n in $m_rest; do
          item_$m_n
          set -- "$@" "$m_dir/$label.pem"
          if [ $# -ge 100 ]; then like_these "$@"; set --; fi
        done
        if [ $# -gt 0 ]; then like_these "$@"; fi
      done <"$R/groups"
    }
    like_these() {
      k_has=$(owner_of "$1")
      if [ "${k_has% *}" != "$m_own" ]; then chown "$m_own" "$@" 2>/dev/null || chgrp "${m_own#*:}" "$@" 2>/dev/null; fi
      if [ "$m_mode" != 600 ]; then chmod "$m_mode" "$@"; fi
    }
    """#
}
