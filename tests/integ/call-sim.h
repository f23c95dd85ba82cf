/* A call without a client, for tests of the worker: a link on a media loop, a microphone that plays
 * what it is given and silence otherwise, and a playout clock. All of it runs faster than real time
 * by a fixed factor. */
#pragma once

#include "worker-link.h"

#include <glib.h>

G_BEGIN_DECLS

/* Samples and frames go four times as fast as in a call. */
#define CALL_SIM_SPEED 4

typedef struct _CallSim CallSim;

CallSim *call_sim_new (RpLoop *loop);
void call_sim_free (CallSim *sim);

/* "reception" by default. @request_data: (nullable) a JSON object. Both are given with every START
 * from now on. */
void call_sim_ask_for (CallSim *sim, const char *agent, const char *request_data);
/* Takes the call to @link (transfer full): START, and RESUME with the last checkpoint when there is
 * one; the client is connected. */
void call_sim_start (CallSim *sim, RpWorkerLink *link);
/* The same, without waiting for the worker to answer. */
void call_sim_try_start (CallSim *sim, RpWorkerLink *link);

/* @pcm: at 16 kHz; heard after what was said before. */
void call_sim_say (CallSim *sim, const gint16 *pcm, gsize n_samples);
void call_sim_type (CallSim *sim, const char *text);
/* @json: of a CLIENT frame */
void call_sim_client (CallSim *sim, const char *json);

/* Waits for an event of which the JSON contains @needle, after those already waited for; at most 30
 * s. Returns: (transfer full): the event. */
char *call_sim_await_event (CallSim *sim, const char *needle);
void call_sim_await_quiet (CallSim *sim);
void call_sim_await_frames (CallSim *sim, guint n);
void call_sim_await_flush (CallSim *sim);
void call_sim_await_hangup (CallSim *sim);
RpWorkerLost call_sim_await_lost (CallSim *sim);
/* Waits for a checkpoint that contains @text. */
void call_sim_await_checkpoint (CallSim *sim, const char *text);

/* Frames played so far, of all utterances. */
guint call_sim_played (CallSim *sim);

G_END_DECLS
