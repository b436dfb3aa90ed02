/// Which of stunnel's SNI sections are never reached.
enum StunnelOrder {
  /// `shadows`: a line `SECTION NAME BY-SECTION BY-PATTERN`, with tabs between, for each name that an earlier section takes.
  ///
  /// stunnel scans its sections in file order, with `include` directories in alphabetical order where they stand, and takes the first match; `*`
  /// stands only at the start and matches any depth (src/ctx.c).
  static let library: ShellText = #"""
    TAB='	'
    shadows() {
      awk '
        function trim(s){sub(/^[ \t]+/,"",s); sub(/[ \t\r]+$/,"",s); return s}
        function told(p,pattern,by,wild){if(by!=section) print section "\t" pattern "\t" by "\t" wild}
        function add(p,pattern,  i,w){
          if((p "\t" pattern) in exact){told(p,pattern,exact[p "\t" pattern],pattern); return}
          for(i=1;i<=wilds;i++){w=substr(wild[i],2)
            if(primary[i]==p && length(pattern)>=length(w) && substr(pattern,length(pattern)-length(w)+1)==w){
              told(p,pattern,owner[i],wild[i]); break}}
          exact[p "\t" pattern]=section
          if(substr(pattern,1,1)=="*"){wilds++; wild[wilds]=pattern; primary[wilds]=p; owner[wilds]=section}
        }
        function take(l,  i,k,v,d,f,c){
          l=trim(l)
          if(l=="" || l~/^[;#]/) return
          if(l~/^\[.*\]$/){section=substr(l,2,length(l)-2); return}
          i=index(l,"="); if(!i) return
          k=tolower(trim(substr(l,1,i-1))); v=trim(substr(l,i+1))
          if(k=="include"){
            d=v; gsub(/\047/,"\047\\\047\047",d); c="ls -1 \047" d "\047/*.conf 2>/dev/null"
            while((c | getline f)>0){while((getline l <f)>0) take(l); close(f)}
            close(c); return
          }
          i=index(v,":")
          if(k=="sni" && i) add(substr(v,1,i-1),tolower(substr(v,i+1)))
        }
        {take($0)}' "$CONF" 2>/dev/null
    }
    """#
}
