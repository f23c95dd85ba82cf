/* What registry.c keeps and registry-stats.c tells of. For these two alone. */
#pragma once

#include "call.h"
#include "registry.h"

G_BEGIN_DECLS

typedef struct {
  RpLoop *loop;
  guint sessions;
} RpRegistryLoop;

/* A call in the registry. */
typedef struct {
  RpRegistry *registry;
  RpCall *call;
  guint loop_index;
  guint worker_request; /* 0 = none waits */
} RpRegistryEntry;

struct _RpRegistry {
  const RpConfig *config;
  RpPool *pool;
  char *agent_name;
  RpInbox *inbox;
  GArray *loops;           /* of RpRegistryLoop */
  GHashTable *entries;     /* the call's id to RpRegistryEntry */
  GQueue offers;           /* of Offer */
  RpSessionConfig session; /* what all calls have in common */
  RpHistogram *latencies[RP_N_LATENCIES];
  gint64 started_us;
  guint64 total;
  guint64 failed;
  guint64 refused;
  guint peak;
  gboolean draining;
  void (*drained) (gpointer user_data);
  gpointer drained_data;
};

G_END_DECLS
