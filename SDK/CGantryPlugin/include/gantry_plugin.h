/* gantry_plugin.h - provider adapter ABI, major 1.
 *
 * A plugin performs no I/O. For each operation it is a state machine: the host
 * feeds events to gantry_plugin.op_step and the plugin answers by emitting commands
 * ("send this HTTP request", "give this to the client", "done").
 *
 * MEMORY    Every pointer that crosses the boundary is borrowed for the duration of
 *           the call that carries it; the receiver copies what it keeps. Exceptions:
 *           gantry_plugin and its strings (static, live as long as the image) and gantry_host
 *           (valid until instance_free returns). Nobody frees the other side's memory.
 * THREADS   Calls may arrive on any thread. One gantry_op is never entered twice at once.
 *           One gantry_instance neither, unless GANTRY_PF_PARALLEL is set. Host functions may
 *           be called only from inside a call the host made, and never re-enter the
 *           plugin. Plugins create no threads, signal or atexit/atfork handlers.
 * FAULTS    No exception, panic or longjmp may cross. A trap kills the process: run
 *           the plugin in a worker (`isolation: process`, the default) to survive it.
 * GROWTH    Structs with .size grow at the end only; .size says how much the writer
 *           knew and a reader treats members past it as zero. gantry_slice, gantry_pair,
 *           gantry_segment and gantry_ref travel in arrays and are frozen. Unknown event kinds are ignored
 *           by plugins, unknown command kinds answered with GANTRY_E_UNSUPPORTED. No field
 *           changes meaning. Images are never unmapped (RTLD_NODELETE).
 */
#ifndef GANTRY_PLUGIN_H
#define GANTRY_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_ABI_MINOR 0u /* of major 1; the major is in the entry symbol's name */
#if defined(_WIN32)
#define GANTRY_EXPORT __declspec(dllexport)
#else
#define GANTRY_EXPORT __attribute__((visibility("default")))
#endif
/* Does struct *p, written by a peer that may be older, have member m? */
#define GANTRY_HAS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))
#define GANTRY_LIT(s) ((gantry_slice){(const uint8_t *)("" s), sizeof(s) - 1})

typedef int32_t gantry_status; /* 0 or one of: */
enum {
  GANTRY_OK = 0,
  GANTRY_E_UNSUPPORTED = -1, /* this minor, operation, command or field is not known here */
  GANTRY_E_INVALID = -2,     /* malformed argument or configuration */
  GANTRY_E_STATE = -3,       /* not allowed in this state (second request, emit after end) */
  GANTRY_E_NOMEM = -4,
  GANTRY_E_LIMIT = -5,       /* a host limit was hit; stop emitting and return */
  GANTRY_E_NOTFOUND = -6,
  GANTRY_E_INTERNAL = -7     /* caught panic/exception; the host drops the op */
};

/* Bytes. Text is UTF-8, not NUL terminated. ptr may be NULL only if len is 0. */
typedef struct gantry_slice { const uint8_t *ptr; size_t len; } gantry_slice;

/* Header or log field. If secret.len, the host appends the value of that named
 * secret when it sends: the plugin never sees credentials. */
typedef struct gantry_pair { gantry_slice name, value, secret; } gantry_pair;

/* One piece of a request body: literal bytes; a range of the operation's source (the
 * client's file), which the host splices from its spool; a range of the START event's
 * data, which the host still holds; or the value of a named secret (bytes: its name; offset
 * and length 0). A rewritten chat request is a few of these, not a copy of the
 * conversation. length 0 = to the end; offset + length past the end is GANTRY_E_INVALID. */
enum { GANTRY_SEG_BYTES = 0, GANTRY_SEG_SOURCE = 1, GANTRY_SEG_INPUT = 2, GANTRY_SEG_SECRET = 3 };
/* FORM: the host percent-encodes a secret for application/x-www-form-urlencoded. */
enum { GANTRY_SEGF_FORM = 1u };
typedef struct gantry_segment {
  uint32_t kind, flags;
  gantry_slice bytes;
  uint64_t offset, length;
} gantry_segment;

/* One place in the START event's data that the host has already found and resolved, in
 * ascending order of offset. [offset, offset + length) covers the whole JSON value with
 * its quotes. MODEL: upstream_id is the deployment's model name at the provider. FILE:
 * upstream_id is the provider's id or URI of this target's copy; the host has checked
 * that the caller may read it and that the copy exists. RESPONSE: upstream_id is the
 * provider's id of an earlier response of the caller's. */
