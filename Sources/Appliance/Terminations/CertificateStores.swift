/// Where the aliases of `crt-store` sections (HAProxy 3.0) lie.
enum CertificateStores {
  /// `stores`: a line `@STORE/ALIAS PATH` for each `load crt … alias …` of the configuration, which `configuration_N` prints.
  ///
  /// `show ssl cert` knows such a certificate as `@STORE/ALIAS` and tells no path (haproxy#2943).
  static let library: ShellText = #"""
    stores() {
      configuration_$T 2>/dev/null | awk '
        {sub(/#.*/,"")}
        /^[^ \t]/{on=($1=="crt-store"); name=$2; base=global; if($1=="global"||$1=="crt-store") part=$1; else part=""; next}
        $1=="crt-base" && part=="global"{gsub(/"/,"",$2); global=$2; next}
        !on{next}
        $1=="crt-base"{gsub(/"/,"",$2); base=$2; next}
        $1=="load"{file=alias=""
          for(i=2;i<NF;i+=2){v=$(i+1); gsub(/"/,"",v); if($i=="crt") file=v; if($i=="alias") alias=v}
          if(file=="" || alias=="") next
          if(substr(file,1,1)!="/" && base!="") file=base "/" file
          print "@" name "/" alias " " file}'
    }
    # stored_name TARGET: sets NAME to the alias under which memory has this file by the configuration
    stored_name() {
      if [ -z "${STORES+set}" ]; then STORES=$(stores); fi
      while read -r m_alias m_path; do
        if [ -z "$m_path" ]; then continue; fi
        if [ "$m_path" = "$1" ] || [ "$m_path" -ef "$1" ]; then
          case "$NL$CERTS$NL" in *"$NL$m_alias$NL"*|*"$NL*$m_alias$NL"*) NAME=$m_alias; return 0 ;; esac
        fi
      done <<EOF
    $STORES
    EOF
      return 1
    }
    """#
}
