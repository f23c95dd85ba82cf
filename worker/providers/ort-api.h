/* The part of ONNX Runtime's C interface that is used here.
 *
 * The runtime hands out a table of functions that only ever grows at its end, versioned so that a
 * program asks for the table it was written for. The indices are those of version 17, and the same
 * in every later version; naming them here spares a build dependency that Debian 12 does not have.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RP_ORT_API_VERSION 17

typedef struct OrtStatus OrtStatus; /* NULL is success */
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtValue OrtValue;

typedef struct {
  void *const *(*get_api) (uint32_t version);
  const char *(*get_version_string) (void);
} OrtApiBase;

enum {
  ORT_LOGGING_LEVEL_ERROR = 3,
  ORT_SEQUENTIAL = 0,
  ORT_ENABLE_ALL = 99,
  ORT_DEVICE_ALLOCATOR = 0,
  ORT_MEM_TYPE_DEFAULT = 0,
  ORT_TENSOR_FLOAT = 1,
  ORT_TENSOR_INT64 = 7,
  ORT_TENSOR_BOOL = 9,
};

#define RP_ORT_FUNCTIONS(X)                                                                     \
  X (3, CreateEnv, (int level, const char *log_id, OrtEnv **out))                               \
  X (6, DisableTelemetryEvents, (const OrtEnv *env))                                            \
  X (7, CreateSession,                                                                          \
     (const OrtEnv *env, const char *path, const OrtSessionOptions *options, OrtSession **out)) \
  X (9, Run,                                                                                    \
     (OrtSession * session, const OrtRunOptions *options, const char *const *input_names,       \
      const OrtValue *const *inputs, size_t n_inputs, const char *const *output_names,          \
      size_t n_outputs, OrtValue **outputs))                                                    \
  X (10, CreateSessionOptions, (OrtSessionOptions * *out))                                      \
  X (13, SetSessionExecutionMode, (OrtSessionOptions * options, int mode))                      \
  X (17, DisableMemPattern, (OrtSessionOptions * options))                                      \
  X (19, DisableCpuMemArena, (OrtSessionOptions * options))                                     \
  X (23, SetSessionGraphOptimizationLevel, (OrtSessionOptions * options, int level))            \
  X (24, SetIntraOpNumThreads, (OrtSessionOptions * options, int n))                            \
  X (25, SetInterOpNumThreads, (OrtSessionOptions * options, int n))                            \
  X (49, CreateTensorWithDataAsOrtValue,                                                        \
     (const OrtMemoryInfo *info, void *data, size_t data_bytes, const int64_t *shape,           \
      size_t n_dims, int type, OrtValue **out))                                                 \
  X (51, GetTensorMutableData, (OrtValue * value, void **out))                                  \
  X (60, GetTensorElementType, (const OrtTensorTypeAndShapeInfo *info, int *out))               \
  X (61, GetDimensionsCount, (const OrtTensorTypeAndShapeInfo *info, size_t *out))              \
  X (62, GetDimensions, (const OrtTensorTypeAndShapeInfo *info, int64_t *dims, size_t n_dims))  \
  X (65, GetTensorTypeAndShape, (const OrtValue *value, OrtTensorTypeAndShapeInfo **out))       \
  X (69, CreateCpuMemoryInfo, (int allocator_type, int mem_type, OrtMemoryInfo **out))          \
  X (130, AddSessionConfigEntry, (OrtSessionOptions * options, const char *key, const char *value))

#define RP_ORT_RELEASERS(X)                                        \
  X (92, ReleaseEnv, OrtEnv)                                       \
  X (93, ReleaseStatus, OrtStatus)                                 \
  X (94, ReleaseMemoryInfo, OrtMemoryInfo)                         \
  X (95, ReleaseSession, OrtSession)                               \
  X (96, ReleaseValue, OrtValue)                                   \
  X (99, ReleaseTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo) \
  X (100, ReleaseSessionOptions, OrtSessionOptions)

/* Does not fail, hence not among the above. */
#define RP_ORT_GET_ERROR_MESSAGE 2
