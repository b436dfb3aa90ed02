/* An independent client: new TLS handshakes with a listener, at a steady rate, each with the next name as SNI, a request
   behind it, and a judgement of what came. Knows nothing of certfleet. Ends on SIGTERM and prints what it saw.

   handshakes ADDRESS PORT RATE THREADS ROOTS NAMES
   ROOTS is a PEM file, NAMES has one name a line. Output: `leaf NAME SHA256 COUNT FIRST LAST`, `fault KIND TIME NAME`
   (the first thousand of a thread), `second TIME GOOD BAD`, `slowest MILLISECONDS`. Times are seconds since 1970. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NAMES = 4096, LEAVES = 8, FAULTS = 1000, SECONDS = 3600, DEADLINE = 10 };

struct leaf {
  unsigned char digest[32];
  unsigned long count;
  double first, last;
};
struct fault {
  const char *kind;
  double at;
  int name;
};
struct worker {
  pthread_t thread;
  unsigned long turn;
  SSL_CTX *context;
  struct leaf (*leaves)[LEAVES];
  struct fault faults[FAULTS];
  unsigned long fault_count, good[SECONDS], bad[SECONDS];
  double slowest;
};

static char *names[NAMES];
static int name_count;
static double rate;
static int threads;
static double began;
static struct addrinfo *target;
static atomic_int stopping;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stop(int number) {
  (void)number;
  atomic_store(&stopping, 1);
}

/* What went wrong with a call of OpenSSL, in one word. */
static const char *why(SSL *tls, int result, int error) {
  int code = SSL_get_error(tls, result);
  if (SSL_get_verify_result(tls) != X509_V_OK) return "invalid-certificate";
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) return "timeout";
  if (code == SSL_ERROR_SYSCALL && (error == EAGAIN || error == EWOULDBLOCK)) return "timeout";
  if (code == SSL_ERROR_SYSCALL) return error == ECONNRESET || error == EPIPE ? "reset" : "closed";
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return "closed";
  return code == SSL_ERROR_ZERO_RETURN ? "closed" : "alert";
}

static const char *talk(struct worker *me, int file, int name, unsigned char *digest) {
  struct timeval wait = {.tv_sec = DEADLINE};
  setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  int one = 1;
  setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(file, target->ai_addr, target->ai_addrlen) != 0) {
    if (errno == EINPROGRESS || errno == ETIMEDOUT || errno == EAGAIN) return "timeout";
    return errno == ECONNREFUSED ? "refused" : errno == ECONNRESET ? "reset" : "unreachable";
  }
  SSL *tls = SSL_new(me->context);
  if (!tls) return "client";
  const char *kind = NULL;
  SSL_set_fd(tls, file);
  SSL_set_tlsext_host_name(tls, names[name]);
  SSL_set1_host(tls, names[name]);
  ERR_clear_error();
  errno = 0;
  int result = SSL_connect(tls);
  if (result != 1) kind = why(tls, result, errno);
  if (!kind) {
    X509 *leaf = SSL_get0_peer_certificate(tls);
    unsigned size = 32;
    if (!leaf || !X509_digest(leaf, EVP_sha256(), digest, &size)) kind = "no-certificate";
  }
  /* A handshake counts when somebody behind it answers. */
  if (!kind) {
    char text[512];
    int length = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", names[name]);
    errno = 0;
    result = SSL_write(tls, text, length);
    if (result == length) result = SSL_read(tls, text, sizeof text);
    if (result <= 0) kind = why(tls, result, errno);
    else if (result < 12 || memcmp(text, "HTTP/1.1 200", 12) != 0) kind = "no-answer";
  }
  if (!kind) SSL_shutdown(tls);
  SSL_free(tls);
  return kind;
}

