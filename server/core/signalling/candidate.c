#include "candidate.h"

#include <arpa/inet.h>
#include <string.h>

/* Most words of one line: the fixed ones and some twenty extension pairs. */
#define MAX_WORDS 64

G_DEFINE_QUARK (rp - candidate - error - quark, rp_candidate_error)

static const char *const type_names[] = {"host", "srflx", "prflx", "relay"};
static const char *const tcp_names[] = {"udp", "active", "passive", "so"};

typedef struct {
  const char *at;
  gsize len;
} Word;

#define INVALID(error, ...) \
  (g_set_error (error, RP_CANDIDATE_ERROR, RP_CANDIDATE_ERROR_INVALID, __VA_ARGS__), FALSE)
#define UNUSABLE(error, ...) \
  (g_set_error (error, RP_CANDIDATE_ERROR, RP_CANDIDATE_ERROR_UNUSABLE, __VA_ARGS__), FALSE)

static gboolean
word_is (const Word *word, const char *text)
{
  return word->len == strlen (text) && g_ascii_strncasecmp (word->at, text, word->len) == 0;
}

/* Copies @word into @out of @size bytes; FALSE when it does not fit. */
static gboolean
word_copy (const Word *word, char *out, gsize size)
{
  if (word->len >= size)
    return FALSE;
  memcpy (out, word->at, word->len);
  out[word->len] = '\0';
  return TRUE;
}

static gboolean
word_number (const Word *word, guint64 max, guint64 *out)
{
  char digits[16];
  return word_copy (word, digits, sizeof digits) &&
         g_ascii_string_to_unsigned (digits, 10, 0, max, out, NULL);
}

/* RFC 8839 section 5.1: ice-char. */
static gboolean
is_ice_chars (const Word *word)
{
  for (gsize i = 0; i < word->len; i++)
    if (!g_ascii_isalnum (word->at[i]) && word->at[i] != '+' && word->at[i] != '/')
      return FALSE;
  return word->len > 0;
}

/* Drops "a=" and a line end. */
static void
trim (const char **text, gsize *len)
{
  while (*len > 0 && ((*text)[*len - 1] == '\n' || (*text)[*len - 1] == '\r'))
    (*len)--;
  if (*len >= 2 && memcmp (*text, "a=", 2) == 0) {
    *text += 2;
    *len -= 2;
  }
}

gboolean
rp_candidate_is_end (const char *text, gsize len)
{
  static const char end[] = "end-of-candidates";
  if (len > 0)
    trim (&text, &len);
  return len == 0 || (len == strlen (end) && memcmp (text, end, len) == 0);
}

static gboolean
split (const char *text, gsize len, Word *words, guint *out_n, GError **error)
{
  guint n = 0;
  gsize i = 0;
  while (i < len) {
    gsize start = i;
    while (i < len && text[i] != ' ') {
      if ((guchar) text[i] < 0x21 || (guchar) text[i] > 0x7e)
        return INVALID (error, "candidate has the byte 0x%02x", (guchar) text[i]);
      i++;
    }
    if (i > start && n == MAX_WORDS)
      return INVALID (error, "candidate has more than %d words", MAX_WORDS);
    if (i > start)
      words[n++] = (Word){text + start, i - start};
    i++;
  }
  *out_n = n;
  return TRUE;
}

