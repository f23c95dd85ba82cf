/* The media of one call between the peer connection and the worker: jitter buffer, Opus decoder,
 * RTCP, the playout queue, and what the server knows of the last utterances.
 *
 * An adapter over libopus, otherwise without I/O or clock: everything arrives with its time.
 * Thread: the session's loop. */
#pragma once

#include "frame.h"
#include "jbuf.h"
#include "pacer.h"
#include "rtcp-session.h"

#include <glib.h>

G_BEGIN_DECLS

/* Utterances remembered for a replacement worker (proto/README.md, START). */
#define RP_MEDIA_MAX_UTTERANCES 32
/* A worker may be this far ahead of the playout. */
#define RP_MEDIA_QUEUE_FRAMES 9000
/* PLAYOUT progress is reported every so many frames, and when the queue has run empty. */
#define RP_MEDIA_PROGRESS_FRAMES 3

/* The client's source may change so often at once, and once more in this time. */
#define RP_MEDIA_SWITCHES 8
#define RP_MEDIA_SWITCH_US (2 * (gint64) G_USEC_PER_SEC)

typedef struct _RpMedia RpMedia;

/* None may free the media. @buf: a plain packet of @len bytes in @size bytes, with the tailroom
 * that RpPeer needs. */
typedef struct {
  gboolean (*send_rtp) (guint8 *buf, gsize len, gsize size, gpointer user_data);
  gboolean (*send_rtcp) (guint8 *buf, gsize len, gsize size, gpointer user_data);
  void (*audio_in) (gint64 pos_samples, RpAudioKind kind, const gint16 *pcm, guint n_samples,
                    gint64 arrival_us, gpointer user_data);
  void (*input) (gint64 pos_samples, gboolean stalled, gpointer user_data);
  void (*playout) (const RpPlayout *playout, gpointer user_data);
} RpMediaEvents;

typedef struct {
  guint32 ssrc;
  guint16 first_sequence; /* below 2^15 */
  guint32 first_timestamp;
  const char *cname;
  guint32 random_seed;
} RpMediaConfig;

typedef struct {
  guint32 id;
  guint32 frames; /* received, and not dropped by a flush */
  guint32 played;
  gboolean complete; /* no more frames will come: the last one has, or it was flushed */
} RpMediaUtterance;

typedef struct {
  RpJbufStats jbuf;
  RpPacerStats pacer;
  RpRtcpStats rtcp;
  guint64 packets_malformed; /* not RTP, of no payload type of ours, or broken redundancy */
  guint64 redundant_sent;    /* packets with copies of earlier frames */
  guint64 decode_errors;
  gint64 first_sent_us;                    /* 0 = nothing sent yet */
  guint64 given_samples[RP_AUDIO_N_KINDS]; /* to the worker, by kind */
} RpMediaStats;

/* Returns: (transfer full) */
RpMedia *rp_media_new (const RpMediaConfig *config, const RpMediaEvents *events, gpointer user_data,
                       gint64 now_us);
void rp_media_free (RpMedia *media);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpMedia, rp_media_free)

/* What the answer says; both may change with a later one. @red_payload_type: of RFC 2198, 0 = none:
 * accepted, and sent while the client reports loss. */
void rp_media_set_payload_type (RpMedia *media, guint8 opus_payload_type);
void rp_media_set_red_payload_type (RpMedia *media, guint8 red_payload_type);
/* The transport can carry packets: from @first_due_us one goes out every 20 ms. While it is not
 * @up, the queue waits. */
void rp_media_set_transport (RpMedia *media, gboolean up, gint64 first_due_us);

/* Decrypted packets from the client. */
void rp_media_rtp (RpMedia *media, gint64 now_us, const guint8 *packet, gsize len);
void rp_media_rtcp (RpMedia *media, gint64 now_us, const guint8 *packet, gsize len);
/* Is the agent's voice to be encoded with in-band FEC? By the client's receiver reports. */
gboolean rp_media_wants_fec (const RpMedia *media);
/* Everything that is due. */
void rp_media_tick (RpMedia *media, gint64 now_us);
/* Sends a BYE, when the transport is up. */
void rp_media_bye (RpMedia *media, gint64 now_us);

/* From the worker. Returns: FALSE when the frame is not the next of its utterance or no Opus frame
 * of 20 ms, or the queue is full: the worker is broken. */
gboolean rp_media_audio_out (RpMedia *media, const RpAudioOut *audio);
/* Drops up to @utterance and reports one RP_PLAYOUT_FLUSHED. */
void rp_media_flush (RpMedia *media, gint64 now_us, guint32 utterance);

/* Frames waiting to be played. */
guint rp_media_queued (const RpMedia *media);
/* The end of the input timeline so far, at 16 kHz. */
gint64 rp_media_input_pos (const RpMedia *media);
/* Oldest first; @out holds RP_MEDIA_MAX_UTTERANCES. Returns: how many. */
guint rp_media_utterances (const RpMedia *media, RpMediaUtterance *out);
void rp_media_stats (const RpMedia *media, RpMediaStats *out);

G_END_DECLS
