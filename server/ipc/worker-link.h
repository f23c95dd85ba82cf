/* The server's end of one worker's socket: typed frames in, typed frames out, and the watch over
 * the worker's life. proto/README.md says what the frames mean.
 *
 * A link is made by the pool on the main thread, is idle there, and is then handed to the media
 * loop of one call with rp_worker_link_attach (), which owns it from then on. Nothing a worker does
 * can block, crash or grow the server: frames are checked before use, sending never waits, queues
 * are bounded. Whatever goes wrong with a worker is reported once, by lost (), after which the
 * worker has exited or been killed and the link is only good for being freed. */
#pragma once

#include "frame.h"
#include "loop.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_WORKER_CRASHED, /* its socket closed though nobody had ended it */
  RP_WORKER_HUNG,    /* it answered nothing in time, or let its socket run full */
  RP_WORKER_GARBAGE, /* it sent something that is no good frame, or not at that moment */
  RP_WORKER_CLOSED,  /* it exited after END, as it should */
} RpWorkerLost;

/* "crashed", "hung", "garbage", "closed". */
const char *rp_worker_lost_name (RpWorkerLost reason);

/* Called on the loop's thread. Pointers are valid during the call unless said otherwise. Any may be
 * NULL. The link may be freed from inside any of them; none is called after that. */
typedef struct {
  void (*started) (gpointer user_data);
  void (*audio_out) (const RpAudioOut *audio, gpointer user_data);
  void (*flush) (guint32 utterance, gpointer user_data);
  /* @json: @len bytes, not NUL-terminated; not yet checked to be JSON: the receiver parses it with
   * rp_json_parse_object () and answers nonsense with rp_worker_link_fail () */
  void (*event) (const char *json, gsize len, gpointer user_data);
  /* @checkpoint: (transfer none): take a reference to keep it */
  void (*checkpoint) (GBytes *checkpoint, gpointer user_data);
  void (*load) (const RpLoad *load, gpointer user_data);
  void (*hangup) (const char *reason, gpointer user_data);
  /* @text: one sentence for the log and the operator. Exactly once, unless freed before. */
  void (*lost) (RpWorkerLost reason, const char *text, gpointer user_data);
} RpWorkerLinkEvents;

/* Since the link was made. */
typedef struct {
  guint64 frames_in;
  guint64 frames_out;
  guint64 audio_dropped_frames; /* AUDIO_IN that found the socket full; sent as silence later */
  guint queue_peak;             /* most control frames ever waiting for the socket */
  gint64 pong_rtt_us;           /* the last PING's round trip; -1 before the first */
} RpWorkerLinkStats;

typedef struct _RpWorkerLink RpWorkerLink;

/* Time without any sign of life, while a PING waits, after which a worker counts as hung. */
#define RP_WORKER_LINK_HUNG_TIMEOUT_MS 2000

/* For the pool and for tests with a fake worker.
 * @fd: (transfer full) the server's end of a SOCK_SEQPACKET pair
 * @pidfd: (transfer full) of the worker, or -1: then it cannot be killed
 * @hung_timeout_ms: 0 for RP_WORKER_LINK_HUNG_TIMEOUT_MS
 * Thread: any, as long as it is one. Returns: (transfer full) */
RpWorkerLink *rp_worker_link_new (int fd, int pidfd, guint32 id, guint hung_timeout_ms);

/* Thread: loop. Hands the link to @loop for good; @events is copied. Frames that came before are
 * delivered from the loop, never from inside this call. */
void rp_worker_link_attach (RpWorkerLink *link, RpLoop *loop, const RpWorkerLinkEvents *events,
                            gpointer user_data);

/* Thread: the owner. Ends the worker with END when that was not done yet, closes the socket and
 * sees to it (with the pool's help) that the process is gone a second later. NULL is legal. */
void rp_worker_link_free (RpWorkerLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpWorkerLink, rp_worker_link_free)

/* The pool's number of this worker, and its process (0 before its HELLO). */
guint32 rp_worker_link_id (const RpWorkerLink *link);
guint32 rp_worker_link_pid (const RpWorkerLink *link);
gboolean rp_worker_link_is_lost (const RpWorkerLink *link);
void rp_worker_link_stats (const RpWorkerLink *link, RpWorkerLinkStats *out_stats);

/* Sending. Thread: the owner. None waits, none fails: after the link was lost they do nothing. When
 * the socket is full, control frames queue up to a bound, beyond which the worker counts as hung;
 * audio is dropped, counted, and made up for with frames of silence at the same positions once
 * there is room, so that the worker's timeline has no gaps.
 *
 * lost () is never called from inside a sending function but from the loop, at the latest with its
 * next tick. */

/* @json: a JSON object as proto/README.md says. @checkpoint: (nullable) the last checkpoint of the
 * worker that is replaced; @json then has "resume": true. At most RP_FRAME_MAX_PAYLOAD_BYTES each.
 */
void rp_worker_link_start (RpWorkerLink *link, const char *json, GBytes *checkpoint);
/* @n_samples: 1 to RP_FRAME_MAX_AUDIO_SAMPLES. @arrival_us: when the packet arrived. */
void rp_worker_link_audio_in (RpWorkerLink *link, gint64 pos_samples, RpAudioKind kind,
                              const gint16 *pcm, guint n_samples, gint64 arrival_us);
void rp_worker_link_input (RpWorkerLink *link, gint64 pos_samples, gboolean stalled);
void rp_worker_link_playout (RpWorkerLink *link, const RpPlayout *playout);
void rp_worker_link_encoder (RpWorkerLink *link, const RpEncoderSettings *settings);
/* @json: a JSON object with "type". */
void rp_worker_link_client (RpWorkerLink *link, const char *json);
/* Ends the conversation: the worker exits. What it still sends is discarded; lost (CLOSED) follows
 * when it has gone, lost (HUNG) when it has not after the hung timeout. @reason: at most 1024 bytes
 * of UTF-8, cut when longer. */
void rp_worker_link_end (RpWorkerLink *link, const char *reason);

/* The owner found the content of a frame (an EVENT) to be nonsense: the worker is killed and
 * lost (GARBAGE) follows with @text. Thread: loop. */
void rp_worker_link_fail (RpWorkerLink *link, const char *text);

G_END_DECLS
