/* What the machine, or the part of it that the server may use, has left: processors by affinity and
 * the control group's quota, memory by its limit. Reads /proc and /sys/fs/cgroup, whose files it
 * keeps open. One owner thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpLoadProbe RpLoadProbe;

RpLoadProbe *rp_load_probe_new (void);
void rp_load_probe_free (RpLoadProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpLoadProbe, rp_load_probe_free)

/* Processors that may be used, at least 1; a quota of 1.5 is 2. */
guint rp_load_probe_cpus (const RpLoadProbe *probe);

typedef struct {
  /* Shares of the above since the call before; negative = not known. */
  double cpu;
  double cpu_own;      /* of this process alone */
  gint64 memory_bytes; /* available; negative = not known */
} RpLoadState;

/* The first call knows no shares. */
void rp_load_probe_read (RpLoadProbe *probe, gint64 now_us, RpLoadState *out);

G_END_DECLS