static void record(struct worker *me, int name, const char *kind, const unsigned char *digest, double at, double end) {
  long second = (long)(end - began);
  if (second < 0 || second >= SECONDS) second = SECONDS - 1;
  if (end - at > me->slowest) me->slowest = end - at;
  if (kind) {
    me->bad[second]++;
    if (me->fault_count < FAULTS) me->faults[me->fault_count] = (struct fault){kind, end, name};
    me->fault_count++;
    return;
  }
  me->good[second]++;
  for (int i = 0; i < LEAVES; i++) {
    struct leaf *leaf = &me->leaves[name][i];
    if (!leaf->count) {
      memcpy(leaf->digest, digest, 32);
      leaf->first = at;
    } else if (memcmp(leaf->digest, digest, 32) != 0) {
      continue;
    }
    leaf->count++;
    leaf->last = at;
    return;
  }
}

static void *work(void *argument) {
  struct worker *me = argument;
  while (!atomic_load(&stopping)) {
    unsigned long number = me->turn;
    double at = began + (double)number / rate, left = at - now();
    if (left > 0) usleep((useconds_t)(left * 1e6));
    if (atomic_load(&stopping)) break;
    int name = (int)(number % (unsigned long)name_count);
    unsigned char digest[32];
    int file = socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    double start = now();
    const char *kind = file < 0 ? "client" : talk(me, file, name, digest);
    if (file >= 0) close(file);
    record(me, name, kind, digest, start, now());
    /* What is late is left out, not made up for: a burst would hit whoever just begins to listen again. */
    do me->turn += (unsigned long)threads;
    while (began + (double)me->turn / rate < now() - 0.05);
  }
  return NULL;
}

static SSL_CTX *context(const char *roots) {
  SSL_CTX *made = SSL_CTX_new(TLS_client_method());
  if (!made || !SSL_CTX_load_verify_locations(made, roots, NULL)) {
    ERR_print_errors_fp(stderr);
    exit(2);
  }
  SSL_CTX_set_verify(made, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_options(made, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  return made;
}

static void print_leaf(const char *name, const struct leaf *leaf) {
  printf("leaf %s ", name);
  for (int i = 0; i < 32; i++) printf("%02x", leaf->digest[i]);
  printf(" %lu %.3f %.3f\n", leaf->count, leaf->first, leaf->last);
}

int main(int count, char **words) {
  if (count != 7) return 2;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  if (getaddrinfo(words[1], words[2], &hints, &target) != 0) return 2;
  rate = atof(words[3]);
  threads = atoi(words[4]);
  FILE *list = fopen(words[6], "r");
  char line[300];
  while (list && name_count < NAMES && fgets(line, sizeof line, list)) {
    line[strcspn(line, "\n")] = 0;
    names[name_count++] = strdup(line);
  }
  if (!name_count || rate <= 0 || threads < 1) return 2;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, stop);
  struct worker *workers = calloc((size_t)threads, sizeof *workers);
  began = now();
  for (int i = 0; i < threads; i++) {
    workers[i].turn = (unsigned long)i;
    workers[i].context = context(words[5]);
    workers[i].leaves = calloc((size_t)name_count, sizeof *workers[i].leaves);
    if (!workers[i].leaves || pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) return 2;
  }
  unsigned long good[SECONDS] = {0}, bad[SECONDS] = {0};
  double slowest = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(workers[i].thread, NULL);
    struct worker *worker = &workers[i];
    for (int name = 0; name < name_count; name++)
      for (int k = 0; k < LEAVES && worker->leaves[name][k].count; k++) print_leaf(names[name], &worker->leaves[name][k]);
    for (unsigned long k = 0; k < worker->fault_count && k < FAULTS; k++)
      printf("fault %s %.3f %s\n", worker->faults[k].kind, worker->faults[k].at, names[worker->faults[k].name]);
    for (int k = 0; k < SECONDS; k++) {
      good[k] += worker->good[k];
      bad[k] += worker->bad[k];
    }
    if (worker->slowest > slowest) slowest = worker->slowest;
  }
  for (int k = 0; k < SECONDS; k++)
    if (good[k] || bad[k]) printf("second %.0f %lu %lu\n", began + k, good[k], bad[k]);
  printf("slowest %.1f\n", slowest * 1000);
  return 0;
}
