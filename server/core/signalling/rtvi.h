/* RTVI 2.1.0, the message protocol of the Pipecat clients on the data channel "chat", and the two
 * small dialects their WebRTC transport speaks beside it ("ping: <ms>" and {"type":"signalling"}).
 * A codec only: what a message means is the session's affair. Thread: any. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_RTVI_VERSION "2.1.0"
#define RP_RTVI_LABEL "rtvi-ai"
/* Longest client message, bytes: what a=max-message-size allows. */
#define RP_RTVI_MAX_BYTES 262144
/* Most keys in one dtmf message. */
#define RP_RTVI_MAX_BUTTONS 64

#define RP_RTVI_ERROR (rp_rtvi_error_quark ())
GQuark rp_rtvi_error_quark (void);

typedef enum {
  RP_RTVI_ERROR_INVALID, /* not JSON, or JSON that is no message of this protocol: nobody to answer,
                            drop and count */
} RpRtviError;

typedef enum {
  RP_RTVI_CLIENT_READY,
  RP_RTVI_DISCONNECT_BOT,
  RP_RTVI_CLIENT_MESSAGE,
  RP_RTVI_SEND_TEXT,
  RP_RTVI_DTMF,
  RP_RTVI_FUNCTION_CALL_RESULT,
  RP_RTVI_APPEND_TO_CONTEXT,
  RP_RTVI_PING,
  RP_RTVI_TRACK_STATUS,
  RP_RTVI_UNSUPPORTED, /* answer rp_rtvi_error_response (id, reason) */
  RP_RTVI_MALFORMED,   /* a type we know with bad data: answer the same way */
} RpRtviClientType;

/* One message from a client. Members not of its type are NULL or 0; optional ones are nullable. */
typedef struct {
  RpRtviClientType type;
  char *type_name; /* as received; NULL for pings */
  char *id;        /* (nullable) */

  struct {
    char *version; /* (nullable) */
    int major;     /* of version; 0 when there is none */
    char *library; /* (nullable), as are the three below */
    char *library_version;
    char *platform;
    char *platform_version;
  } ready;

  struct {
    char *t;
    char *d_json; /* (nullable): JSON text */
  } message;

  struct {
    char *content;
    gboolean run_immediately; /* interrupt and flush first; TRUE unless said otherwise */
    gboolean audio_response;  /* TRUE unless said otherwise */
  } text;

  char *buttons; /* dtmf: one character of 0-9 * # A-D each */

  struct {
    char *function_name;
    char *tool_call_id;
    char *arguments_json; /* (nullable) */
    char *result_json;    /* "null" when the function gave nothing */
  } result;

  struct {
    char *role;
    char *content;            /* plain text, or JSON text when content_is_json */
    gboolean content_is_json; /* the client sent structured content */
    gboolean run_immediately;
  } append;

  gint64 ping_ms; /* the client's clock, as sent */

  struct {
    guint receiver_index; /* 0 microphone, 1 camera, 2 screen */
    gboolean enabled;
  } track;

  char *reason; /* UNSUPPORTED and MALFORMED: text for the error-response */
} RpRtviClientMessage;

/* Parses what came on the channel; @len in bytes, no NUL needed.
 * Returns: (transfer full); NULL with @error set when there is no telling what it is. */
RpRtviClientMessage *rp_rtvi_parse (const char *data, gsize len, GError **error);

void rp_rtvi_client_message_free (RpRtviClientMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpRtviClientMessage, rp_rtvi_client_message_free)

/* Server messages. Each returns (transfer full) one line of UTF-8 JSON without a NUL in it. NULL
 * arguments marked (nullable) are left out of the message. Text of any content is escaped, bytes
 * that are no UTF-8 are replaced. An argument named *_json is JSON text; one that is not valid JSON
 * is sent as null. */

/* @id is that of the client-ready. */
char *rp_rtvi_bot_ready (const char *id /* (nullable) */, const char *library /* (nullable) */,
                         const char *library_version /* (nullable) */);

/* @fatal makes the stock client disconnect. */
char *rp_rtvi_error_message (const char *error, gboolean fatal);
char *rp_rtvi_error_response (const char *id /* (nullable) */, const char *error);
char *rp_rtvi_server_response (const char *id /* (nullable) */, const char *t,
                               const char *d_json /* (nullable) */);