enum { GANTRY_REF_MODEL = 1, GANTRY_REF_FILE = 2, GANTRY_REF_RESPONSE = 3 };
typedef struct gantry_ref {
  uint32_t kind, reserved;
  uint64_t offset, length;
  gantry_slice client_id, upstream_id, mime_type, filename;
} gantry_ref;

/* Operations. gantry_plugin.ops has bit (1 << kind) for each one served.
 *
 * kind          START data (JSON)                                  how it ends
 * PROBE         {}                                                 RESULT {}
 * CREDENTIAL    {"scope"}                                          RESULT: the token's bytes; value: ms until it expires
 * CHAT, EMBED,  the client's request as it was sent; refs: model   PIPE then RESULT {}; or OUTPUT... then RESULT {};
 *  RESPONSES    and files                                          or RESULT with the whole answer (not streamed)
 * FILE_CREATE   {"filename","mime_type","purpose","bytes",         RESULT {"id","bytes","status","expires_at"};
 *               "sha256","name","expires_in"}; source: the file    REMEMBER "file" before it
 *               name: unique object name the host chose; expires_in: seconds or absent;
 *               sha256: absent if the file still comes in. Then the host sends the source as it
 *               comes, its last bytes only when it is whole, and cancels if it is not
 *               what "bytes" says
 * FILE_GET      {"id"}                                             RESULT {"id","bytes","status","expires_at"}
 * FILE_DELETE   {"id"}                                             RESULT {"id","deleted":true}, FORGET before it; a
 *                                                                  file that is not there counts as deleted
 * FILE_LIST     {"like","since","until","after"}                   RESULT {"data":[{"id","bytes"}],"next"}
 *               the files, and no others, that a FILE_CREATE with the input "like" may have made between two
 *               Unix times: the host deletes what it finds so and knows nothing of. Without "like": a page of all
 * FILE_CONTENT  {"id","range"}; range: the client's header or absent   PIPE then RESULT {}
 * INPUT_CREATE  {"purpose","name","bytes","endpoint"}; source: the     RESULT {"id","bytes"};
 *               client's JSONL. The provider's own form of it, for     REMEMBER "file" before it
 *               purpose "batch" (with its endpoint) or "fine-tune". PULL gives one line at a time, without
 *               its end, and in refs the places in it that the host has resolved; blank lines are left out
 * BATCH_CREATE  {"input_file_id","endpoint","completion_window",       RESULT batch;
 *               "metadata","output_expires_after","name"}              REMEMBER "batch" before it
 * BATCH_GET,    {"id"}                                                 RESULT batch
 *  BATCH_CANCEL
 * BATCH_LIST    {"name","input_file_id","since","after"}: what a       RESULT {"data":[{"id"}],"next"}
 *               BATCH_CREATE of that name and input may have left
 * BATCH_RESULTS {"id","name","endpoint"}; of a batch that is over,     RESULT {"output_file":{"id","bytes"},
 *               for providers whose results are not OpenAI's files.    "error_file":{"id","bytes"}};
 *               Asked again it makes the same objects again            REMEMBER "file" before each
 * TUNE_CREATE   {"training_file","validation_file","method",           RESULT job;
 *               "hyperparameters","seed","suffix","integrations",      REMEMBER "job" before it
 *               "metadata","name"}
 * TUNE_GET, TUNE_CANCEL, TUNE_PAUSE, TUNE_RESUME {"id"}                RESULT job
 * TUNE_LIST     {"name","training_file","since","after"}: what a       RESULT {"data":[{"id"}],"next"}
 *               TUNE_CREATE may have left
 * TUNE_EVENTS,  {"id","after","limit"}                                 RESULT {"data":[...],"has_more"}
 *  TUNE_CHECKPOINTS
 * RESPONSE_GET,   {"id","query"}; query: the client's, or absent       as RESPONSES; a list for ITEMS
 *  RESPONSE_ITEMS
 * RESPONSE_CANCEL {"id"}                                               RESULT with the response
 * RESPONSE_DELETE {"id"}                                               RESULT {}, FORGET "response" before it
 *
 * RESPONSES has REMEMBER "response" before anything of a response goes out that its provider keeps, and REMEMBER
 * "unstored_response" before one that it does not keep (store: false; ids that the adapter makes up). Either way the
 * host puts its own id wherever the remembered one stands as a whole JSON string in what goes out. batch: the
 * members of OpenAI's batch object with the provider's ids; "status" is one of OpenAI's words; plugins that serve
 * BATCH_RESULTS leave output_file_id and error_file_id out. job: those of OpenAI's fine_tuning.job.
 *
 * Absent members are left out, never null. expires_at is Unix seconds. status is "uploaded",
 * "processed" or "error". */
