#pragma once
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/err.h>
#include <openssl/proverr.h>
#include <openssl/rand.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/bn.h>
#include <openssl/sha.h>
#include <openssl/hmac.h>
#include <openssl/pkcs12.h>
#include <openssl/crypto.h>
#include <openssl/cms.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// Each function stands for a macro or a variadic that Swift cannot see.

// EVP_EC_gen is a macro over the variadic EVP_PKEY_Q_keygen.
static inline EVP_PKEY *certfleet_ec_generate(const char *curve) { return EVP_EC_gen(curve); }

// EVP_RSA_gen is a macro over the variadic EVP_PKEY_Q_keygen.
static inline EVP_PKEY *certfleet_rsa_generate(unsigned int bits) { return EVP_RSA_gen(bits); }

// BIO_get_mem_data is a macro over BIO_ctrl.
static inline long certfleet_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

// OPENSSL_malloc, _clear_free and _free are macros that add file and line.
static inline void *certfleet_allocate(size_t count) { return OPENSSL_zalloc(count); }
static inline void certfleet_clear_free(void *bytes, size_t count) { OPENSSL_clear_free(bytes, count); }
static inline void certfleet_free(void *bytes) { OPENSSL_free(bytes); }

// The reason is packed with the library's number: ERR_GET_LIB and ERR_GET_REASON are inline over macros.
static inline int certfleet_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int certfleet_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

// Typed stacks are macros since OpenSSL 1.1.
static inline STACK_OF(X509) *certfleet_x509_stack(void) { return sk_X509_new_null(); }
static inline int certfleet_x509_push(STACK_OF(X509) *stack, X509 *one) {
  // The stack owns what it holds, so that one call frees it on every path.
  return X509_up_ref(one) && sk_X509_push(stack, one);
}
static inline void certfleet_x509_stack_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline GENERAL_NAMES *certfleet_names_new(void) { return sk_GENERAL_NAME_new_null(); }
static inline int certfleet_names_push(GENERAL_NAMES *names, GENERAL_NAME *name) {
  return sk_GENERAL_NAME_push(names, name);
}
static inline int certfleet_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

// GENERAL_NAME is a union, and its type is read through a macro-typed getter: 2 = dNSName, 7 = iPAddress, -1 = others.
static inline int certfleet_name_at(const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
  int type = 0;
  const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &type);
  if (type != GEN_DNS && type != GEN_IPADD) return -1;
  *bytes = ASN1_STRING_get0_data(value);
  *count = ASN1_STRING_length(value);
  return type;
}

// X509_EXTENSIONS is a stack type; push and free are macros.
static inline int certfleet_request_add_names(X509_REQ *request, GENERAL_NAMES *names) {
  STACK_OF(X509_EXTENSION) *extensions = NULL;
  int ok = X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1
           && X509_REQ_add_extensions(request, extensions) == 1;
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return ok;
}
static inline GENERAL_NAMES *certfleet_request_names(X509_REQ *request) {
  STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
  GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return names;
}

// XN_FLAG_RFC2253 is a sum of macros with casts. UTF-8 stays as it is, control characters are escaped.
static inline int certfleet_print_name(BIO *output, const X509_NAME *name) {
  return X509_NAME_print_ex(output, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}

// The runtime of Swift answers a crash with a report on stderr that shows 16 bytes behind each register. Whoever sets
// SWIFT_BACKTRACE has asked for it.
static inline void certfleet_forbid_crash_reports(void) {
  static const int fatal[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
  struct sigaction action;
  if (getenv("SWIFT_BACKTRACE")) return;
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    if (sigaction(fatal[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) signal(fatal[i], SIG_DFL);
  }
}

// prctl is variadic. No core file of a process that holds keys, and no debugger of the same user in its memory.
static inline int certfleet_forbid_dumps(void) {
  certfleet_forbid_crash_reports();
  struct rlimit none = {0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}
