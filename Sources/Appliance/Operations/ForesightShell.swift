/// The shell side of looking at what a rollout would refuse, before anything is ordered for it. It goes by the rollout's own functions.
enum ForesightShell {
  /// `foresee ITEMS`: for each `item N staged`, or `item N WORD TEXT` as staging or activating would say it. Besides `first T LEAF FILE`, what
  /// visitors without a server name get where `crt DIR` decides that, with `before N` for each new file that would take its place.
  static let library: ShellText = #"""
    foresee() {
      if ! usable; then refuse_all "$K" "$*" "$E"; return; fi
      if [ ! -w "$base" ] || [ ! -x "$base" ]; then refuse_all denied "$*" "cannot write to $base"; return; fi
      # a PEM of an RSA key with its chain takes 8 KiB, and it lies there twice while it is put in place
      f_room=$(df -Pk "$base" 2>/dev/null | awk 'NR==2{print $4}' 2>/dev/null)
      case $f_room in
        ''|*[!0-9]*) ;;
        *) if [ "$f_room" -lt $(($#*16+64)) ]; then refuse_all full "$*" "only $f_room KiB are free where $base lies"; return; fi ;;
      esac
      f_list=
      if [ "$KIND" = haproxy ]; then
        ALL=$*
        foresee_list
        # the rollout's own way there, without ending anybody's transaction
        CAN=; LISTS_SAID=; l_last=
        if [ "$HOT" != none ] && open_cli; then CAN=1; fi
      elif [ -n "$INCLUDE" ] && [ ! -w "$INCLUDE" ]; then
        f_kind=denied; f_list="cannot write to $INCLUDE"
      fi
      look L "$*"
      f_new=
      for f_i in "$@"; do
        item_$f_i
        pulse
        if by_hand; then tell "item $I $K" "$E"; continue; fi
        if [ "$LEAF" = none ]; then
          if [ -n "$f_list" ]; then tell "item $I $f_kind" "$f_list"; continue; fi
          if [ "$KIND" = haproxy ] && [ -n "$CAN" ] && ! memory_name "$target" && ! where_new && [ "$K" = unused ]; then tell "item $I $K" "$E"; continue; fi
          f_new="$f_new $I"
        fi
        say item $I staged
      done
      if [ "$KIND" = haproxy ] && [ -z "$CRTLIST" ] && [ -n "$f_new" ]; then foresee_default; fi
      if [ "$KIND" = haproxy ] && [ -n "$CAN" ]; then foresee_beside; fi
    }
    # foresee_beside: `beside N FILE OPTIONS` for each other file in memory that has a name of item N, with the options of its line in the list
    foresee_beside() {
      if [ "$OUT" = /dev/null ] || ! one_question; then return 0; fi
      awk 'FILENAME==ARGV[1]{w[$2]=w[$2] " " $1; next}
        /^Filename: /{f=substr($0,11)}
        /^Subject Alternative Name: /{n=split(substr($0,27),x,/, */)
          for(i=1;i<=n;i++) if(x[i]~/^DNS:/){m=split(w[tolower(substr(x[i],5))],k," ")
            for(j=1;j<=m;j++) if(!((k[j] " " f) in t)){t[k[j] " " f]=1; print k[j],f}}}' \
        "$R/wants" "$OUT.shown" >"$R/beside" 2>/dev/null
      rm -f "$OUT.shown"
      while read -r f_i f_x; do
        item_$f_i
        if [ "$f_x" = "$target" ] || [ "$f_x" -ef "$target" ]; then continue; fi
        f_line=
        if [ -n "$CRTLIST" ]; then
          f_line=$(CF_FILE=$f_x awk '$1==ENVIRON["CF_FILE"] && $2~/^\[/{sub(/^[^[]*/,""); sub(/\].*$/,"]"); print; exit}' "$CRTLIST" 2>/dev/null)
        fi
        tell "beside $f_i" "$f_x $f_line"
      done <"$R/beside"
    }
    # foresee_list: sets f_list to why no line can be added to the crt-list, and f_kind
    foresee_list() {
      if [ -z "$CRTLIST" ]; then return 0; fi
      if [ ! -f "$CRTLIST" ]; then f_kind=refused; f_list="no crt-list at $CRTLIST"
      elif [ ! -r "$CRTLIST" ]; then f_kind=denied; f_list="cannot read the crt-list $CRTLIST"
      elif [ ! -w "$CRTLIST" ] && [ ! -w "${CRTLIST%/*}" ]; then f_kind=denied; f_list="cannot write the crt-list $CRTLIST"
      fi
    }
    # default_dirs: the directories that stand first on a bind line: their first file is what visitors without a server name get
    default_dirs() {
      configuration_$T 2>/dev/null | awk '
        {sub(/^[ \t]+/,""); sub(/(^|[ \t])#.*/,""); gsub(/["\047]/,"")}
        $1=="crt-base"{base=$2; next}
        $1!="bind"{next}
        {first=""; strict=0
          for(i=2;i<=NF;i++){
            if($i=="strict-sni"||$i=="default-crt") strict=1
            if(first=="" && ($i=="crt"||$i=="crt-list")) first=$i " " $(i+1)}
          if(strict || first !~ /^crt /) next
          sub(/^crt /,"",first); if(substr(first,1,1)!="/" && base!="") first=base "/" first
          sub(/\/+$/,"",first); print first}' 2>/dev/null
    }
    foresee_default() {
      default_dirs >"$R/defaults"
      f_dir=
      for f_i in $f_new; do
        item_$f_i
        if [ "${target%/*}" != "$f_dir" ]; then
          f_dir=${target%/*}; f_first=
          while read -r f_x; do
            if [ -n "$f_x" ] && [ -d "$f_x" ] && { [ "$f_x" = "$f_dir" ] || [ "$f_x" -ef "$f_dir" ]; }; then f_first=1; break; fi
          done <"$R/defaults"
          if [ -n "$f_first" ]; then
            # HAProxy loads in the order of bytes, and passes over hidden files and what belongs to a PEM (src/ssl_sock.c, ssl_sock_load_cert)
            f_first=
            for f_x in "$f_dir"/*; do
              case $f_x in *.key|*.ocsp|*.sctl|*.issuer) continue ;; esac
              if [ -f "$f_x" ]; then f_first=${f_x##*/}; break; fi
            done
            if [ -n "$f_first" ]; then leaf "$f_dir/$f_first"; tell "first $T" "$LEAF $f_dir/$f_first"; fi
          fi
        fi
        if [ -n "$f_first" ]; then printf '%s %s %s\n' $f_i "${target##*/}" "$f_first"; fi
      done >"$R/names"
      # quoted: numbers are compared as texts
      awk '($2 "x") < ($3 "x") && $2!=$3{print $1}' "$R/names" >"$R/before" 2>/dev/null
      while read -r f_i; do say before $f_i; done <"$R/before"
    }
    """#
}
