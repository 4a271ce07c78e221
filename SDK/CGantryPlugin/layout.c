/* The layout of the ABI on LP64 platforms, as released; written by scripts/abi-record. A member that moves, changes its
 * type or goes, and a value that changes, breaks every plugin that has been built. What is added stands at the end. */
#include "gantry_functions.h"
#include "gantry_plugin.h"

#if defined(__cplusplus)
#define CHECK(condition, text) static_assert(condition, text)
#define SAME(one, other) __is_same(one, other)
#else
#define CHECK(condition, text) _Static_assert(condition, text)
#define SAME(one, other) __builtin_types_compatible_p(one, other)
#endif
#define FROZEN(type, bytes, align) \
  CHECK(sizeof(type) == (bytes) && _Alignof(type) == (align), #type " has another size, though it travels in arrays")
#define GROWING(type, bytes, align) \
  CHECK(sizeof(type) >= (bytes) && _Alignof(type) == (align), #type " has become smaller, or is aligned in another way")
#define AT(type, member, offset, bytes, ...) \
  CHECK(offsetof(type, member) == (offset), #type "." #member " has moved"); \
  CHECK(sizeof(((type *)0)->member) == (bytes), #type "." #member " has another size"); \
  CHECK(SAME(__typeof__(((type *)0)->member), __VA_ARGS__), #type "." #member " has another type")
#define TYPE(name, ...) CHECK(SAME(name, __VA_ARGS__), #name " is another type")
#define VALUE(name, number) CHECK((name) == (number), #name " has another value")

#if defined(__LP64__)
#if defined(__cplusplus)
#define _Alignof alignof
#endif

TYPE(gantry_status, int32_t);

FROZEN(gantry_slice, 16, 8);
AT(gantry_slice, ptr, 0, 8, const uint8_t *);
AT(gantry_slice, len, 8, 8, size_t);

FROZEN(gantry_pair, 48, 8);
AT(gantry_pair, name, 0, 16, gantry_slice);
AT(gantry_pair, value, 16, 16, gantry_slice);
AT(gantry_pair, secret, 32, 16, gantry_slice);

FROZEN(gantry_segment, 40, 8);
AT(gantry_segment, kind, 0, 4, uint32_t);
AT(gantry_segment, flags, 4, 4, uint32_t);
AT(gantry_segment, bytes, 8, 16, gantry_slice);
AT(gantry_segment, offset, 24, 8, uint64_t);
AT(gantry_segment, length, 32, 8, uint64_t);

FROZEN(gantry_ref, 88, 8);
AT(gantry_ref, kind, 0, 4, uint32_t);
AT(gantry_ref, reserved, 4, 4, uint32_t);
AT(gantry_ref, offset, 8, 8, uint64_t);
AT(gantry_ref, length, 16, 8, uint64_t);
AT(gantry_ref, client_id, 24, 16, gantry_slice);
AT(gantry_ref, upstream_id, 40, 16, gantry_slice);
AT(gantry_ref, mime_type, 56, 16, gantry_slice);
AT(gantry_ref, filename, 72, 16, gantry_slice);

GROWING(gantry_event, 96, 8);
AT(gantry_event, size, 0, 4, uint32_t);
AT(gantry_event, kind, 4, 4, uint32_t);
AT(gantry_event, flags, 8, 4, uint32_t);
AT(gantry_event, request, 12, 4, uint32_t);
AT(gantry_event, code, 16, 4, int32_t);
AT(gantry_event, reserved, 20, 4, int32_t);
AT(gantry_event, value, 24, 8, uint64_t);
AT(gantry_event, data, 32, 16, gantry_slice);
AT(gantry_event, text, 48, 16, gantry_slice);
AT(gantry_event, pairs, 64, 8, const gantry_pair *);
AT(gantry_event, pair_count, 72, 8, size_t);
AT(gantry_event, refs, 80, 8, const gantry_ref *);
AT(gantry_event, ref_count, 88, 8, size_t);

GROWING(gantry_command, 128, 8);
AT(gantry_command, size, 0, 4, uint32_t);
AT(gantry_command, kind, 4, 4, uint32_t);
AT(gantry_command, flags, 8, 4, uint32_t);
AT(gantry_command, request, 12, 4, uint32_t);
AT(gantry_command, code, 16, 4, int32_t);
AT(gantry_command, upstream, 20, 4, uint32_t);
AT(gantry_command, value, 24, 8, uint64_t);
AT(gantry_command, data, 32, 16, gantry_slice);
AT(gantry_command, text, 48, 16, gantry_slice);
AT(gantry_command, method, 64, 16, gantry_slice);
AT(gantry_command, url, 80, 16, gantry_slice);
AT(gantry_command, pairs, 96, 8, const gantry_pair *);
AT(gantry_command, pair_count, 104, 8, size_t);
AT(gantry_command, segments, 112, 8, const gantry_segment *);
AT(gantry_command, segment_count, 120, 8, size_t);

GROWING(gantry_sink, 24, 8);
AT(gantry_sink, size, 0, 4, uint32_t);
AT(gantry_sink, reserved, 4, 4, uint32_t);
AT(gantry_sink, ctx, 8, 8, void *);
AT(gantry_sink, emit, 16, 8, gantry_status (*)(void *, const gantry_command *));

GROWING(gantry_host, 104, 8);
AT(gantry_host, size, 0, 4, uint32_t);
AT(gantry_host, abi_minor, 4, 4, uint32_t);
AT(gantry_host, ctx, 8, 8, void *);
AT(gantry_host, name, 16, 16, gantry_slice);
AT(gantry_host, version, 32, 16, gantry_slice);
AT(gantry_host, log, 48, 8, void (*)(void *, uint32_t, gantry_slice, const gantry_pair *, size_t));
AT(gantry_host, now_ms, 56, 8, uint64_t (*)(void *));
AT(gantry_host, random, 64, 8, gantry_status (*)(void *, uint8_t *, size_t));
AT(gantry_host, sign, 72, 8, gantry_status (*)(void *, uint32_t, gantry_slice, gantry_slice, uint8_t *, size_t *));
AT(gantry_host, cache_get, 80, 8, gantry_status (*)(void *, gantry_slice, uint8_t *, size_t *));
AT(gantry_host, cache_put, 88, 8, gantry_status (*)(void *, gantry_slice, gantry_slice, uint64_t));
AT(gantry_host, extension, 96, 8, const void *(*)(void *, const char *));

GROWING(gantry_plugin, 136, 8);
AT(gantry_plugin, size, 0, 4, uint32_t);
AT(gantry_plugin, abi_minor, 4, 4, uint32_t);
AT(gantry_plugin, needs_minor, 8, 4, uint32_t);
AT(gantry_plugin, flags, 12, 4, uint32_t);
AT(gantry_plugin, ops, 16, 8, uint64_t);
AT(gantry_plugin, id, 24, 16, gantry_slice);
AT(gantry_plugin, version, 40, 16, gantry_slice);
AT(gantry_plugin, describe, 56, 16, gantry_slice);
AT(gantry_plugin, instance_new, 72, 8, gantry_status (*)(const gantry_host *, gantry_slice, const gantry_sink *, gantry_instance **));
AT(gantry_plugin, instance_free, 80, 8, void (*)(gantry_instance *));
AT(gantry_plugin, target_new, 88, 8, gantry_status (*)(gantry_instance *, gantry_slice, const gantry_sink *, gantry_target **));
AT(gantry_plugin, target_free, 96, 8, void (*)(gantry_target *));
AT(gantry_plugin, op_new, 104, 8, gantry_status (*)(gantry_target *, uint32_t, gantry_op **));
AT(gantry_plugin, op_step, 112, 8, gantry_status (*)(gantry_op *, const gantry_event *, const gantry_sink *));
AT(gantry_plugin, op_free, 120, 8, void (*)(gantry_op *));
AT(gantry_plugin, extension, 128, 8, const void *(*)(const char *));

FROZEN(gantry_value, 24, 8);
AT(gantry_value, bytes, 0, 16, gantry_slice);
AT(gantry_value, number, 16, 8, int64_t);

GROWING(gantry_value_sink, 24, 8);
AT(gantry_value_sink, size, 0, 4, uint32_t);
AT(gantry_value_sink, reserved, 4, 4, uint32_t);
AT(gantry_value_sink, ctx, 8, 8, void *);
AT(gantry_value_sink, emit, 16, 8, void (*)(void *, const gantry_value *));

GROWING(gantry_functions, 32, 8);
AT(gantry_functions, size, 0, 4, uint32_t);
AT(gantry_functions, reserved, 4, 4, uint32_t);
AT(gantry_functions, ctx, 8, 8, void *);
AT(gantry_functions, hooks, 16, 8, uint64_t);
AT(gantry_functions, call, 24, 8, gantry_status (*)(void *, uint32_t, const gantry_value *, size_t, const gantry_value_sink *));

VALUE(GANTRY_OK, 0);
VALUE(GANTRY_E_UNSUPPORTED, -1);
VALUE(GANTRY_E_INVALID, -2);
VALUE(GANTRY_E_STATE, -3);
VALUE(GANTRY_E_NOMEM, -4);
VALUE(GANTRY_E_LIMIT, -5);
VALUE(GANTRY_E_NOTFOUND, -6);
VALUE(GANTRY_E_INTERNAL, -7);
VALUE(GANTRY_SEG_BYTES, 0);
VALUE(GANTRY_SEG_SOURCE, 1);
VALUE(GANTRY_SEG_INPUT, 2);
VALUE(GANTRY_SEG_SECRET, 3);
VALUE(GANTRY_SEGF_FORM, 1);
VALUE(GANTRY_REF_MODEL, 1);
VALUE(GANTRY_REF_FILE, 2);
VALUE(GANTRY_REF_RESPONSE, 3);
VALUE(GANTRY_OP_PROBE, 0);
VALUE(GANTRY_OP_CREDENTIAL, 1);
VALUE(GANTRY_OP_CHAT, 2);
VALUE(GANTRY_OP_EMBED, 3);
VALUE(GANTRY_OP_RESPONSES, 4);
VALUE(GANTRY_OP_FILE_CREATE, 8);
VALUE(GANTRY_OP_FILE_GET, 9);
VALUE(GANTRY_OP_FILE_DELETE, 10);
VALUE(GANTRY_OP_FILE_LIST, 11);
VALUE(GANTRY_OP_FILE_CONTENT, 12);
VALUE(GANTRY_OP_INPUT_CREATE, 13);
VALUE(GANTRY_OP_BATCH_CREATE, 16);
VALUE(GANTRY_OP_BATCH_GET, 17);
VALUE(GANTRY_OP_BATCH_CANCEL, 18);
VALUE(GANTRY_OP_BATCH_LIST, 19);
VALUE(GANTRY_OP_BATCH_RESULTS, 20);
VALUE(GANTRY_OP_TUNE_CREATE, 24);
VALUE(GANTRY_OP_TUNE_GET, 25);
VALUE(GANTRY_OP_TUNE_CANCEL, 26);
VALUE(GANTRY_OP_TUNE_LIST, 27);
VALUE(GANTRY_OP_TUNE_EVENTS, 28);
VALUE(GANTRY_OP_TUNE_CHECKPOINTS, 29);
VALUE(GANTRY_OP_TUNE_PAUSE, 30);
VALUE(GANTRY_OP_TUNE_RESUME, 31);
VALUE(GANTRY_OP_RESPONSE_GET, 32);
VALUE(GANTRY_OP_RESPONSE_DELETE, 33);
VALUE(GANTRY_OP_RESPONSE_CANCEL, 34);
VALUE(GANTRY_OP_RESPONSE_ITEMS, 35);
VALUE(GANTRY_EV_START, 1);
VALUE(GANTRY_EV_HEAD, 2);
VALUE(GANTRY_EV_DATA, 3);
VALUE(GANTRY_EV_END, 4);
VALUE(GANTRY_EV_FAILED, 5);
VALUE(GANTRY_EV_TIMER, 6);
VALUE(GANTRY_EV_TOKEN, 7);
VALUE(GANTRY_EV_SOURCE, 8);
VALUE(GANTRY_EV_SOURCE_END, 9);
VALUE(GANTRY_EV_CANCEL, 10);
VALUE(GANTRY_IN_STREAM, 1);
VALUE(GANTRY_IN_RETRY, 2);
VALUE(GANTRY_IN_SOURCE_REPLAYABLE, 4);
VALUE(GANTRY_NET_DNS, 1);
VALUE(GANTRY_NET_CONNECT, 2);
VALUE(GANTRY_NET_TLS, 3);
VALUE(GANTRY_NET_RESET, 4);
VALUE(GANTRY_NET_TIMEOUT, 5);
VALUE(GANTRY_NET_TOO_LARGE, 6);
VALUE(GANTRY_NET_DENIED, 7);
VALUE(GANTRY_CMD_HTTP, 1);
VALUE(GANTRY_CMD_BODY, 2);
VALUE(GANTRY_CMD_BODY_END, 3);
VALUE(GANTRY_CMD_PULL, 4);
VALUE(GANTRY_CMD_ABORT, 5);
VALUE(GANTRY_CMD_WAIT, 6);
VALUE(GANTRY_CMD_TOKEN, 7);
VALUE(GANTRY_CMD_OUTPUT, 8);
VALUE(GANTRY_CMD_PIPE, 9);
VALUE(GANTRY_CMD_REMEMBER, 10);
VALUE(GANTRY_CMD_FORGET, 11);
VALUE(GANTRY_CMD_USAGE, 12);
VALUE(GANTRY_CMD_RESULT, 13);
VALUE(GANTRY_CMD_ERROR, 14);
VALUE(GANTRY_HTTP_IDEMPOTENT, 1);
VALUE(GANTRY_HTTP_STREAM_BODY, 2);
VALUE(GANTRY_HTTP_NO_RETRY, 4);
VALUE(GANTRY_TOKEN_REFRESH, 1);
VALUE(GANTRY_FRAME_WHOLE, 0);
VALUE(GANTRY_FRAME_RAW, 1);
VALUE(GANTRY_FRAME_LINES, 2);
VALUE(GANTRY_FRAME_SSE, 3);
VALUE(GANTRY_ERR_INVALID, 1);
VALUE(GANTRY_ERR_UNSUPPORTED, 2);
VALUE(GANTRY_ERR_NOT_FOUND, 3);
VALUE(GANTRY_ERR_CONFLICT, 4);
VALUE(GANTRY_ERR_TOO_LARGE, 5);
VALUE(GANTRY_ERR_CONTEXT_LENGTH, 6);
VALUE(GANTRY_ERR_FILTERED, 7);
VALUE(GANTRY_ERR_RATE_LIMIT, 8);
VALUE(GANTRY_ERR_QUOTA, 9);
VALUE(GANTRY_ERR_UPSTREAM_AUTH, 10);
VALUE(GANTRY_ERR_UPSTREAM_UNAVAILABLE, 11);
VALUE(GANTRY_ERR_UPSTREAM_TIMEOUT, 12);
VALUE(GANTRY_ERR_UPSTREAM_PROTOCOL, 13);
VALUE(GANTRY_ERR_CANCELLED, 14);
VALUE(GANTRY_ERR_INTERNAL, 15);
VALUE(GANTRY_ERRF_RETRY, 1);
VALUE(GANTRY_ERRF_FALLBACK, 2);
VALUE(GANTRY_LOG_DEBUG, 0);
VALUE(GANTRY_LOG_INFO, 1);
VALUE(GANTRY_LOG_WARN, 2);
VALUE(GANTRY_LOG_ERROR, 3);
VALUE(GANTRY_ALG_SHA256, 1);
VALUE(GANTRY_ALG_HMAC_SHA256, 2);
VALUE(GANTRY_ALG_RS256, 3);
VALUE(GANTRY_ALG_ES256, 4);
VALUE(GANTRY_PF_PARALLEL, 1);
VALUE(GANTRY_PF_BLOCKING, 2);
VALUE(GANTRY_PF_OPENAI_WIRE, 4);
VALUE(GANTRY_PF_ONE_PER_PROCESS, 8);
VALUE(GANTRY_HOOK_SIGN, 1);
VALUE(GANTRY_HOOK_FILE_REF, 2);
VALUE(GANTRY_HOOK_MODEL_NAME, 3);
VALUE(GANTRY_HOOK_REQUEST_BODY, 4);
VALUE(GANTRY_HOOK_RESPONSE_BODY, 5);
VALUE(GANTRY_HOOK_STREAM_CHUNK, 6);
VALUE(GANTRY_HOOK_COUNT_TOKENS, 7);
#endif
