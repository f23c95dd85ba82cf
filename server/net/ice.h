/* ICE (RFC 8445) with one stream and one component, on libnice. One generation of it: a restart is
 * another RpIce beside the first. libnice's own restart keeps the selected pair but answers every
 * check with the credentials of before with 401, and browsers go on checking with them until they
 * have the answer and a new pair.
 *
 * Every call on the loop: libnice is neither created, used nor freed anywhere else. Events come
 * from inside the loop's turn or from inside a call here; rp_ice_free () must not be called inside
 * an event.
 */
#pragma once

#include "candidate.h"
#include "ice-tcp.h"
#include "loop.h"

#include <glib.h>

/* Time between two connectivity checks. libnice's default of 20 ms is the largest part of a set-up
 * on a short path; RFC 8445 section 14.2 allows 5 ms. */
#define RP_ICE_PACING_MS 5

typedef struct _RpIce RpIce;

typedef struct {
  gboolean controlling; /* for good: libnice 0.1.21 takes no other role once it has gathered */
  /* NULL-terminated numeric addresses; NULL or empty = every address of an interface that is up and
   * running, but for link-local and loopback ones. */
  const char *const *local_addresses;
  gboolean with_loopback; /* with the default addresses, also 127.0.0.1 */
  guint16 port_min;       /* inclusive; 0, 0 = the kernel's choice */
  guint16 port_max;
  RpIceTcp *tcp; /* (nullable): gives passive TCP candidates, one per address; outlives the RpIce */
} RpIceConfig;

typedef struct {
  /* A pair is selected: rp_ice_send () works. Once. */
  void (*connected) (RpIce *ice, gpointer user_data);
  /* A datagram that is not STUN, from an address that passed a check. Writable, good for the call.
   */
  void (*datagram) (guint8 *data, gsize len, gpointer user_data);
} RpIceEvents;

/* The addresses of interfaces that are up and running; @with_loopback, or when there is no other,
 * 127.0.0.1. Returns: (transfer full): of char *, NULL-terminated */
GPtrArray *rp_ice_default_addresses (gboolean with_loopback);

/* Opens one socket per address and gathers host candidates before it returns. Returns: (transfer
 * full) (nullable): NULL with an error when an address is none of this machine's or no port is
 * free. */
RpIce *rp_ice_new (RpLoop *loop, const RpIceConfig *config, const RpIceEvents *events,
                   gpointer user_data, GError **error);
void rp_ice_free (RpIce *ice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpIce, rp_ice_free)

/* Until it is connected its loop hurries (rp_loop_hurry ()); with this no longer, as nothing seems
 * to come of it. It goes on, more slowly. */
void rp_ice_take_time (RpIce *ice);

/* Whether the other side may have a pair, and send: a check of its own was answered and, where it
 * is for us to nominate, we have what to check it with. Of one that may not nothing is lost when it
 * goes. */
gboolean rp_ice_may_receive (const RpIce *ice);

/* (transfer none), fixed. */
const char *rp_ice_ufrag (const RpIce *ice);
const char *rp_ice_pwd (const RpIce *ice);
const RpCandidate *rp_ice_candidates (const RpIce *ice, gsize *out_n);

/* Starts checking, with the candidates given so far. */
gboolean rp_ice_set_remote (RpIce *ice, const char *ufrag, const char *pwd);
gboolean rp_ice_has_remote (const RpIce *ice);
/* At any time. Returns FALSE for one that is of no use (not UDP, not component 1, not numeric) or
 * one too many. */
gboolean rp_ice_add_remote_candidate (RpIce *ice, const RpCandidate *candidate);

/* Returns FALSE while no pair is selected or when the socket refuses. */
gboolean rp_ice_send (RpIce *ice, const guint8 *data, gsize len);

/* "address:port" of the selected remote candidate. Returns: (transfer full) (nullable). */
char *rp_ice_remote_address (const RpIce *ice);
