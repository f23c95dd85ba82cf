#include "exposition.h"

#include <math.h>

struct _RpExposition {
  GString *text;
  const char *family;
};

RpExposition *
rp_exposition_new (void)
{
  RpExposition *self = g_new0 (RpExposition, 1);
  self->text = g_string_sized_new (8192);
  return self;
}

void
rp_exposition_free (RpExposition *self)
{
  if (self == NULL)
    return;
  if (self->text != NULL)
    g_string_free (self->text, TRUE);
  g_free (self);
}

char *
rp_exposition_finish (RpExposition *self)
{
  GString *text = g_steal_pointer (&self->text);
  return g_string_free (text, FALSE);
}

/* A backslash before what would end the text or the line. */
static void
append_escaped (GString *text, const char *value, gboolean quoted)
{
  for (const char *c = value; *c != '\0'; c++) {
    if (*c == '\n')
      g_string_append (text, "\\n");
    else if (*c == '\\' || (quoted && *c == '"'))
      g_string_append_printf (text, "\\%c", *c);
    else
      g_string_append_c (text, *c);
  }
}

static void
append_number (GString *text, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  if (isnan (value))
    g_string_append (text, "NaN");
  else if (isinf (value))
    g_string_append (text, value > 0 ? "+Inf" : "-Inf");
  else
    g_string_append (text, g_ascii_formatd (number, sizeof number, "%.12g", value));
}

/* The name with its labels, and a space. @le: (nullable) */
static void
begin_sample (RpExposition *self, const char *suffix, const char *label, const char *label_value,
              const char *le)
{
  g_string_append_printf (self->text, "%s%s", self->family, suffix);
  if (label != NULL) {
    g_string_append_printf (self->text, "{%s=\"", label);
    append_escaped (self->text, label_value, TRUE);
    g_string_append_c (self->text, '"');
  }
  if (le != NULL)
    g_string_append_printf (self->text, "%sle=\"%s\"", label != NULL ? "," : "{", le);
  g_string_append (self->text, label != NULL || le != NULL ? "} " : " ");
}

void
rp_exposition_family (RpExposition *self, const char *name, RpExpositionType type, const char *help)
{
  static const char *const types[] = {"counter", "gauge", "histogram"};
  self->family = name;
  g_string_append_printf (self->text, "# HELP %s ", name);
  append_escaped (self->text, help, FALSE);
  g_string_append_printf (self->text, "\n# TYPE %s %s\n", name, types[type]);
}

void
rp_exposition_sample (RpExposition *self, const char *label, const char *label_value, double value)
{
  begin_sample (self, "", label, label_value, NULL);
  append_number (self->text, value);
  g_string_append_c (self->text, '\n');
}

void
rp_exposition_count (RpExposition *self, const char *label, const char *label_value, guint64 value)
{
  begin_sample (self, "", label, label_value, NULL);
  g_string_append_printf (self->text, "%" G_GUINT64_FORMAT "\n", value);
}

void
rp_exposition_histogram (RpExposition *self, const char *label, const char *label_value,
                         const RpHistogram *histogram, const gint64 *bounds_us, guint n_bounds)
{
  char le[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 count = rp_histogram_count (histogram);
  for (guint i = 0; i < n_bounds; i++) {
    g_ascii_formatd (le, sizeof le, "%.12g", (double) bounds_us[i] / G_USEC_PER_SEC);
    begin_sample (self, "_bucket", label, label_value, le);
    g_string_append_printf (self->text, "%" G_GUINT64_FORMAT "\n",
                            rp_histogram_count_at_most (histogram, bounds_us[i]));
  }
  begin_sample (self, "_bucket", label, label_value, "+Inf");
  g_string_append_printf (self->text, "%" G_GUINT64_FORMAT "\n", count);
  begin_sample (self, "_sum", label, label_value, NULL);
  append_number (self->text, (double) rp_histogram_sum_us (histogram) / G_USEC_PER_SEC);
  g_string_append_c (self->text, '\n');
  begin_sample (self, "_count", label, label_value, NULL);
  g_string_append_printf (self->text, "%" G_GUINT64_FORMAT "\n", count);
}

void
rp_exposition_gauge (RpExposition *self, const char *name, const char *help, double value)
{
  rp_exposition_family (self, name, RP_EXPOSITION_GAUGE, help);
  rp_exposition_sample (self, NULL, NULL, value);
}

void
rp_exposition_counter (RpExposition *self, const char *name, const char *help, guint64 value)
{
  rp_exposition_family (self, name, RP_EXPOSITION_COUNTER, help);
  rp_exposition_count (self, NULL, NULL, value);
}
