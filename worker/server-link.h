/* The worker's end of its socket to the server. One thread, that of its main context.
 *
 * Nothing waits: what does not fit into the socket queues up to a bound. A server that breaks the
 * protocol, goes away or does not read is reported once by closed (), after which the worker has
 * nothing left to do. closed () may come from inside rp_server_link_send (). */
#pragma once

#include "frame.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  /* Checked by rp_frame_receive (); valid during the call. PING never comes here: it is answered.
   */
  void (*frame) (const RpFrame *frame, gpointer user_data);
  /* A PING was answered. (nullable) */
  void (*pinged) (gpointer user_data);
  /* @why: what was wrong; NULL when the server closed the socket. */
  void (*closed) (const char *why, gpointer user_data);
} RpServerLinkEvents;

typedef struct _RpServerLink RpServerLink;

/* @fd: (transfer full). @events: must outlive the link. Returns: (transfer full) */
RpServerLink *rp_server_link_new (int fd, GMainContext *context, const RpServerLinkEvents *events,
                                  gpointer user_data);
/* NULL is legal. Not from inside a callback. */
void rp_server_link_free (RpServerLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpServerLink, rp_server_link_free)

/* @len: at most RP_FRAME_MAX_PAYLOAD_BYTES. */
void rp_server_link_send (RpServerLink *link, RpFrameType type, const void *payload, gsize len);
void rp_server_link_send_u32 (RpServerLink *link, RpFrameType type, guint32 value);

/* The content of a frame was wrong: as when the frame itself had been. */
void rp_server_link_fail (RpServerLink *link, const char *why);

G_END_DECLS