/* @out: the canonical form, or "" when @word is a host name. */
static gboolean
parse_address (const Word *word, char *out, gsize size, GError **error)
{
  char text[INET6_ADDRSTRLEN];
  guint8 bytes[16];
  *out = '\0';
  if (word_copy (word, text, sizeof text)) {
    if (inet_pton (AF_INET, text, bytes) == 1) {
      if (bytes[0] == 0 || bytes[0] >= 224)
        return UNUSABLE (error, "candidate address is not that of one host");
      return inet_ntop (AF_INET, bytes, out, (socklen_t) size) != NULL;
    }
    if (inet_pton (AF_INET6, text, bytes) == 1) {
      static const guint8 unspecified[16];
      if (bytes[0] == 0xff || memcmp (bytes, unspecified, sizeof bytes) == 0)
        return UNUSABLE (error, "candidate address is not that of one host");
      return inet_ntop (AF_INET6, bytes, out, (socklen_t) size) != NULL;
    }
  }
  gboolean letters = FALSE;
  for (gsize i = 0; i < word->len; i++) {
    if (!g_ascii_isalnum (word->at[i]) && word->at[i] != '-' && word->at[i] != '.' &&
        word->at[i] != '_')
      return INVALID (error, "candidate address is malformed");
    letters |= g_ascii_isalpha (word->at[i]);
  }
  return letters ? TRUE : INVALID (error, "candidate address is malformed");
}

static gboolean
parse_type (const Word *word, RpCandidateType *out, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (word_is (word, type_names[i])) {
      *out = (RpCandidateType) i;
      return TRUE;
    }
  return UNUSABLE (error, "candidate type is unknown");
}

/* The pairs after the type. An extension we do not know is skipped, as RFC 8839 section 5.1 wants.
 */
static gboolean
parse_extensions (const Word *words, guint n, RpCandidate *out, gboolean *out_tcp_type,
                  GError **error)
{
  *out_tcp_type = FALSE;
  for (guint i = 0; i + 1 < n; i += 2) {
    const Word *name = &words[i], *value = &words[i + 1];
    guint64 number;
    if (word_is (name, "raddr")) {
      /* Only for diagnosis: browsers hide it behind 0.0.0.0 or a host name. */
      if (!parse_address (value, out->related_address, sizeof out->related_address, NULL))
        out->related_address[0] = '\0';
    } else if (word_is (name, "rport")) {
      if (!word_number (value, G_MAXUINT16, &number))
        return INVALID (error, "candidate rport is not a port");
      out->related_port = (guint16) number;
    } else if (word_is (name, "tcptype")) {
      for (guint t = RP_CANDIDATE_TCP_ACTIVE; t <= RP_CANDIDATE_TCP_SO; t++)
        if (word_is (value, tcp_names[t])) {
          out->transport = (RpCandidateTransport) t;
          *out_tcp_type = TRUE;
        }
    } else if (word_is (name, "ufrag")) {
      if (!is_ice_chars (value) || !word_copy (value, out->ufrag, sizeof out->ufrag))
        return INVALID (error, "candidate ufrag is malformed");
    }
  }
  return TRUE;
}

/* The eight words every candidate has. */
static gboolean
parse_fixed (const Word *words, RpCandidate *out, gboolean *out_is_tcp, GError **error)
{
  guint64 number;
  if (!is_ice_chars (&words[0]) || !word_copy (&words[0], out->foundation, sizeof out->foundation))
    return INVALID (error, "candidate foundation is malformed");
  if (!word_number (&words[1], 256, &number) || number == 0)
    return INVALID (error, "candidate component is not 1 to 256");
  out->component = (guint) number;
  *out_is_tcp = word_is (&words[2], "tcp");
  gboolean known_transport = *out_is_tcp || word_is (&words[2], "udp");
  if (!word_number (&words[3], G_MAXINT32, &number) || number == 0)
    return INVALID (error, "candidate priority is not 1 to 2^31-1");
  out->priority = (guint32) number;
  if (!word_number (&words[5], G_MAXUINT16, &number) || number == 0)
    return INVALID (error, "candidate port is not 1 to 65535");
  out->port = (guint16) number;
  if (!word_is (&words[6], "typ"))
    return INVALID (error, "candidate has no \"typ\" where it belongs");
  if (!parse_address (&words[4], out->address, sizeof out->address, error) ||
      !parse_type (&words[7], &out->type, error))
    return FALSE;
  if (!known_transport)
    return UNUSABLE (error, "candidate transport is neither UDP nor TCP");
  if (out->component != 1)
    return UNUSABLE (error, "candidate is for component %u, only 1 is used", out->component);
  if (out->address[0] == '\0')
    return UNUSABLE (error, "candidate address is a host name (mDNS), not a number");
  return TRUE;
}

