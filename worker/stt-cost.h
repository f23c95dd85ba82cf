/* What transcripts cost on this machine, measured before there are any: the server lets in no more
 * callers at once than can be understood in time.
 *
 * A child of the zygote's measures, so that none of the memory that it touches becomes that of all
 * workers, while the zygote goes on loading. Processor time, which others who want the machine
 * change little. Only for a single-threaded process. */
#pragma once

#include "stt.h"

G_BEGIN_DECLS

typedef struct _RpSttCost RpSttCost;

/* @stts: (element-type RpStt): at most RP_STT_COST_MAX; used by the child alone. Returns: (transfer
 * full) (nullable): NULL = none to measure, or no process for it */
#define RP_STT_COST_MAX 64
RpSttCost *rp_stt_cost_start (GPtrArray *stts);
/* Waits for the child, for 15 s at most, and ends it. @cost: (transfer full) (nullable).
 * @out_us: as many as there were engines: processor time of the final transcript of a sentence of
 * some 3 s. Returns: FALSE, and nothing written, when that is not known */
gboolean rp_stt_cost_finish (RpSttCost *cost, gint64 *out_us);

G_END_DECLS
