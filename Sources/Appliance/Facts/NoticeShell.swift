/// What a survey notices that nobody asked for: certificates and sections that are never used.
enum NoticeShell {
  /// `notice_KIND`: records `notice TERMINATION TEXT`, five at most and how many more there are.
  static let library: ShellText = #"""
    # notices FILE: says its lines
    notices() {
      x_count=0
      while read -r x_line; do
        x_count=$((x_count+1))
        if [ $x_count -le 5 ]; then tell "notice $T" "$x_line"; fi
      done <"$1"
      if [ $x_count -gt 5 ]; then say notice $T "and $((x_count-5)) more of this kind"; fi
    }
    # Two files of one directory with the same name and kind of key: the alphabetically first is served, so an old one can hide a renewed one.
    notice_haproxy() {
      if [ "$OUT" = /dev/null ] || ! one_question; then return 0; fi
      awk 'function out(  d,n,i,x,k){if(f=="") return; d=f; sub(/\/[^\/]*$/,"",d); n=split(s,x,/, */)
          for(i=1;i<=n;i++) if(x[i]~/^DNS:/){k=d " " t " " tolower(substr(x[i],5))
            if(!(k in first)) first[k]=f; else if(!(k in told)){told[k]=1
              print tolower(substr(x[i],5) " is in") " " first[k] " and in " f "; only the first is served"}}}
        /^Filename: /{out(); f=substr($0,11); s=t=""}
        /^Algorithm: /{t=$2; sub(/[0-9].*/,"",t)}
        /^Subject Alternative Name: /{s=substr($0,27)}
        END{out()}' "$OUT.shown" >"$OUT.notices" 2>/dev/null
      notices "$OUT.notices"
      rm -f "$OUT.shown" "$OUT.notices"
    }
    # one_question: what memory holds, forty certificates to a question; false where there is nothing to compare
    one_question() {
      printf '%s\n' "$CERTS" | awk '/^[*]?[\/A-Za-z0-9._-]*\/[A-Za-z0-9._=@+-]*$/{sub(/^[*]/,""); c=c ";" p "show ssl cert " $0
          if(++n%40==0 || length(c)>8000){print substr(c,2); c=""}} END{if(c!="") print substr(c,2)}' p="$PFX" >"$OUT.asks"
      printf '' >"$OUT.shown"
      while read -r x_line; do printf '%s\n' "$x_line" | cli >>"$OUT.shown"; pulse; done <"$OUT.asks"
      rm -f "$OUT.asks"
      [ -s "$OUT.shown" ]
    }
    notice_stunnel() {
      if [ "$OUT" = /dev/null ] || [ ! -r "$CONF" ]; then return 0; fi
      shadows | awk -F '\t' '{print "[" $1 "]: " $2 " is never reached, [" $3 "] with " $4 " stands before it"}' >"$OUT.notices" 2>/dev/null
      notices "$OUT.notices"
      rm -f "$OUT.notices"
    }
    """#
}