gboolean
rp_candidate_parse (const char *text, gsize len, RpCandidate *out, GError **error)
{
  static const char prefix[] = "candidate:";
  Word words[MAX_WORDS];
  guint n = 0;
  gboolean is_tcp, has_tcp_type;
  RpCandidate candidate = {.transport = RP_CANDIDATE_UDP};
  if (len > RP_CANDIDATE_MAX_LINE_BYTES)
    return INVALID (error, "candidate is longer than %d bytes", RP_CANDIDATE_MAX_LINE_BYTES);
  if (len > 0)
    trim (&text, &len);
  if (len < strlen (prefix) || memcmp (text, prefix, strlen (prefix)) != 0)
    return INVALID (error, "candidate does not begin with \"candidate:\"");
  if (!split (text + strlen (prefix), len - strlen (prefix), words, &n, error))
    return FALSE;
  if (n < 8)
    return INVALID (error, "candidate has %u words, at least 8 are needed", n);
  if (!parse_fixed (words, &candidate, &is_tcp, error) ||
      !parse_extensions (words + 8, n - 8, &candidate, &has_tcp_type, error))
    return FALSE;
  if (is_tcp && !has_tcp_type)
    return UNUSABLE (error, "TCP candidate has no known tcptype");
  if (!is_tcp)
    candidate.transport = RP_CANDIDATE_UDP;
  *out = candidate;
  return TRUE;
}

gsize
rp_candidate_write (const RpCandidate *candidate, char *out, gsize size)
{
  char related[80] = "", tcp[24] = "";
  gboolean is_tcp = candidate->transport != RP_CANDIDATE_UDP;
  /* RFC 8839 section 5.1: raddr and rport are a must for all but host candidates. */
  if (candidate->type != RP_CANDIDATE_HOST) {
    gboolean known = candidate->related_address[0] != '\0';
    g_snprintf (related, sizeof related, " raddr %s rport %u",
                known ? candidate->related_address : "0.0.0.0",
                known ? candidate->related_port : 0);
  }
  if (is_tcp)
    g_snprintf (tcp, sizeof tcp, " tcptype %s", tcp_names[candidate->transport]);
  gint n = g_snprintf (out, size, "candidate:%s %u %s %u %s %u typ %s%s%s", candidate->foundation,
                       candidate->component, is_tcp ? "tcp" : "udp", candidate->priority,
                       candidate->address, candidate->port,
                       rp_candidate_type_name (candidate->type), related, tcp);
  return n > 0 && (gsize) n < size ? (gsize) n : 0;
}

guint32
rp_candidate_priority (RpCandidateType type, guint16 local_preference, guint component)
{
  /* RFC 8445 section 5.1.2.2 recommends these type preferences. */
  static const guint32 type_preference[] = {[RP_CANDIDATE_HOST] = 126,
                                            [RP_CANDIDATE_SRFLX] = 100,
                                            [RP_CANDIDATE_PRFLX] = 110,
                                            [RP_CANDIDATE_RELAY] = 0};
  return (type_preference[type] << 24) + ((guint32) local_preference << 8) +
         (256 - CLAMP (component, 1, 256));
}

guint32
rp_candidate_tcp_priority (guint16 other_preference)
{
  /* As browsers have it; passive is 4 of what is between 2 and 6. */
  const guint32 type_preference = 90, direction_preference = 4;
  guint32 local_preference = (direction_preference << 13) + (other_preference & 0x1fff);
  return (type_preference << 24) + (local_preference << 8) + 255;
}

const char *
rp_candidate_type_name (RpCandidateType type)
{
  return (gsize) type < G_N_ELEMENTS (type_names) ? type_names[type] : "?";
}
