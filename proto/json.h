/* Bounded JSON for bytes we did not write: HTTP bodies, data channel messages, worker and provider
 * replies, files.
 *
 * json-glib 1.6 recurses without a limit, takes comments and single quotes, and raises criticals
 * when a member has another type than asked for. So everything is checked against RFC 8259 and a
 * nesting limit before json-glib sees it, and members are read through getters that look first.
 * Thread: any; a node belongs to one thread at a time. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Deepest nesting of arrays and objects that rp_json_parse () lets through. */
#define RP_JSON_MAX_DEPTH 32

#define RP_JSON_ERROR (rp_json_error_quark ())
GQuark rp_json_error_quark (void);

typedef enum {
  RP_JSON_ERROR_TOO_LARGE, /* longer than the caller allows */
  RP_JSON_ERROR_TOO_DEEP,  /* nested beyond RP_JSON_MAX_DEPTH */
  RP_JSON_ERROR_SYNTAX,    /* not RFC 8259, not UTF-8, or a NUL in it */
  RP_JSON_ERROR_MISSING,   /* a required member is absent or null */
  RP_JSON_ERROR_TYPE,      /* a member has another type than expected */
  RP_JSON_ERROR_RANGE,     /* a number, string or array is outside its bounds */
  RP_JSON_ERROR_UNKNOWN,   /* a member nobody knows, where that is refused */
} RpJsonError;

/* Parses one JSON text. @data need not be NUL-terminated; @len in bytes; @max_len in bytes, 0 = no
 * limit of its own. Refused besides syntax errors: nesting beyond RP_JSON_MAX_DEPTH, raw or escaped
 * NUL, lone surrogate escapes, integers that do not fit gint64 and numbers that do not fit a
 * double, because each of them would come out altered. Returns: (transfer full): the root, which
 * may be a scalar; NULL with @error set. */
JsonNode *rp_json_parse (const char *data, gsize len, gsize max_len, GError **error);

/* As rp_json_parse (), and the root must be an object.
 * Returns: (transfer full): the object; NULL with @error set. */
JsonObject *rp_json_parse_object (const char *data, gsize len, gsize max_len, GError **error);

typedef enum {
  RP_JSON_ANY = 0, /* anything but null */
  RP_JSON_STRING,
  RP_JSON_INT,    /* an integer, or a double of integral value within +-2^53 (Python writes 1.0) */
  RP_JSON_NUMBER, /* an integer or a double */
  RP_JSON_BOOL,
  RP_JSON_OBJECT,
  RP_JSON_ARRAY,
} RpJsonType;

typedef struct _RpJsonField RpJsonField;

/* One row of what an object may hold. Null counts as absent everywhere. */
struct _RpJsonField {
  const char *name;
  RpJsonType type;
  gboolean required;
  gdouble min, max;          /* numbers, both inclusive; min == max == 0 means unbounded */
  gsize max_length;          /* strings: bytes of UTF-8; arrays: elements; 0 means unbounded */
  RpJsonType items;          /* arrays: type of every element; RP_JSON_ANY = not checked */
  const RpJsonField *fields; /* objects: their members; arrays: the members of every element, which
                                must be an object */
  guint n_fields;
};

typedef enum {
  RP_JSON_CHECK_NONE = 0,
  RP_JSON_CHECK_NO_UNKNOWN =
      1 << 0, /* a member not in the table is an error, at every level that has a table */
} RpJsonCheckFlags;

/* Checks @object against the table. The message names the path and what was expected, such as
 * "audio.rate: expected an integer from 8000 to 48000, got 7". Unknown members are ignored. */
gboolean rp_json_check (JsonObject *object, const RpJsonField *fields, guint n_fields,
                        GError **error);

/* The same with @path (nullable) put before every name in a message, and flags. */
gboolean rp_json_check_full (JsonObject *object, const char *path, const RpJsonField *fields,
                             guint n_fields, RpJsonCheckFlags flags, GError **error);

/* Getters. @object may be NULL. Absent, null or of another type gives @fallback (NULL for objects
 * and arrays): none raises a critical. What they return is owned by @object (transfer none). */
const char *rp_json_string (JsonObject *object, const char *name, const char *fallback);
gint64 rp_json_int (JsonObject *object, const char *name, gint64 fallback);
gdouble rp_json_double (JsonObject *object, const char *name, gdouble fallback);
gboolean rp_json_bool (JsonObject *object, const char *name, gboolean fallback);
JsonObject *rp_json_object (JsonObject *object, const char *name);
JsonArray *rp_json_array (JsonObject *object, const char *name);
/* The member as it is; NULL when absent or null. */
JsonNode *rp_json_member (JsonObject *object, const char *name);

/* Elements of an array; @array may be NULL and @index out of range: both give NULL. (transfer none)
 */
const char *rp_json_array_string (JsonArray *array, guint index);
JsonObject *rp_json_array_object (JsonArray *array, guint index);

/* Returns: (transfer full): @node on one line, in UTF-8; "null" for NULL. Bytes that are no UTF-8
 * are replaced, and numbers that JSON cannot say become 0. */
char *rp_json_to_string (JsonNode *node);

/* Ends @builder's work. Takes ownership of @builder (transfer full); it must hold one whole value.
 * Returns: (transfer full): the text. */
char *rp_json_builder_to_string (JsonBuilder *builder);

/* Adds @text to @out as a quoted JSON string, escaped; NULL is written as null. For hand-made
 * messages. */
void rp_json_append_string (GString *out, const char *text);

G_END_DECLS
