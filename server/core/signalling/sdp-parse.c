#include "sdp-private.h"
#include "sdp.h"

#include <string.h>

/* RFC 8839 section 5.4 */
#define MIN_UFRAG 4
#define MIN_PWD 22

typedef struct {
  RpSdp *sdp;
  gboolean fragment;
  guint line;                /* counted from 1, for messages */
  RpSdpMedia *session;       /* what the session level says, inherited by every m-line */
  RpSdpMedia *media;         /* the m-line being read, or session */
  gboolean own_fingerprints; /* of the m-line being read */
  gboolean has_version, has_origin;
  char *group; /* the mids of the BUNDLE group, as written */
} Parser;

#define FAIL(parser, error, code, ...) \
  (fail (parser, error, RP_SDP_ERROR_##code, __VA_ARGS__), FALSE)

static void fail (const Parser *parser, GError **error, RpSdpError code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
fail (const Parser *parser, GError **error, RpSdpError code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, RP_SDP_ERROR, (gint) code, "line %u: %s", parser->line, what);
}

static gboolean
is_token (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if ((guchar) *p <= 0x20 || (guchar) *p >= 0x7f)
      return FALSE;
  return *text != '\0';
}

static gboolean
copy_token (const char *text, char *out, gsize size)
{
  return is_token (text) && g_strlcpy (out, text, size) < size;
}

/* Reads digits up to a space, slash or the end, and moves @at past them. */
static gboolean
read_number (const char **at, guint64 max, guint64 *out)
{
  const char *p = *at;
  guint64 value = 0;
  if (!g_ascii_isdigit (*p))
    return FALSE;
  for (; g_ascii_isdigit (*p); p++) {
    guint64 digit = (guint64) g_ascii_digit_value (*p);
    if (value > (max - digit) / 10)
      return FALSE;
    value = value * 10 + digit;
  }
  if (*p != '\0' && *p != ' ' && *p != '/')
    return FALSE;
  *at = p;
  *out = value;
  return TRUE;
}

static gboolean
whole_number (const char *text, guint64 max, guint64 *out)
{
  return read_number (&text, max, out) && *text == '\0';
}

/* Whether the word @name is in the list @text, separated by spaces. */
static gboolean
has_word (const char *text, const char *name)
{
  gsize len = strlen (name);
  for (const char *p = text; p != NULL && *p != '\0';) {
    if (strncmp (p, name, len) == 0 && (p[len] == ' ' || p[len] == '\0'))
      return TRUE;
    p = strchr (p, ' ');
    p = p != NULL ? p + 1 : NULL;
  }
  return FALSE;
}

static gboolean
parse_origin (Parser *parser, const char *value, GError **error)
{
  g_auto (GStrv) words = g_strsplit (value, " ", 7);
  if (g_strv_length (words) != 6)
    return FAIL (parser, error, INVALID, "o= does not have six words");
  /* Both are numbers of any length; they only serve to tell descriptions apart. */
  whole_number (words[1], G_MAXUINT64, &parser->sdp->session_id);
  whole_number (words[2], G_MAXUINT64, &parser->sdp->session_version);
  parser->has_origin = TRUE;
  return TRUE;
}

static RpSdpKind
kind_of (const char *media)
{
  if (strcmp (media, "audio") == 0)
    return RP_SDP_AUDIO;
  if (strcmp (media, "video") == 0)
    return RP_SDP_VIDEO;
  return strcmp (media, "application") == 0 ? RP_SDP_APPLICATION : RP_SDP_OTHER;
}

/* A static payload type needs no rtpmap (RFC 3551 table 4). */
static void
add_payload_type (RpSdpMedia *media, guint8 payload_type)
{
  static const struct {
    guint8 payload_type;
    const char *name;
  } statics[] = {{0, "PCMU"}, {8, "PCMA"}, {9, "G722"}, {13, "CN"}};
  for (gsize i = 0; i < G_N_ELEMENTS (statics); i++)
    if (media->kind == RP_SDP_AUDIO && statics[i].payload_type == payload_type) {
      rp_sdp_add_codec (media, payload_type, statics[i].name, 8000, 1, NULL);
      return;
    }
  rp_sdp_add_codec (media, payload_type, "", 0, 1, NULL);
}

static RpSdpCodec *
find_codec (RpSdpMedia *media, guint64 payload_type)
{
  for (guint i = 0; i < media->codecs->len; i++) {
    RpSdpCodec *codec = &g_array_index (media->codecs, RpSdpCodec, i);
    if (codec->payload_type == payload_type)
      return codec;
  }
  return NULL;
}

static gboolean
parse_formats (Parser *parser, RpSdpMedia *media, char **formats, GError **error)
{
  if (formats[0] == NULL || !copy_token (formats[0], media->format, sizeof media->format))
    return FAIL (parser, error, INVALID, "m= has no format, or one of more than %d bytes",
                 (int) sizeof media->format - 1);
  if (!rp_sdp_media_is_rtp (media))
    return TRUE;
  for (guint i = 0; formats[i] != NULL; i++) {
    guint64 payload_type;
    if (!whole_number (formats[i], 127, &payload_type))
      return FAIL (parser, error, INVALID, "m= has a payload type that is not 0 to 127");
    if (find_codec (media, payload_type) != NULL)
      return FAIL (parser, error, INVALID, "m= names payload type %u twice", (guint) payload_type);
    add_payload_type (media, (guint8) payload_type);
    /* Without the leading zeros it may have come with. */
    if (i == 0)
      g_snprintf (media->format, sizeof media->format, "%u", (guint) payload_type);
  }
  return TRUE;
}

/* What an m-line has from the session level unless it says otherwise. */
static void
inherit (RpSdpMedia *media, const RpSdpMedia *session)
{
  media->direction = session->direction;
  media->setup = session->setup;
  media->trickle = session->trickle;
  memcpy (media->ice_ufrag, session->ice_ufrag, sizeof media->ice_ufrag);
  memcpy (media->ice_pwd, session->ice_pwd, sizeof media->ice_pwd);
  memcpy (media->fingerprints, session->fingerprints, sizeof media->fingerprints);
  media->n_fingerprints = session->n_fingerprints;
}

static gboolean
parse_media_line (Parser *parser, const char *value, GError **error)
{
  g_auto (GStrv) words = g_strsplit (value, " ", -1);
  char name[32];
  guint64 port;
  if (parser->sdp->media->len == RP_SDP_MAX_MEDIA)
    return FAIL (parser, error, TOO_LARGE, "more than %d m-lines", RP_SDP_MAX_MEDIA);
  if (g_strv_length (words) < 4)
    return FAIL (parser, error, INVALID, "m= has fewer than four words");
  if (!copy_token (words[0], name, sizeof name))
    return FAIL (parser, error, INVALID, "m= does not name a medium");
  const char *at = words[1];
  if (!read_number (&at, G_MAXUINT16, &port))
    return FAIL (parser, error, INVALID, "m= has no port from 0 to 65535");

  RpSdpMedia *media = rp_sdp_add_media (parser->sdp, kind_of (name), name);
  media->port = (guint16) port;
  if (!copy_token (words[2], media->protocol, sizeof media->protocol))
    return FAIL (parser, error, INVALID, "m= has no protocol of at most %d bytes",
                 (int) sizeof media->protocol - 1);
  inherit (media, parser->session);
  parser->media = media;
  parser->own_fingerprints = FALSE;
  return parse_formats (parser, media, words + 3, error);
}

static gboolean
parse_rtpmap (Parser *parser, const char *value, GError **error)
{
  guint64 payload_type, clock_rate, channels = 1;
  if (!read_number (&value, 127, &payload_type) || *value != ' ')
    return FAIL (parser, error, INVALID, "rtpmap has no payload type from 0 to 127");
  const char *name = value + 1, *slash = strchr (name, '/');
  if (slash == NULL || slash == name)
    return FAIL (parser, error, INVALID, "rtpmap has no encoding name and clock rate");
  g_autofree char *encoding = g_strndup (name, (gsize) (slash - name));
  const char *at = slash + 1;
  if (!read_number (&at, G_MAXINT32, &clock_rate) || clock_rate == 0)
    return FAIL (parser, error, INVALID, "rtpmap has no clock rate");
  if (*at == '/') {
    at++;
    if (!read_number (&at, 255, &channels) || channels == 0)
      return FAIL (parser, error, INVALID, "rtpmap has a bad number of channels");
  }
  RpSdpCodec *codec = find_codec (parser->media, payload_type);
  if (*at != '\0' || !is_token (encoding) || strlen (encoding) >= sizeof codec->name)
    return FAIL (parser, error, INVALID, "rtpmap is malformed");
  /* One for a payload type that the m-line does not name means nothing. */
  if (codec == NULL)
    return TRUE;
  g_strlcpy (codec->name, encoding, sizeof codec->name);
  codec->clock_rate = (guint32) clock_rate;
  codec->channels = (guint8) channels;
  return TRUE;
}

static gboolean
parse_fmtp (Parser *parser, const char *value, GError **error)
{
  guint64 payload_type;
  if (!read_number (&value, 127, &payload_type) || *value != ' ')
    return FAIL (parser, error, INVALID, "fmtp has no payload type from 0 to 127");
  RpSdpCodec *codec = find_codec (parser->media, payload_type);
  if (codec != NULL) {
    g_free (codec->fmtp);
    codec->fmtp = g_strdup (value + 1);
  }
  return TRUE;
}

static gboolean
parse_mid (Parser *parser, const char *value, GError **error)
{
  if (!copy_token (value, parser->media->mid, sizeof parser->media->mid))
    return FAIL (parser, error, INVALID, "mid is not a token of 1 to %d bytes", RP_SDP_MAX_MID);
  for (guint i = 0; i + 1 < parser->sdp->media->len; i++)
    if (strcmp (rp_sdp_media (parser->sdp, i)->mid, value) == 0)
      return FAIL (parser, error, INVALID, "mid \"%s\" is used twice", value);
  return TRUE;
}

static gboolean
parse_credential (Parser *parser, const char *value, gsize min, char *out, const char *what,
                  GError **error)
{
  gsize len = strlen (value);
  gboolean ok = len >= min && len <= RP_ICE_MAX_CREDENTIAL;
  for (const char *p = value; ok && *p != '\0'; p++)
    ok = g_ascii_isalnum (*p) || *p == '+' || *p == '/';
  if (!ok)
    return FAIL (parser, error, INVALID, "%s is not %u to %d ICE characters", what, (guint) min,
                 RP_ICE_MAX_CREDENTIAL);
  memcpy (out, value, len + 1);
  return TRUE;
}

static gboolean
parse_ufrag (Parser *parser, const char *value, GError **error)
{
  return parse_credential (parser, value, MIN_UFRAG, parser->media->ice_ufrag, "ice-ufrag", error);
}

static gboolean
parse_pwd (Parser *parser, const char *value, GError **error)
{
  return parse_credential (parser, value, MIN_PWD, parser->media->ice_pwd, "ice-pwd", error);
}

static gboolean
parse_ice_options (Parser *parser, const char *value, GError **error)
{
  parser->media->trickle = has_word (value, "trickle");
  return TRUE;
}

static gboolean
parse_fingerprint (Parser *parser, const char *value, GError **error)
{
  static const char name[] = "sha-256 ";
  RpSdpFingerprint fingerprint;
  if (g_ascii_strncasecmp (value, name, strlen (name)) != 0)
    return TRUE;
  const char *p = value + strlen (name);
  for (gsize i = 0; i < sizeof fingerprint.sha256; i++) {
    if (i > 0 && *p++ != ':')
      return FAIL (parser, error, INVALID,
                   "sha-256 fingerprint is not 32 bytes in hex with colons");
    int high = g_ascii_xdigit_value (p[0]), low = high < 0 ? -1 : g_ascii_xdigit_value (p[1]);
    if (low < 0)
      return FAIL (parser, error, INVALID,
                   "sha-256 fingerprint is not 32 bytes in hex with colons");
    fingerprint.sha256[i] = (guint8) (high * 16 + low);
    p += 2;
  }
  if (*p != '\0')
    return FAIL (parser, error, INVALID, "sha-256 fingerprint is not 32 bytes in hex with colons");
  RpSdpMedia *media = parser->media;
  if (!parser->own_fingerprints)
    media->n_fingerprints = 0;
  parser->own_fingerprints = TRUE;
  if (media->n_fingerprints == RP_SDP_MAX_FINGERPRINTS)
    return FAIL (parser, error, TOO_LARGE, "more than %d sha-256 fingerprints",
                 RP_SDP_MAX_FINGERPRINTS);
  media->fingerprints[media->n_fingerprints++] = fingerprint;
  return TRUE;
}

static gboolean
parse_setup (Parser *parser, const char *value, GError **error)
{
  static const struct {
    const char *name;
    RpSdpSetup setup;
  } setups[] = {{"actpass", RP_SDP_SETUP_ACTPASS},
                {"active", RP_SDP_SETUP_ACTIVE},
                {"passive", RP_SDP_SETUP_PASSIVE}};
  for (gsize i = 0; i < G_N_ELEMENTS (setups); i++)
    if (strcmp (value, setups[i].name) == 0) {
      parser->media->setup = setups[i].setup;
      return TRUE;
    }
  return FAIL (parser, error, INVALID, "setup is not actpass, active or passive");
}

static gboolean
parse_candidate (Parser *parser, const char *value, GError **error)
{
  RpSdpMedia *media = parser->media;
  g_autofree char *line = g_strconcat ("candidate:", value, NULL);
  RpCandidate candidate;
  /* One bad candidate is no reason to refuse the call: the peer has others, or its checks make one.
   */
  if (media->n_candidates == RP_CANDIDATE_MAX ||
      !rp_candidate_parse (line, strlen (line), &candidate, NULL))
    media->n_skipped_candidates++;
  else
    media->candidates[media->n_candidates++] = candidate;
  return TRUE;
}

static gboolean
parse_msid (Parser *parser, const char *value, GError **error)
{
  RpSdpMedia *media = parser->media;
  const char *space = strchr (value, ' ');
  g_autofree char *stream =
      space != NULL ? g_strndup (value, (gsize) (space - value)) : g_strdup (value);
  /* Only shown, so one of unusual form is left out; "-" is no stream (RFC 8830 section 2). */
  if (strcmp (stream, "-") == 0 || !copy_token (stream, media->stream_id, sizeof media->stream_id))
    media->stream_id[0] = '\0';
  if (space == NULL || !copy_token (space + 1, media->track_id, sizeof media->track_id))
    media->track_id[0] = '\0';
  return TRUE;
}

static gboolean
parse_ssrc (Parser *parser, const char *value, GError **error)
{
  static const char cname[] = " cname:";
  RpSdpMedia *media = parser->media;
  guint64 ssrc;
  if (!read_number (&value, G_MAXUINT32, &ssrc))
    return FAIL (parser, error, INVALID, "ssrc is not a number of 32 bits");
  if (media->ssrc == 0)
    media->ssrc = (guint32) ssrc;
  if (media->ssrc == ssrc && ssrc != 0 && strncmp (value, cname, strlen (cname)) == 0 &&
      !copy_token (value + strlen (cname), media->cname, sizeof media->cname))
    media->cname[0] = '\0';
  return TRUE;
}

static gboolean
parse_sctp_port (Parser *parser, const char *value, GError **error)
{
  guint64 port;
  if (!whole_number (value, G_MAXUINT16, &port) || port == 0)
    return FAIL (parser, error, INVALID, "sctp-port is not 1 to 65535");
  parser->media->sctp_port = (guint16) port;
  return TRUE;
}

/* a=sctpmap:5000 webrtc-datachannel 65535 */
static gboolean
parse_sctpmap (Parser *parser, const char *value, GError **error)
{
  guint64 port;
  if (!read_number (&value, G_MAXUINT16, &port) || port == 0 || *value != ' ')
    return FAIL (parser, error, INVALID, "sctpmap has no port from 1 to 65535");
  if (has_word (value + 1, "webrtc-datachannel")) {
    parser->media->sctpmap = TRUE;
    parser->media->sctp_port = (guint16) port;
  }
  return TRUE;
}

static gboolean
parse_max_message_size (Parser *parser, const char *value, GError **error)
{
  if (!whole_number (value, G_MAXUINT64, &parser->media->max_message_size))
    return FAIL (parser, error, INVALID, "max-message-size is not a number");
  parser->media->has_max_message_size = TRUE;
  return TRUE;
}

static gboolean
parse_group (Parser *parser, const char *value, GError **error)
{
  static const char bundle[] = "BUNDLE";
  /* More than one transport is not for us: the first group counts. */
  if (parser->group == NULL && g_str_has_prefix (value, bundle) &&
      (value[strlen (bundle)] == ' ' || value[strlen (bundle)] == '\0'))
    parser->group = g_strdup (value + strlen (bundle));
  return TRUE;
}

/* An attribute that is a word alone. */
static void
parse_flag (Parser *parser, const char *name)
{
  RpSdpMedia *media = parser->media;
  for (RpSdpDirection d = RP_SDP_SENDRECV; d <= RP_SDP_INACTIVE; d++)
    if (strcmp (name, rp_sdp_direction_name (d)) == 0)
      media->direction = d;
  if (strcmp (name, "rtcp-mux") == 0 || strcmp (name, "rtcp-mux-only") == 0)
    media->rtcp_mux = TRUE;
  else if (strcmp (name, "bundle-only") == 0)
    media->bundle_only = TRUE;
  else if (strcmp (name, "end-of-candidates") == 0)
    media->end_of_candidates = TRUE;
  else if (strcmp (name, "ice-lite") == 0)
    parser->sdp->ice_lite = TRUE;
}

typedef enum {
  LEVEL_SESSION = 1,
  LEVEL_MEDIA = 2,
  LEVEL_BOTH = 3,
} Level;

static const struct {
  const char *name;
  Level level;
  gboolean (*parse) (Parser *parser, const char *value, GError **error);
} attributes[] = {
    {"group", LEVEL_SESSION, parse_group},
    {"ice-ufrag", LEVEL_BOTH, parse_ufrag},
    {"ice-pwd", LEVEL_BOTH, parse_pwd},
    {"ice-options", LEVEL_BOTH, parse_ice_options},
    {"fingerprint", LEVEL_BOTH, parse_fingerprint},
    {"setup", LEVEL_BOTH, parse_setup},
    {"candidate", LEVEL_MEDIA, parse_candidate},
    {"mid", LEVEL_MEDIA, parse_mid},
    {"msid", LEVEL_MEDIA, parse_msid},
    {"rtpmap", LEVEL_MEDIA, parse_rtpmap},
    {"fmtp", LEVEL_MEDIA, parse_fmtp},
    {"ssrc", LEVEL_MEDIA, parse_ssrc},
    {"sctp-port", LEVEL_MEDIA, parse_sctp_port},
    {"sctpmap", LEVEL_MEDIA, parse_sctpmap},
    {"max-message-size", LEVEL_MEDIA, parse_max_message_size},
};

static gboolean
parse_attribute (Parser *parser, const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  if (colon == NULL) {
    parse_flag (parser, text);
    return TRUE;
  }
  gsize len = (gsize) (colon - text);
  Level level = parser->media == parser->session ? LEVEL_SESSION : LEVEL_MEDIA;
  for (gsize i = 0; i < G_N_ELEMENTS (attributes); i++) {
    if (strlen (attributes[i].name) != len || strncmp (attributes[i].name, text, len) != 0)
      continue;
    /* A fragment may trickle candidates before any m-line (RFC 8840 section 9). */
    gboolean here = (attributes[i].level & level) != 0 ||
                    (parser->fragment && attributes[i].parse == parse_candidate);
    return !here || attributes[i].parse (parser, colon + 1, error);
  }
  return TRUE;
}

static gboolean
parse_line (Parser *parser, const char *line, GError **error)
{
  if (!g_ascii_islower (line[0]) || line[1] != '=')
    return FAIL (parser, error, INVALID, "not of the form x=value");
  const char *value = line + 2;
  if (!parser->fragment && !parser->has_version && line[0] != 'v')
    return FAIL (parser, error, INVALID, "v=0 does not come first");
  switch (line[0]) {
  case 'v':
    if (strcmp (value, "0") != 0)
      return FAIL (parser, error, INVALID, "v= is not 0");
    parser->has_version = TRUE;
    return TRUE;
  case 'o':
    return parse_origin (parser, value, error);
  case 'm':
    return parse_media_line (parser, value, error);
  case 'a':
    return parse_attribute (parser, value, error);
  default:
    return TRUE;
  }
}

static gboolean
parse_lines (Parser *parser, const char *text, gsize len, GError **error)
{
  char line[RP_SDP_MAX_LINE_BYTES + 1];
  const char *end = text + len;
  while (text < end) {
    const char *newline = memchr (text, '\n', (gsize) (end - text));
    const char *stop = newline != NULL ? newline : end;
    gsize n = (gsize) (stop - text);
    parser->line++;
    if (n > 0 && text[n - 1] == '\r')
      n--;
    if (n > RP_SDP_MAX_LINE_BYTES)
      return FAIL (parser, error, TOO_LARGE, "longer than %d bytes", RP_SDP_MAX_LINE_BYTES);
    for (gsize i = 0; i < n; i++)
      if ((guchar) text[i] < 0x20 && text[i] != '\t')
        return FAIL (parser, error, INVALID, "has the control character 0x%02x", (guchar) text[i]);
    memcpy (line, text, n);
    line[n] = '\0';
    if (n > 0 && !parse_line (parser, line, error))
      return FALSE;
    text = stop < end ? stop + 1 : end;
  }
  return TRUE;
}

/* A mid of the group that no m-line has says nothing, and one named twice counts once. */
static void
apply_group (Parser *parser)
{
  RpSdp *sdp = parser->sdp;
  if (parser->group == NULL)
    return;
  sdp->has_bundle = TRUE;
  g_auto (GStrv) mids = g_strsplit (parser->group, " ", -1);
  for (guint i = 0; mids[i] != NULL; i++)
    for (guint j = 0; j < sdp->media->len; j++) {
      RpSdpMedia *media = g_ptr_array_index (sdp->media, j);
      if (*mids[i] == '\0' || media->bundled || strcmp (media->mid, mids[i]) != 0)
        continue;
      media->bundled = TRUE;
      sdp->bundle[sdp->n_bundle++] = j;
    }
}

static RpSdp *
parse (const char *text, gsize len, gboolean fragment, GError **error)
{
  if (len > RP_SDP_MAX_BYTES) {
    g_set_error (error, RP_SDP_ERROR, RP_SDP_ERROR_TOO_LARGE,
                 "SDP of %" G_GSIZE_FORMAT " bytes, at most %d are taken", len, RP_SDP_MAX_BYTES);
    return NULL;
  }
  if (len == 0 || !g_utf8_validate_len (text, len, NULL)) {
    g_set_error (error, RP_SDP_ERROR, RP_SDP_ERROR_INVALID,
                 len == 0 ? "SDP is empty" : "SDP is not UTF-8");
    return NULL;
  }
  g_autoptr (RpSdp) sdp = rp_sdp_new ();
  g_autoptr (RpSdp) session = rp_sdp_new ();
  Parser parser = {
      .sdp = sdp, .fragment = fragment, .session = rp_sdp_add_media (session, RP_SDP_OTHER, "")};
  parser.media = parser.session;
  gboolean ok = parse_lines (&parser, text, len, error);
  if (ok && !fragment && (!parser.has_origin || sdp->media->len == 0)) {
    ok = FALSE;
    g_set_error (error, RP_SDP_ERROR, RP_SDP_ERROR_INVALID,
                 parser.has_origin ? "SDP has no m-line" : "SDP has no o=");
  }
  if (ok && sdp->media->len == 0)
    g_ptr_array_add (sdp->media, g_ptr_array_steal_index (session->media, 0));
  if (ok)
    apply_group (&parser);
  g_free (parser.group);
  return ok ? g_steal_pointer (&sdp) : NULL;
}

RpSdp *
rp_sdp_parse (const char *text, gsize len, GError **error)
{
  return parse (text, len, FALSE, error);
}

RpSdp *
rp_sdp_parse_fragment (const char *text, gsize len, GError **error)
{
  return parse (text, len, TRUE, error);
}
