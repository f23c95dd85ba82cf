/* Whether the server takes one more call, and how much work it puts into the sound of those it has.
 *
 * A call that is taken on top of what the machine can carry harms all the others, so the next
 * caller is refused while there is too little of anything: processor time, memory, punctuality of
 * the media loops, transcripts in time. Each has two limits and must stay beyond one of them for a
 * while, so that neither a hiccup refuses a caller nor a pause lets in a crowd.
 *
 * What a caller costs shows when they have spoken, and a crowd that comes within seconds speaks
 * when all of it has been let in. So those who have not been heard yet are counted, and are no more
 * than the processors can understand in time when they end their first sentences together. Sans-IO;
 * one owner thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_ADMISSION_CPU,
  RP_ADMISSION_TICKS,
  RP_ADMISSION_STT,
  RP_ADMISSION_MEMORY,
  RP_ADMISSION_N_REASONS,
} RpAdmissionReason;
/* "cpu", "ticks", "stt", "memory" */
const char *rp_admission_reason_name (RpAdmissionReason reason);
/* What a caller is told: "the processor is busy", … */
const char *rp_admission_reason_text (RpAdmissionReason reason);

typedef struct {
  gboolean enabled;        /* FALSE: nobody is refused */
  guint cpus;              /* that cpu below is a share of */
  guint min_calls;         /* with fewer, only memory can be a reason */
  double max_cpu;          /* share, 0..1 */
  gint64 max_tick_late_us; /* of the loops' p99 */
  gint64 max_stt_us;       /* a final transcript takes, waiting included */
  gint64 min_memory_bytes; /* available */
} RpAdmissionConfig;

void rp_admission_config_init (RpAdmissionConfig *config);

/* What was measured since the sample before, a second ago. Negative = not known, or none. */
typedef struct {
  guint calls;         /* there are now, or are about to begin */
  double cpu;          /* share that anybody used, 0..1 */
  double cpu_own;      /* share that the server and its workers used */
  gint64 tick_late_us; /* p99 of the loop that is worst */
  gint64 stt_us;       /* the longest that a final transcript took, or has been waited for */
  gint64 memory_bytes; /* available */
} RpAdmissionSample;

/* Samples a limit must be passed, and kept again, before it counts. Memory counts at once. */
#define RP_ADMISSION_SAMPLES_IN 2
#define RP_ADMISSION_SAMPLES_OUT 3
/* Calls younger than this do not show in the processor time yet. */
#define RP_ADMISSION_YOUNG_US (3 * G_USEC_PER_SEC)
/* Greeting, hesitation and a sentence take some 12 s; who then still has said nothing listens. */
#define RP_ADMISSION_UNHEARD_US (15 * G_USEC_PER_SEC)

typedef struct _RpAdmission RpAdmission;

/* @config: copied. Returns: (transfer full) */
RpAdmission *rp_admission_new (const RpAdmissionConfig *config);
void rp_admission_free (RpAdmission *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpAdmission, rp_admission_free)

void rp_admission_input (RpAdmission *self, gint64 now_us, const RpAdmissionSample *sample);

/* @cpu_us: processor time of the final transcript of a sentence of some 3 s; 0 = not known, or
 * none: no crowd is too large. From now on; until calls have taught what they cost it is told from
 * this, too. */
void rp_admission_set_stt_cpu (RpAdmission *self, gint64 cpu_us);

/* May one more call begin? It is counted as begun, and as not heard, when it may. On refusal
 * @out_reason and @out_retry_after_s (5 to 30) are set. Returns: a number for rp_admission_heard
 * (); 0 = refused. */
guint64 rp_admission_ask (RpAdmission *self, gint64 now_us, RpAdmissionReason *out_reason,
                          guint *out_retry_after_s);
/* That call has had its first final transcript, or is over. Another one, or 0: nothing. */
void rp_admission_heard (RpAdmission *self, guint64 number);
/* The same without counting anybody. @out_reason: (nullable) */
gboolean rp_admission_is_open (RpAdmission *self, gint64 now_us, RpAdmissionReason *out_reason);

/* Of the Opus encoders, 0 to 10: less work for each the more there is. */
guint rp_admission_complexity (const RpAdmission *self);

/* What it knows, for statistics. */
typedef struct {
  RpAdmissionSample last;
  double cpu_smooth; /* negative = unknown */
  double call_cpu;   /* processor time of one call in CPU seconds per second, as learned */
  guint young;       /* calls that do not show yet */
  guint unheard;     /* calls that have not been heard yet */
  gint64 stt_cpu_us; /* see rp_admission_set_stt_cpu () */
} RpAdmissionState;
void rp_admission_state (RpAdmission *self, gint64 now_us, RpAdmissionState *out);

G_END_DECLS
