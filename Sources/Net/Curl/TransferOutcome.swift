import CCurl
import Glibc

extension EasyHandle {
  /// What came of the transfer that libcurl has ended with this code.
  func result(_ code: CURLcode) -> Result<TransferResult, NetError> {
    // The answer that would have been followed once too often is complete: the caller sees a 3xx and where it led.
    guard code == CURLE_OK || code == CURLE_TOO_MANY_REDIRECTS else { return .failure(failure(code)) }
    return .success(
      TransferResult(
        status: number(CURLINFO_RESPONSE_CODE), headers: sink.headers, body: sink.body,
        remoteAddress: text(CURLINFO_PRIMARY_IP), effectiveURL: text(CURLINFO_EFFECTIVE_URL),
        followed: sink.followed, certificates: certificates(), handshake: span(CURLINFO_APPCONNECT_TIME_T)))
  }

  private func failure(_ code: CURLcode) -> NetError {
    let words = words(for: code)
    if sink.overflowed { return NetError(.bodyTooLarge, "the answer is larger than allowed") }
    if code != CURLE_OPERATION_TIMEDOUT, let reply = sink.reply, reply.code >= 400,
      text(CURLINFO_EFFECTIVE_URL).hasPrefix("smtp")
    {
      return NetError(.smtp(code: reply.code, text: reply.text), "\(words): \(reply.code) \(reply.text)")
    }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
      return NetError(.nameNotFound, words)
    case CURLE_COULDNT_CONNECT:
      return NetError(connectFailure(), words)
    case CURLE_OPERATION_TIMEDOUT:
      return NetError(.timedOut, words)
    case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
      return NetError(.connectionLost, words)
    case CURLE_URL_MALFORMAT:
      return NetError(.badURL, words)
    case CURLE_SSL_CONNECT_ERROR where words.contains("SYSCALL") || words.contains("reset by peer"):
      // A peer that hangs up in the handshake says nothing about TLS.
      return NetError(.connectionLost, words)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
      return NetError(.tls(words), words)
    default:
      return NetError(.other, "\(words) (libcurl \(code.rawValue))")
    }
  }

  private func connectFailure() -> NetError.Kind {
    switch Int32(truncatingIfNeeded: number(CURLINFO_OS_ERRNO)) {
    case ECONNREFUSED: .connectionRefused
    case ETIMEDOUT: .timedOut
    default: .unreachable
    }
  }
}