enum {
  GANTRY_OP_PROBE = 0,       /* cheap health/config check of a target */
  GANTRY_OP_CREDENTIAL = 1,  /* make an access token for `scope`; host caches, single-flight */
  GANTRY_OP_CHAT = 2,        /* input: OpenAI chat request; streams if GANTRY_IN_STREAM */
  GANTRY_OP_EMBED = 3,
  GANTRY_OP_RESPONSES = 4,    /* input: OpenAI Responses request; streams if GANTRY_IN_STREAM */
  GANTRY_OP_FILE_CREATE = 8, GANTRY_OP_FILE_GET = 9, GANTRY_OP_FILE_DELETE = 10, GANTRY_OP_FILE_LIST = 11,
  GANTRY_OP_FILE_CONTENT = 12, GANTRY_OP_INPUT_CREATE = 13,
  GANTRY_OP_BATCH_CREATE = 16, GANTRY_OP_BATCH_GET = 17, GANTRY_OP_BATCH_CANCEL = 18, GANTRY_OP_BATCH_LIST = 19,
  GANTRY_OP_BATCH_RESULTS = 20,
  GANTRY_OP_TUNE_CREATE = 24, GANTRY_OP_TUNE_GET = 25, GANTRY_OP_TUNE_CANCEL = 26, GANTRY_OP_TUNE_LIST = 27,
  GANTRY_OP_TUNE_EVENTS = 28, GANTRY_OP_TUNE_CHECKPOINTS = 29, GANTRY_OP_TUNE_PAUSE = 30, GANTRY_OP_TUNE_RESUME = 31,
  GANTRY_OP_RESPONSE_GET = 32, GANTRY_OP_RESPONSE_DELETE = 33, GANTRY_OP_RESPONSE_CANCEL = 34, GANTRY_OP_RESPONSE_ITEMS = 35
};

/* ---- host to plugin --------------------------------------------------------- */
enum {
  GANTRY_EV_START = 1,      /* data: JSON input, as the client sent it where there is one;
                               refs: what the host found in it; value: source length or
                               UINT64_MAX; text: request id */
  GANTRY_EV_HEAD = 2,       /* request, code: HTTP status, pairs: headers (lower-case names) */
  GANTRY_EV_DATA = 3,       /* request, data: per the request's framing */
  GANTRY_EV_END = 4,        /* request: response complete, pairs: trailers */
  GANTRY_EV_FAILED = 5,     /* request, code: GANTRY_NET_*, text: detail */
  GANTRY_EV_TIMER = 6,      /* the awaited delay has passed */
  GANTRY_EV_TOKEN = 7,      /* data: value of the credential asked for; code: 0, or the
                               GANTRY_ERR_* class of its failure and text: its message */
  GANTRY_EV_SOURCE = 8,     /* data: the source's next line without its end, refs: what the host
                               found in it, as in START; after GANTRY_CMD_PULL */
  GANTRY_EV_SOURCE_END = 9, /* instead: there are no more lines */
  GANTRY_EV_CANCEL = 10     /* client is gone; emit at most GANTRY_CMD_FORGET/RESULT/ERROR */
};
enum { GANTRY_IN_STREAM = 1u, GANTRY_IN_RETRY = 2u /* an attempt at the same request has failed before */,
       GANTRY_IN_SOURCE_REPLAYABLE = 4u };
enum { GANTRY_NET_DNS = 1, GANTRY_NET_CONNECT, GANTRY_NET_TLS, GANTRY_NET_RESET, GANTRY_NET_TIMEOUT, GANTRY_NET_TOO_LARGE,
       GANTRY_NET_DENIED /* URL not in the operator's allow-list */ };

typedef struct gantry_event {
  uint32_t size, kind, flags, request;
  int32_t code, reserved;
  uint64_t value;
  gantry_slice data, text;
  const gantry_pair *pairs;
  size_t pair_count;
  const gantry_ref *refs;
  size_t ref_count;
} gantry_event;

