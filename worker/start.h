/* START and CLIENT: the JSON that the server sends, checked and taken apart. Pure. */
#pragma once

#include "engine.h"
#include "frame.h"

#include <glib.h>

G_BEGIN_DECLS

/* Utterances that the server tells about at most. */
#define RP_START_MAX_UTTERANCES 32

/* Of request_data: longer strings are cut, further members ignored. */
#define RP_START_MAX_VALUE_BYTES 200
#define RP_START_MAX_VALUES 64

typedef struct {
  char *call;
  char *agent;      /* (nullable): the default one */
  GHashTable *data; /* (nullable) char * → char *: the strings of request_data, on one line each */
  gboolean resume;
  gboolean connected;
  RpEncoderSettings encoder;
  gint64 input_pos_samples;
  RpEnginePlayed played[RP_START_MAX_UTTERANCES];
  guint n_played;
} RpStart;

/* Returns: FALSE with RP_JSON_ERROR. @out: to be cleared. */
gboolean rp_start_parse (const char *json, gsize len, RpStart *out, GError **error);
void rp_start_clear (RpStart *start);

typedef enum {
  RP_CLIENT_CONNECTED,
  RP_CLIENT_TEXT,
  RP_CLIENT_INTERRUPT,
  RP_CLIENT_MESSAGE,
  RP_CLIENT_DTMF,
  RP_CLIENT_DRAIN,
  RP_CLIENT_TOOL_RESULT,
} RpClientType;

typedef struct {
  RpClientType type;
  char *text; /* content of a text, data of a message, buttons; of a tool_result: a JSON object, or
                 why it failed */
  char *id;   /* message, tool_result: the call's */
  char *name; /* message */
  gboolean run_immediately;
  gboolean audio_response;
  gboolean failed; /* tool_result */
} RpClientMessage;

/* Returns: FALSE with RP_JSON_ERROR. @out: to be cleared. */
gboolean rp_client_parse (const char *json, gsize len, RpClientMessage *out, GError **error);
void rp_client_message_clear (RpClientMessage *message);

G_END_DECLS
