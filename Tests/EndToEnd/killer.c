/* Loaded before the tested program (LD_PRELOAD): ends it with SIGKILL right after the Nth flush of the journal's log,
   so each N is one commit further. */
#include "flushes.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int flushes;

static void flushed(void) {
  const char *wanted = getenv("KILL_AFTER_FLUSH");
  if (wanted && atomic_fetch_add(&flushes, 1) + 1 == atoi(wanted)) kill(getpid(), SIGKILL);
}