/* ---- plugin to host --------------------------------------------------------- */
enum {
  GANTRY_CMD_HTTP = 1,       /* send a request; one outstanding per op in minor 0 */
  GANTRY_CMD_BODY = 2,       /* data: next piece of the body of a GANTRY_HTTP_STREAM_BODY request */
  GANTRY_CMD_BODY_END = 3,
  GANTRY_CMD_PULL = 4,       /* ask for the next GANTRY_EV_SOURCE (back-pressure is one at a time). GANTRY_E_STATE
                                if the operation has no lines, one is asked for already, or they have ended */
  GANTRY_CMD_ABORT = 5,      /* drop the outstanding request; no further events for it */
  GANTRY_CMD_WAIT = 6,       /* value: milliseconds until GANTRY_EV_TIMER */
  GANTRY_CMD_TOKEN = 7,      /* text: scope; flags GANTRY_TOKEN_REFRESH after a 401 */
  GANTRY_CMD_OUTPUT = 8,     /* data: one client chunk: the payload of a server-sent event, text:
                                its event name or empty. The host frames it, and ends a chat
                                stream with [DONE] when the RESULT comes */
  GANTRY_CMD_PIPE = 9,       /* request; from its EV_HEAD or later: the rest of this response goes to
                                the client unseen by the plugin. EV_END or EV_FAILED follows.
                                pairs: extra client headers. Needs GANTRY_FRAME_RAW. The
                                operation's input is gone then: no GANTRY_SEG_INPUT after it */
  GANTRY_CMD_REMEMBER = 10,  /* text: kind ("file", "batch", "job" or "response"), data: provider id now existing: the host
                            journals it before anything else, and can undo it. Kind "unstored_response": the id that a
                            response has which the provider does not keep; nothing is journaled */
  GANTRY_CMD_FORGET = 11,    /* same fields: it no longer exists */
  GANTRY_CMD_USAGE = 12,     /* data: JSON token usage, for accounting */
  GANTRY_CMD_RESULT = 13,    /* data: JSON result (value: expiry ms for tokens); op is over */
  GANTRY_CMD_ERROR = 14      /* code: GANTRY_ERR_*, see below; op is over */
};
enum { GANTRY_HTTP_IDEMPOTENT = 1u, GANTRY_HTTP_STREAM_BODY = 2u, GANTRY_HTTP_NO_RETRY = 4u };
enum { GANTRY_TOKEN_REFRESH = 1u };
enum { GANTRY_FRAME_WHOLE = 0, /* one GANTRY_EV_DATA, bounded by the host */
       GANTRY_FRAME_RAW, GANTRY_FRAME_LINES, GANTRY_FRAME_SSE /* data: payload, text: event name */ };

/* Error classes. The host owns the mapping to HTTP status, OpenAI type and code. */
enum {
  GANTRY_ERR_INVALID = 1, GANTRY_ERR_UNSUPPORTED, GANTRY_ERR_NOT_FOUND, GANTRY_ERR_CONFLICT, GANTRY_ERR_TOO_LARGE,
  GANTRY_ERR_CONTEXT_LENGTH, GANTRY_ERR_FILTERED, GANTRY_ERR_RATE_LIMIT, GANTRY_ERR_QUOTA, GANTRY_ERR_UPSTREAM_AUTH,
  GANTRY_ERR_UPSTREAM_UNAVAILABLE, GANTRY_ERR_UPSTREAM_TIMEOUT, GANTRY_ERR_UPSTREAM_PROTOCOL,
  GANTRY_ERR_CANCELLED, GANTRY_ERR_INTERNAL
};
enum { GANTRY_ERRF_RETRY = 1u, /* same target may succeed */ GANTRY_ERRF_FALLBACK = 2u /* another may */ };

typedef struct gantry_command {
  uint32_t size, kind, flags, request; /* request: chosen by the plugin, echoed in events */
  int32_t code;         /* ERROR: class.  HTTP: GANTRY_FRAME_* of the response */
  uint32_t upstream;    /* ERROR: upstream HTTP status or 0 */
  uint64_t value;       /* WAIT, RESULT: ms.  ERROR: retry-after ms.  HTTP: total timeout ms */
  gantry_slice data;        /* see the kinds.  ERROR: message for the client */
  gantry_slice text;        /* ERROR: `param` of the OpenAI error object */
  gantry_slice method, url; /* HTTP; url is absolute */
  const gantry_pair *pairs; /* HTTP: headers.  ERROR, RESULT: extra client headers */
  size_t pair_count;
  const gantry_segment *segments; /* HTTP: body, in order; Content-Length is the host's job */
  size_t segment_count;
} gantry_command;

/* Where commands go. Valid during the call only. emit copies and returns at once; the
 * host applies back-pressure by not sending the next event. */
typedef struct gantry_sink {
  uint32_t size, reserved;
  void *ctx;
  gantry_status (*emit)(void *ctx, const gantry_command *command);
} gantry_sink;

