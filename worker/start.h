/* START and CLIENT: the JSON that the server sends, checked and taken apart. Pure. */
#pragma once

#include "engine.h"

#include <glib.h>

G_BEGIN_DECLS

/* Utterances that the server tells about at most. */
#define RP_START_MAX_UTTERANCES 32

typedef struct {
  char *call;
  gboolean resume;
  gboolean connected;
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
} RpClientType;

typedef struct {
  RpClientType type;
  char *text; /* content of a text, data of a message, buttons */
  char *id;   /* message */
  char *name; /* message */
  gboolean run_immediately;
  gboolean audio_response;
} RpClientMessage;

/* Returns: FALSE with RP_JSON_ERROR. @out: to be cleared. */
gboolean rp_client_parse (const char *json, gsize len, RpClientMessage *out, GError **error);
void rp_client_message_clear (RpClientMessage *message);

G_END_DECLS
