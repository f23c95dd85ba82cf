/* What the pool does with a link before it hands it out. Private to this directory. */
#pragma once

#include "worker-link.h"
#include "worker-process.h"

G_BEGIN_DECLS

/* @fd: (transfer full). @process: (transfer none), a reference is kept. */
RpWorkerLink *rp_worker_link_new_for_process (int fd, RpWorkerProcess *process,
                                              guint hung_timeout_ms);

/* Reads what has come, sends what waits, minds the timers, and reports a loss to @events. For an
 * idle link: to be called when the descriptor is readable and every now and then. May free the link
 * when lost () does. */
void rp_worker_link_service (RpWorkerLink *link);

/* @events: (nullable) copied: the idle link's owner, until it is attached. */
void rp_worker_link_set_events (RpWorkerLink *link, const RpWorkerLinkEvents *events,
                                gpointer user_data);

int rp_worker_link_fd (const RpWorkerLink *link);
/* HELLO has come. */
gboolean rp_worker_link_is_greeted (const RpWorkerLink *link);

G_END_DECLS