char *rp_rtvi_server_message (const char *data_json);

/* Messages that carry nothing but their name. */
typedef enum {
  RP_RTVI_USER_STARTED_SPEAKING,
  RP_RTVI_USER_STOPPED_SPEAKING,
  RP_RTVI_BOT_STARTED_SPEAKING,
  RP_RTVI_BOT_STOPPED_SPEAKING,
  RP_RTVI_VAD_USER_STARTED_SPEAKING,
  RP_RTVI_VAD_USER_STOPPED_SPEAKING,
  RP_RTVI_USER_MUTE_STARTED,
  RP_RTVI_USER_MUTE_STOPPED,
  RP_RTVI_BOT_INTERRUPTED,
  RP_RTVI_BOT_LLM_STARTED,
  RP_RTVI_BOT_LLM_STOPPED,
  RP_RTVI_BOT_TTS_STARTED,
  RP_RTVI_BOT_TTS_STOPPED,
  RP_RTVI_N_EVENTS,
} RpRtviEvent;

char *rp_rtvi_event (RpRtviEvent event);

/* Messages that carry one text. */
typedef enum {
  RP_RTVI_USER_LLM_TEXT,
  RP_RTVI_BOT_LLM_TEXT,
  RP_RTVI_BOT_TTS_TEXT,
  RP_RTVI_SYSTEM_LOG,
  RP_RTVI_N_TEXTS,
} RpRtviText;

char *rp_rtvi_text (RpRtviText kind, const char *text);

/* @timestamp: ISO 8601, UTC. */
char *rp_rtvi_user_transcription (const char *text, const char *user_id, const char *timestamp,
                                  gboolean final);

typedef enum {
  RP_RTVI_SPOKEN_NEW,
  RP_RTVI_SPOKEN_IN_PROGRESS,
  RP_RTVI_SPOKEN_COMPLETED,
} RpRtviSpokenStatus;

typedef struct {
  const char *text;
  const char *aggregated_by; /* "word", "sentence", … */
  const char *segment_id;    /* (nullable) */
  gboolean will_be_spoken;
  RpRtviSpokenStatus spoken_status;
  const char *accumulated_text; /* (nullable): spoken_progress, sent when either is given */
  const char *remaining_text;   /* (nullable) */
} RpRtviBotOutput;

/* @client_major: of the client-ready. 1 gets the old form, where "spoken" is whether the text is
 * being or has been spoken; anything else the form of 2.1. */
char *rp_rtvi_bot_output (const RpRtviBotOutput *output, int client_major);

typedef enum {
  RP_RTVI_METRIC_TTFB, /* s */
  RP_RTVI_METRIC_TTFA,
  RP_RTVI_METRIC_TTFAT,
  RP_RTVI_METRIC_PROCESSING,
  RP_RTVI_METRIC_TOKENS, /* count */
  RP_RTVI_METRIC_STT_USAGE,
  RP_RTVI_METRIC_CHARACTERS,
  RP_RTVI_N_METRICS,
} RpRtviMetricKind;

typedef struct {
  RpRtviMetricKind kind;
  const char *processor;
  gdouble value;
} RpRtviMetric;

/* Groups the items by kind, each group in the order given. */
char *rp_rtvi_metrics (const RpRtviMetric *items, guint n_items);

char *rp_rtvi_function_call_started (const char *function_name /* (nullable) */);
/* @where: "client" when the client is to run it, an addition of ours: with it a client answers for
 * functions it does not have, too. */
char *rp_rtvi_function_call_in_progress (const char *tool_call_id,
                                         const char *function_name /* (nullable) */,
                                         const char *arguments_json /* (nullable) */,
                                         const char *where /* (nullable) */);
char *rp_rtvi_function_call_stopped (const char *tool_call_id, gboolean cancelled,
                                     const char *function_name /* (nullable) */,
                                     const char *result_json /* (nullable) */);

/* @value 0 … 1. */
char *rp_rtvi_audio_level (gboolean bot, gdouble value);

/* The transport's own messages, which carry no label: ask the client for a new offer on the same
 * peer connection; tell it that the bot has gone, upon which it disconnects. */
char *rp_rtvi_renegotiate (void);
char *rp_rtvi_peer_left (void);

G_END_DECLS
