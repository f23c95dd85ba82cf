/* The HTTP paths of the server and what their bodies mean. Main thread. */
#pragma once

#include "config.h"
#include "http.h"
#include "pool.h"
#include "registry.h"

#include <glib.h>

G_BEGIN_DECLS

/* The user_data of the routes. */
typedef struct {
  const RpConfig *config;
  RpRegistry *registry;
  RpPool *pool;
  RpHttp *http;
} RpApi;

/* Returns: (transfer none): for rp_http_new (), whose user_data is then an RpApi. */
const RpHttpRoute *rp_api_routes (guint *out_n);

G_END_DECLS
