#pragma once
#include <libssh2.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// Swift's Glibc module is built without _GNU_SOURCE and lacks these; their binary interface is glibc's promise.
extern int pipe2(int descriptors[2], int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
static const short shim_spawn_setsid = 0x80;  // POSIX_SPAWN_SETSID

// A descriptor that becomes readable when the process ends; -1 where the kernel (before 5.3) has none. Swift takes no variadic function.
static inline int shim_pidfd_open(pid_t process) { return (int)syscall(434 /* pidfd_open, the same everywhere */, process, 0); }

// libssh2_session_callback_set takes a void pointer; these keep the types, so that a wrong signature is a compile error.
typedef ssize_t (*shim_send)(int, const void *, size_t, int, void **);
typedef ssize_t (*shim_recv)(int, void *, size_t, int, void **);
typedef void (*shim_disconnect)(LIBSSH2_SESSION *, int, const char *, int, const char *, int, void **);

static inline void shim_set_io(LIBSSH2_SESSION *session, shim_send send, shim_recv receive, shim_disconnect disconnect) {
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive);
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_DISCONNECT, (void *)disconnect);
}
