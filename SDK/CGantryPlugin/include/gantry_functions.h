/* gantry_functions.h - extension "gantry.functions/1" of the provider adapter ABI: plain C functions as hooks.
 *
 * A manifest of plugins.d can bind hooks of an adapter to functions of any C library, by symbol and signature:
 *
 *     functions_library: libacme.so          # beside the manifest, or an absolute path
 *     functions_sha256: 64 hexadecimal digits   # optional
 *     hooks:
 *       model_name: {symbol: acme_model, signature: "i32(cstr, out)"}
 *     functions:
 *       tokens: {symbol: acme_count, signature: "i64(bytes)"}   # POST /plugins/ID/functions/tokens, administrators only
 *
 * The host loads the library, checks the signatures and calls the functions. An adapter that wants to have hooks asks
 * gantry_host.extension for GANTRY_FUNCTIONS_EXTENSION in instance_new; the answer is a gantry_functions, or NULL if no
 * hook is bound. Hooks of a plugin that does not ask are refused: nobody would call them.
 * The adapter for OpenAI's wire calls every hook that is listed here.
 *
 * SIGNATURES  RESULT(ARGUMENT, ...) with at most 12 arguments, and nothing else:
 *
 *   result      C                  meaning
 *   void        void
 *   i32         int32_t            a number; of a hook that writes to `out`: 0, or it has failed
 *   i64         int64_t            a number
 *   f64         double             a number
 *   cstr        const char *       text that stays the library's; it is copied at once
 *   owned:FREE  char *             text that is copied, and then given to FREE(void *), a function of the library or of
 *                                  one that it is linked with: owned:free
 *   status      gantry_status      0, or it has failed: GANTRY_E_*
 *
 *   argument    C                  meaning
 *   i32         int32_t
 *   i64         int64_t
 *   f64         double
 *   cstr        const char *       text that ends with a NUL. Bytes that have a NUL inside are refused
 *   bytes       const uint8_t *,   two arguments of the C function: the bytes, never NULL, and how many they are
 *               size_t
 *   out         uint8_t *,         two arguments of the C function: a buffer filled with zeros, and *length, which is its
 *               size_t *length     size on entry and has to be the length of what was written on return. A function for
 *                                  which it is too small sets *length to the size that it needs, and is called once more
 *                                  with the same arguments. Nothing may be written past the size
 *
 *   A cstr, an owned text and an out have at most 16 MiB. NULL as cstr or owned is no text: a hook has failed then. What
 *   a function is lent it copies if it wants to keep it. A signature that does not fit the function cannot be noticed.
 *
 * HOOKS       A function takes a hook's inputs in their order, one for each argument that is not `out`; it may leave out
 *             the last ones. Its result is text (T), bytes (B) or a count (N). T and B are a `cstr` or `owned:FREE`, or
 *             the only `out` of a `status`, `i32` or `void`; N is an `i64` or `i32` without `out`, 0 or more.
 *
 *   hook            inputs                                   result
 *   sign            method, url, body (B), time (i64)        T: header lines `Name: value` for a request that goes to the
 *                                                            provider, separated by line feeds; they replace those of
 *                                                            the same names; empty for none. Called for every request.
 *                                                            body: empty for an upload of a file. time: milliseconds
 *                                                            since 1970
 *   file_ref        id, media_type, filename                 T: what stands in a request for a file: id is the provider's
 *   model_name      model, operation                         T: what stands in a request for the deployment's model
 *   request_body    body (B), operation                      B: the body that is sent, after file_ref and model_name
 *   response_body   body (B), operation                      B: the body of a success, as JSON; not of a stream
 *   stream_chunk    data (B), event, operation               B: the payload of an event of a stream; empty: no event.
 *                                                            Not called for [DONE], nor for a body
 *   count_tokens    body (B), model                          N: the tokens of a request as it is sent, reported as usage;
 *                                                            of an answer without `usage`, which gets one
 *
 *   operation is "chat", "embeddings" or "responses". Arguments: bytes (B) are taken as `bytes` or `cstr`, so are texts;
 *   time as `i64`.
 *
 * FAILURES    A call that fails ends the operation with an error that names hook and function; it is never skipped. A
 *             status of GANTRY_E_INVALID, _UNSUPPORTED, _NOTFOUND or _LIMIT from a hook that makes a request says that
 *             the client's request is at fault; everything else is a fault of the plugin or of the provider's answer.
 *
 * THREADS     In a worker (isolation: process, the default of a manifest with functions) all calls of one worker come
 *             from one thread, and the sandbox's rules are in force. With isolation: in_process they come from any
 *             thread and at the same time, and none may block. No call is made while another runs on the same thread.
 */
#ifndef GANTRY_FUNCTIONS_H
#define GANTRY_FUNCTIONS_H
#include "gantry_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_FUNCTIONS_EXTENSION "gantry.functions/1"

/* The hooks; a later host may have more. */
enum {
  GANTRY_HOOK_SIGN = 1,
  GANTRY_HOOK_FILE_REF = 2,
  GANTRY_HOOK_MODEL_NAME = 3,
  GANTRY_HOOK_REQUEST_BODY = 4,
  GANTRY_HOOK_RESPONSE_BODY = 5,
  GANTRY_HOOK_STREAM_CHUNK = 6,
  GANTRY_HOOK_COUNT_TOKENS = 7
};

/* One input of a hook, lent for the call: text and bytes in `bytes`, a number in `number`. Frozen: it travels in arrays. */
typedef struct gantry_value {
  gantry_slice bytes;
  int64_t number;
} gantry_value;

/* Where the answer of a call goes. Valid during the call only.
 * emit: called once, before the call returns; bytes are lent for it.
 *       After GANTRY_OK: the text or bytes of the result, or its count in number.
 *       After anything else: one line for people that names hook and function and says why; no content of a request. */
typedef struct gantry_value_sink {
  uint32_t size, reserved;
  void *ctx;
  void (*emit)(void *ctx, const gantry_value *value);
} gantry_value_sink;

/* What gantry_host.extension answers for GANTRY_FUNCTIONS_EXTENSION; valid until instance_free returns. */
typedef struct gantry_functions {
  uint32_t size, reserved;
  void *ctx;      /* the first argument always */
  uint64_t hooks; /* bit (1 << GANTRY_HOOK_*) for each hook that is bound */

  /* Calls the function of a hook.
   * inputs: those of the hook, in order, all of them.
   * Returns GANTRY_OK; the function's own status below 0; GANTRY_E_NOTFOUND if the hook is not bound (nothing is emitted
   * then); GANTRY_E_INVALID for a wrong number of inputs or a text with a NUL; GANTRY_E_INTERNAL if the function failed in
   * another way or its result breaks a rule from above.
   * [any thread that is inside a call of the host] */
  gantry_status (*call)(void *ctx, uint32_t hook, const gantry_value *inputs, size_t count, const gantry_value_sink *out);
} gantry_functions;

#ifdef __cplusplus
}
#endif
#endif
