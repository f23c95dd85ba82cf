#include "dcep.h"

#include <string.h>

/* RFC 8832 section 5.1: the fixed part of DATA_CHANNEL_OPEN. */
#define OPEN_BYTES 12
#define UNORDERED 0x80

G_DEFINE_QUARK (rp - dcep - error - quark, rp_dcep_error)

#define FAIL(error, code, ...) (g_set_error (error, RP_DCEP_ERROR, code, __VA_ARGS__), FALSE)

static guint
get16 (const guint8 *at)
{
  return (guint) at[0] << 8 | at[1];
}

static void
put16 (guint8 *at, guint value)
{
  at[0] = (guint8) (value >> 8);
  at[1] = (guint8) value;
}

static gboolean
copy_name (const guint8 *at, gsize len, const char *what, char *out, GError **error)
{
  if (len > RP_DCEP_MAX_NAME_BYTES)
    return FAIL (error, RP_DCEP_ERROR_TOO_LONG,
                 "%s has %" G_GSIZE_FORMAT " bytes, at most %d are taken", what, len,
                 RP_DCEP_MAX_NAME_BYTES);
  /* This also refuses NUL bytes. */
  if (len > 0 && !g_utf8_validate_len ((const char *) at, len, NULL))
    return FAIL (error, RP_DCEP_ERROR_INVALID, "%s is not UTF-8", what);
  memcpy (out, at, len);
  out[len] = '\0';
  return TRUE;
}

static gboolean
parse_open (const guint8 *data, gsize len, RpDcepMessage *out, GError **error)
{
  if (len < OPEN_BYTES)
    return FAIL (error, RP_DCEP_ERROR_INVALID, "OPEN of %" G_GSIZE_FORMAT " bytes is cut short",
                 len);
  guint kind = data[1] & (UNORDERED - 1);
  if (kind > RP_DCEP_PARTIAL_TIMED)
    return FAIL (error, RP_DCEP_ERROR_INVALID, "channel type 0x%02x is unknown", data[1]);
  gsize label_len = get16 (data + 8), protocol_len = get16 (data + 10);
  if (len != OPEN_BYTES + label_len + protocol_len)
    return FAIL (error, RP_DCEP_ERROR_INVALID,
                 "OPEN has %" G_GSIZE_FORMAT " bytes, its lengths say %" G_GSIZE_FORMAT, len,
                 OPEN_BYTES + label_len + protocol_len);
  out->type = RP_DCEP_OPEN;
  out->ordered = (data[1] & UNORDERED) == 0;
  out->reliability_type = (RpDcepReliability) kind;
  out->priority = (guint16) get16 (data + 2);
  if (kind != RP_DCEP_RELIABLE)
    out->reliability = (guint32) get16 (data + 4) << 16 | get16 (data + 6);
  return copy_name (data + OPEN_BYTES, label_len, "label", out->label, error) &&
         copy_name (data + OPEN_BYTES + label_len, protocol_len, "protocol", out->protocol, error);
}

gboolean
rp_dcep_parse (const guint8 *data, gsize len, RpDcepMessage *out, GError **error)
{
  RpDcepMessage message = {0};
  if (len == 0)
    return FAIL (error, RP_DCEP_ERROR_INVALID, "message is empty");
  switch (data[0]) {
  case RP_DCEP_ACK:
    if (len != 1)
      return FAIL (error, RP_DCEP_ERROR_INVALID, "ACK has %" G_GSIZE_FORMAT " bytes instead of one",
                   len);
    message.type = RP_DCEP_ACK;
    break;
  case RP_DCEP_OPEN:
    if (!parse_open (data, len, &message, error))
      return FALSE;
    break;
  default:
    return FAIL (error, RP_DCEP_ERROR_INVALID, "message type 0x%02x is unknown", data[0]);
  }
  *out = message;
  return TRUE;
}

gsize
rp_dcep_write (const RpDcepMessage *message, guint8 *out, gsize size)
{
  if (message->type == RP_DCEP_ACK) {
    if (size < 1)
      return 0;
    out[0] = RP_DCEP_ACK;
    return 1;
  }
  gsize label_len = strlen (message->label), protocol_len = strlen (message->protocol);
  gsize len = OPEN_BYTES + label_len + protocol_len;
  if (size < len)
    return 0;
  guint32 reliability = message->reliability_type == RP_DCEP_RELIABLE ? 0 : message->reliability;
  out[0] = RP_DCEP_OPEN;
  out[1] = (guint8) (message->reliability_type | (message->ordered ? 0 : UNORDERED));
  put16 (out + 2, message->priority);
  put16 (out + 4, reliability >> 16);
  put16 (out + 6, reliability & 0xffff);
  put16 (out + 8, (guint) label_len);
  put16 (out + 10, (guint) protocol_len);
  memcpy (out + OPEN_BYTES, message->label, label_len);
  memcpy (out + OPEN_BYTES + label_len, message->protocol, protocol_len);
  return len;
}

gboolean
rp_ppid_is_string (guint32 ppid)
{
  return ppid == RP_PPID_STRING || ppid == RP_PPID_STRING_PARTIAL || ppid == RP_PPID_STRING_EMPTY;
}

gboolean
rp_ppid_is_binary (guint32 ppid)
{
  return ppid == RP_PPID_BINARY || ppid == RP_PPID_BINARY_PARTIAL || ppid == RP_PPID_BINARY_EMPTY;
}

gboolean
rp_ppid_is_empty (guint32 ppid)
{
  return ppid == RP_PPID_STRING_EMPTY || ppid == RP_PPID_BINARY_EMPTY;
}