/* Host services: none waits for the network. ctx is the first argument always. */
enum { GANTRY_LOG_DEBUG = 0, GANTRY_LOG_INFO, GANTRY_LOG_WARN, GANTRY_LOG_ERROR };
enum { GANTRY_ALG_SHA256 = 1, GANTRY_ALG_HMAC_SHA256, GANTRY_ALG_RS256, GANTRY_ALG_ES256 };
typedef struct gantry_host {
  uint32_t size, abi_minor;
  void *ctx;
  gantry_slice name, version;
  void (*log)(void *ctx, uint32_t level, gantry_slice message, const gantry_pair *fields, size_t count);
  uint64_t (*now_ms)(void *ctx); /* virtual in conformance runs */
  gantry_status (*random)(void *ctx, uint8_t *out, size_t len);
  /* Digest, MAC or signature with a key the host holds (empty for SHA-256). *len is the
   * capacity on entry and the length on return. */
  gantry_status (*sign)(void *ctx, uint32_t alg, gantry_slice key, gantry_slice data, uint8_t *out, size_t *len);
  /* Small cache, private to the instance, lost at restart. */
  gantry_status (*cache_get)(void *ctx, gantry_slice key, uint8_t *out, size_t *len);
  gantry_status (*cache_put)(void *ctx, gantry_slice key, gantry_slice value, uint64_t ttl_ms);
  const void *(*extension)(void *ctx, const char *id); /* id: "org.example.thing/1"; NULL if unknown. See gantry_functions.h */
} gantry_host;

typedef struct gantry_instance gantry_instance; /* one plugins.d entry */
typedef struct gantry_target gantry_target;     /* one deployment: model_name + params */
typedef struct gantry_op gantry_op;             /* one operation */

enum {
  GANTRY_PF_PARALLEL = 1u,      /* ops of one instance may run at the same time */
  GANTRY_PF_BLOCKING = 2u,      /* op_step may compute for long; give it its own thread */
  GANTRY_PF_OPENAI_WIRE = 4u,   /* speaks OpenAI's wire format: host may pass bodies through */
  GANTRY_PF_ONE_PER_PROCESS = 8u /* language runtime allows one copy per process (Go): in workers only */
};

typedef struct gantry_plugin {
  uint32_t size, abi_minor; /* minor built against; needs_minor is the least it can use */
  uint32_t needs_minor, flags;
  uint64_t ops;
  gantry_slice id, version;     /* "openai", "1.4.0"; must equal the manifest's */
  /* JSON: {"params": {NAME: {"kind", "env", "members", "endpoints"}}, "config": {the same},
   * "content_purposes": [purposes whose files the provider gives back; "*" for all],
   * "lost_files": "none" if every file is REMEMBERed before it exists, "search" if FILE_LIST takes `like`}.
   * kind "value": passed through. "secret": replaced by {"secret": NAME}, the name to use in
   * gantry_pair.secret, GANTRY_SEG_SECRET and sign. "endpoint": a URL of the operator's whose
   * host is allowed for the deployment. "credentials": a JSON document (inline, or a path to
   * one) passed as an object in which each of "members" is replaced as a secret and each of
   * "endpoints" is allowed as an endpoint. env: variable that fills the parameter if it is
   * absent; in a worker, only if the manifest's `environment` lists it. A name that is not
   * listed is passed through: the plugin refuses what it does not know. In a worker a text
   * of a deployment whose name looks like a secret's (*_key, *token*, ...) is replaced as one,
   * whatever is said here. "model" is always passed: the name after the provider prefix. */
  gantry_slice describe;
  /* config: JSON of the plugins.d entry, secrets replaced by their names. On failure
   * emit one GANTRY_CMD_ERROR to say why. Same for target_new with deployment params. */
  gantry_status (*instance_new)(const gantry_host *host, gantry_slice config, const gantry_sink *why, gantry_instance **out);
  void (*instance_free)(gantry_instance *instance);
  gantry_status (*target_new)(gantry_instance *instance, gantry_slice params, const gantry_sink *why, gantry_target **out);
  void (*target_free)(gantry_target *target);
  gantry_status (*op_new)(gantry_target *target, uint32_t kind, gantry_op **out);
  /* A return other than GANTRY_OK ends the op as GANTRY_ERR_INTERNAL. */
  gantry_status (*op_step)(gantry_op *op, const gantry_event *event, const gantry_sink *sink);
  void (*op_free)(gantry_op *op); /* at any point, also without an end; must not emit */
  const void *(*extension)(const char *id);
} gantry_plugin;

/* The one exported symbol. Called once per image, before anything else, possibly in a
 * throw-away process. Returns NULL if it cannot work with a host of this minor. */
GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t host_minor);

#ifdef __cplusplus
}
#endif
#endif
