/// The crt-list file: what stands in it counts after the next reload, whatever memory says.
enum CertificateList {
  static let library: ShellText = "\(reading)\n\(writing)"

  private static let reading: ShellText = #"""
    # crt_base: sets CRTBASE to the directory before relative paths
    crt_base() {
      if [ "${l_for-}" = "$T" ]; then return 0; fi
      l_for=$T
      CRTBASE=$(configuration_$T 2>/dev/null | awk '/^[^ \t#]/{part=$1} part=="global" && $1=="crt-base"{gsub(/"/,"",$2); sub(/\/+$/,"",$2); print $2; exit}' 2>/dev/null)
    }
    # list_read: sets LISTED to the files that the crt-list's lines name
    list_read() {
      crt_base
      LISTED=$(CF_B=$CRTBASE awk 'BEGIN{b=ENVIRON["CF_B"]} NF && $1!~/^#/{f=$1; if(b!="" && f!~/^[\/@]/) f=b "/" f; print f}' "$CRTLIST" 2>/dev/null)
      l_read=$T
    }
    listed() {
      case "$NL$LISTED$NL" in *"$NL$1$NL"*) return 0 ;; *"/${1##*/}$NL"*) ;; *) return 1 ;; esac
      # the same file under another spelling
      while read -r l_line; do
        case $l_line in *"/${1##*/}") if [ "$l_line" -ef "$1" ]; then return 0; fi ;; esac
      done <<EOF
    $LISTED
    EOF
      return 1
    }
    # in_list PATH: the same, read once a termination
    in_list() { if [ "${l_read-}" != "$T" ]; then list_read; fi; listed "$1"; }
    # list_names: a line `NUMBER FILE NAMES` for each line of the crt-list: its filters, else the names in its file, which are kept in W/sans.
    list_names() {
      printf '' >>"$W/sans"
      CF_B=$CRTBASE awk 'BEGIN{b=ENVIRON["CF_B"]} NF && $1!~/^#/{l=$0; f=$1; sub(/^[ \t]*[^ \t]+/,"",l); sub(/\[[^]]*\]/,"",l)
        if(b!="" && f!~/^[\/@]/) f=b "/" f
        n=split(l,w," "); o=""; for(i=1;i<=n;i++) if(w[i]!~/^[!#]/) o=o " " tolower(w[i]); else if(w[i]~/^#/) break
        print NR, f o}' "$CRTLIST" 2>/dev/null >"$R/list.lines"
      awk 'NF==2{print $2}' "$R/list.lines" | sort -u | xargs cksum >"$R/list.sums" 2>/dev/null
      awk 'FILENAME==ARGV[1]{k[$1" "$2]; next} !(($1" "$2) in k){print}' "$W/sans" "$R/list.sums" |
        while read -r l_crc l_len l_file; do
          pulse
          printf '%s %s %s\n' $l_crc $l_len "$(openssl x509 -in "$l_file" -noout -text 2>/dev/null </dev/null |
            sed -n 's/^ *\(DNS:.*\)$/\1/p' | sed 's/DNS://g; s/,//g' | tr A-Z a-z | head -n 1)"
        done >>"$W/sans"
      awk 'FILENAME==ARGV[1]{k=$1" "$2; sub(/^[^ ]* [^ ]* ?/,""); n[k]=$0; next}
        FILENAME==ARGV[2]{k=$1" "$2; sub(/^[^ ]* [^ ]* /,""); s[$0]=n[k]; next}
        NF==2{print $0,s[$2]; next} {print}' "$W/sans" "$R/list.sums" "$R/list.lines"
    }
    # list_rivals ITEMS: for each that the crt-list does not name: RIVAL_N becomes the numbers of the lines by which other files have its names,
    # and MORE_N is set when one of these lines has other names too
    list_rivals() {
      l_any=
      for l_i in $1; do
        item_$l_i; eval "RIVAL_$I=; MORE_$I="
        if in_list "$target"; then continue; fi
        l_any=1; printf '%s %s\n' $I "$names"
      done >"$R/list.wanted"
      if [ -z "$l_any" ] || [ ! -r "$CRTLIST" ]; then return 0; fi
      list_names >"$R/list.names"
      awk 'FILENAME==ARGV[1]{l=$1; for(i=3;i<=NF;i++){has[$i]=has[$i] " " l; w[l]=w[l] " " $i} next}
        {n=$1; r=m=""; split("",mine); split("",seen); for(i=2;i<=NF;i++) mine[$i]
         for(i=2;i<=NF;i++) if($i in has){c=split(has[$i],x," "); for(j=1;j<=c;j++) if(!(x[j] in seen)){seen[x[j]]; r=r " " x[j]
           k=split(w[x[j]],y," "); for(q=1;q<=k;q++) if(!(y[q] in mine) && m=="") m=y[q]}}
         if(r!="") print n, (m==""?"-":m) r}' "$R/list.names" "$R/list.wanted" >"$R/list.found" 2>/dev/null
      while read -r l_i l_more l_lines; do
        eval "RIVAL_$l_i=\$l_lines; MORE_$l_i=\${l_more#-}"
      done <"$R/list.found"
    }
    # rival_stands: false when the present item's line may take the place of those of RIVAL_N; else E says why
    rival_stands() {
      eval "l_lines=\$RIVAL_$I; l_more=\$MORE_$I"
      if [ -z "$l_lines" ]; then return 1; fi
      for l_n in $l_lines; do
        l_file=$(CF_N=$l_n awk '$1==ENVIRON["CF_N"]{print $2; exit}' "$R/list.names")
        l_text=$(sed -n "${l_n}p" "$CRTLIST")
        l_head="line $l_n of $CRTLIST has these names already: $l_text"
        if [ -n "$l_more" ]; then
          E="$l_head. It also has $l_more, so certfleet does not take it over, and a line behind it would not be served: give each its own line"
          return 0
        fi
        case " $expect " in *' any '*) continue ;; esac
        leaf "$l_file"
        case " $expect $new " in *" $LEAF "*) ;; *)
          E="$l_head. certfleet did not put that file there, and a line behind it would not be served; certfleet retry lets ours take its place, with its options"
          return 0 ;;
        esac
      done
      return 1
    }
    # list_weigh ITEMS: refuses those whose line would stand behind another's. Sets s_good to the others.
    list_weigh() {
      s_good=$1
      if [ -z "$CRTLIST" ]; then return 0; fi
      list_rivals "$1"
      s_good=
      for l_w in $1; do
        item_$l_w
        if rival_stands; then guilty hand "$E"; else s_good="$s_good $l_w"; fi
      done
    }
    """#

  private static let writing: ShellText = #"""
    # list_text ITEMS: the crt-list as it is to be. A line that takes the place of others keeps their options, and what they shut out.
    list_text() {
      for l_i in $1; do
        item_$l_i; eval "l_lines=\${RIVAL_$I-}"
        if [ -z "$l_lines" ] && in_list "$target"; then continue; fi
        printf '%s\t%s\t%s\n' "$target" "$l_lines" "$names"
      done >"$R/list.add"
      awk -F '\t' 'FILENAME==ARGV[1]{n=split($2,r," "); if(n==0){add[++a]=$1; next} for(i=1;i<=n;i++) if(i==1){to[r[i]]=$1; my[r[i]]=$3} else gone[r[i]]; next}
        FNR in gone{next}
        FNR in to{o=""; l=$0; sub(/^[ \t]*[^ \t]+/,"",l); if(match(l,/\[[^]]*\]/)){o=" " substr(l,RSTART,RLENGTH); l=substr(l,1,RSTART-1) " " substr(l,RSTART+RLENGTH)}
          sub(/#.*/,"",l); n=split(l,w,/[ \t]+/); f=no=""; for(i=1;i<=n;i++) if(w[i]~/^!/) no=no " " w[i]; else if(w[i]!="") f=1
          print to[FNR] o ((f!=""||no!="")?" " my[FNR] no:""); next}
        {print} END{for(i=1;i<=a;i++) print add[i]}' "$R/list.add" "$CRTLIST"
    }
    # list_put LEAST: what R/list.new holds becomes the crt-list, when it has so many lines at least
    list_put() {
      c_tmp=${CRTLIST%/*}/.certfleet.list.$$
      if [ ! -w "${CRTLIST%/*}" ]; then c_tmp=$D/.certfleet.list.$$; fi
      c_make() { cp -p "$CRTLIST" "$c_tmp" && cat "$R/list.new" >"$c_tmp"; }
      if try c_make && [ $(($(wc -l <"$c_tmp"))) -ge $(($1)) ]; then
        if over "$c_tmp" "$CRTLIST"; then rm -f "$c_tmp"; l_read=; return 0; fi
        if try mv -f "$c_tmp" "$CRTLIST"; then l_read=; return 0; fi
      fi
      rm -f "$c_tmp"
      return 1
    }
    # list_new: a line for each certificate that got its place, at once. What is still missing, crt_line adds and tells why.
    list_new() {
      LISTED=
      if [ -z "$CRTLIST" ]; then return 0; fi
      list_read
      l_set=
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ] || [ ! -e "$target" ] || ! one_word "$target"; then continue; fi
        eval "l_lines=\${RIVAL_$I-}"
        if [ -z "$l_lines" ] && listed "$target"; then continue; fi
        if [ -n "$l_lines" ] && ! list_keep "$l_lines"; then continue; fi
        l_set="$l_set $a_n"
      done
      if [ -z "$l_set" ]; then return 0; fi
      if list_text "$l_set" >"$R/list.new" 2>/dev/null && list_put "$(awk '{n++} END{print n+0}' "$R/list.new")"; then list_read; fi
    }
    # list_keep NUMBERS: the lines that make way are kept with the previous set
    list_keep() {
      if [ -e "$D/old/$label.beside/lines" ]; then return 0; fi
      mkdir -p "$D/old/$label.beside" 2>/dev/null
      for l_n in $1; do sed -n "${l_n}p" "$CRTLIST"; done >"$D/old/$label.beside/lines" && [ -s "$D/old/$label.beside/lines" ]
    }
    # crt_line ADD|DEL PATH: one line of the crt-list file
    crt_line() {
      if [ -z "$CRTLIST" ]; then return 0; fi
      if ! one_word "$2"; then E="a crt-list cannot hold $2"; K=refused; return 1; fi
      list_read
      if [ "$1" = add ]; then
        if listed "$2"; then return 0; fi
        # awk ends the last line where an editor did not
        awk -v p="$2" '{print} END{print p}' "$CRTLIST" >"$R/list.new" 2>/dev/null
        list_put "$(wc -l <"$CRTLIST")"
      else
        if ! listed "$2"; then return 0; fi
        awk -v p="$2" '$1!=p{print}' "$CRTLIST" >"$R/list.new" 2>/dev/null
        list_put 0
      fi
    }
    # lines_back OLD-DIR: the lines whose place ours took, or none where a file lay there without one. An operator's rollback lets a line stand.
    lines_back() {
      if [ "$KIND" != haproxy ] || [ -z "$CRTLIST" ]; then return 0; fi
      if [ -s "$1/$label.beside/lines" ]; then
        list_read
        if ! listed "$target"; then return 0; fi
        awk -v p="$target" 'FILENAME==ARGV[1]{l=l $0 "\n"; next} $1==p{printf "%s",l; next} {print}' \
          "$1/$label.beside/lines" "$CRTLIST" >"$R/list.new" 2>/dev/null
        list_put 0
      elif [ -e "$1/$label.absent" ] || { [ -e "$1/$label.beside/unlisted" ] && [ -z "${PREVIOUS-}" ]; }; then
        crt_line del "$target"
      fi
    }
    """#
}
