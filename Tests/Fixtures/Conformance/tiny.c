/* A plugin that keeps every rule of the ABI, or breaks the one that it is compiled to break: -DBREAKS_name_of_rule. */
#include "gantry_plugin.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { const gantry_host *host; } instance;
typedef struct { instance *owner; } target;
typedef struct {
  target *owner;
  uint32_t kind, streams;
  int32_t status;
  char id[64];
  gantry_slice lent_id;
  const gantry_sink *sink;
  uint8_t *body;
  size_t length;
} operation;

#define TEXT(s) ((gantry_slice){(const uint8_t *)(s), strlen(s)})

static gantry_status emit(const gantry_sink *sink, gantry_command *command) {
  command->size = sizeof *command;
  return sink->emit(sink->ctx, command);
}

static gantry_status fail(const gantry_sink *sink, int32_t class, const char *message, const char *param) {
  gantry_command command = {.kind = GANTRY_CMD_ERROR, .code = class, .data = TEXT(message), .text = TEXT(param)};
  return emit(sink, &command);
}

/* Whether the text is an object whose names are all among those given, each followed by a space. */
static int is_object_of(gantry_slice json, const char *names, char *unknown) {
  int depth = 0, is_name = 1;
  unknown[0] = 0;
  if (json.len < 2 || json.ptr[0] != '{' || json.ptr[json.len - 1] != '}') return 0;
  for (size_t at = 0; at < json.len; at++) {
    uint8_t byte = json.ptr[at];
    if (byte == '{' || byte == '[') depth++, is_name = 1;
    if (byte == '}' || byte == ']') depth--;
    if (byte == ',') is_name = 1;
    if (byte == ':') is_name = 0;
    if (byte != '"') continue;
    size_t end = at + 1;
    while (end < json.len && json.ptr[end] != '"') end++;
    if (depth == 1 && is_name) {
      snprintf(unknown, 64, "%.*s ", (int)(end - at - 1), (const char *)json.ptr + at + 1);
      if (!strstr(names, unknown)) return 0;
    }
    at = end;
  }
  unknown[0] = 0;
  return 1;
}

static void *pause_for_ever(void *nothing) { for (;;) pause(); return nothing; }
static void ignore(int number) { (void)number; }

static gantry_status instance_new(const gantry_host *host, gantry_slice config, const gantry_sink *why,
                                  gantry_instance **out) {
  char unknown[64];
#ifndef BREAKS_configuration_refusals
  if (!is_object_of(config, "", unknown)) {
    fail(why, GANTRY_ERR_INVALID, "The configuration is no object, or has a name that tiny does not know.", unknown);
    return GANTRY_E_INVALID;
  }
#endif
#ifdef BREAKS_threads
  pthread_t thread;
  pthread_create(&thread, 0, pause_for_ever, 0);
#endif
#ifdef BREAKS_signals
  signal(SIGUSR1, ignore);
#endif
#ifdef BREAKS_environment
  setenv("TINY_WAS_HERE", "1", 1);
#endif
  instance *made = calloc(1, sizeof *made);
  if (!made) return GANTRY_E_NOMEM;
  made->host = host;
  *out = (gantry_instance *)made;
  return GANTRY_OK;
}

static void instance_free(gantry_instance *freed) { free(freed); }

static gantry_status target_new(gantry_instance *owner, gantry_slice params, const gantry_sink *why,
                                gantry_target **out) {
  char unknown[64];
  if (!is_object_of(params, "model api_key ", unknown)) {
#ifndef BREAKS_parameter_refusals
    fail(why, GANTRY_ERR_INVALID, "The parameters are no object, or have a name that tiny does not know.", unknown);
#endif
    return GANTRY_E_INVALID;
  }
  target *made = calloc(1, sizeof *made);
  if (!made) return GANTRY_E_NOMEM;
  made->owner = (instance *)owner;
  *out = (gantry_target *)made;
  return GANTRY_OK;
}

static void target_free(gantry_target *freed) { free(freed); }

#define OPERATIONS (1u << GANTRY_OP_CHAT | 1u << GANTRY_OP_FILE_CREATE | 1u << GANTRY_OP_FILE_DELETE)

static gantry_status op_new(gantry_target *owner, uint32_t kind, gantry_op **out) {
#ifndef BREAKS_unserved_operations
  if (kind > 31 || !(OPERATIONS & 1u << kind)) return GANTRY_E_UNSUPPORTED;
#endif
  operation *made = calloc(1, sizeof *made);
  if (!made) return GANTRY_E_NOMEM;
  made->owner = (target *)owner;
  made->kind = kind;
  *out = (gantry_op *)made;
  return GANTRY_OK;
}

static void op_free(gantry_op *freed) {
  operation *op = (operation *)freed;
#ifdef BREAKS_free
  if (op->sink) fail(op->sink, GANTRY_ERR_CANCELLED, "The operation was freed.", "");
#endif
#ifndef BREAKS_memory
  free(op->body);
#endif
  free(op);
}

static int finish(const gantry_sink *sink, const char *result, size_t length) {
  gantry_command command = {.kind = GANTRY_CMD_RESULT, .data = {(const uint8_t *)result, length}};
  return emit(sink, &command);
}

static gantry_status note(const gantry_sink *sink, uint32_t kind, const char *id) {
  gantry_command command = {.kind = kind, .text = GANTRY_LIT("file"), .data = TEXT(id)};
  return emit(sink, &command);
}

/* Copies the text of a member out of JSON. */
static int member(gantry_slice json, const char *name, char *value, size_t room) {
  char pattern[32];
  snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
  size_t length = strlen(pattern), size = 0;
  for (size_t at = 0; at + length <= json.len; at++) {
    if (memcmp(json.ptr + at, pattern, length)) continue;
    for (at += length; at < json.len && json.ptr[at] != '"' && size + 1 < room; at++) value[size++] = (char)json.ptr[at];
    value[size] = 0;
    return at < json.len && size > 0;
  }
  return 0;
}

static gantry_status start(operation *op, const gantry_event *event, const gantry_sink *sink) {
#ifdef BREAKS_sandbox
  FILE *file = fopen("/etc/hostname", "r");
  if (file) fclose(file);
#endif
  uint8_t random[8] = {0};
  char url[128] = "https://api.example/v1/chat", mark[24];
  const gantry_host *host = op->owner->owner->host;
  gantry_segment body[3] = {{.kind = GANTRY_SEG_INPUT, .length = event->data.len}};
  size_t segments = 1;
#ifdef BREAKS_older_host
  host->random(host->ctx, random, sizeof random);
#else
  if (GANTRY_HAS(host, random)) host->random(host->ctx, random, sizeof random);
#endif
#ifdef BREAKS_deterministic
  static uint8_t counter;
  random[0] = counter++;
#endif
  snprintf(mark, sizeof mark, "%02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
  op->streams = event->flags & GANTRY_IN_STREAM;
  if (op->kind == GANTRY_OP_FILE_CREATE) {
    snprintf(url, sizeof url, "https://api.example/v1/files");
    body[0] = (gantry_segment){.kind = GANTRY_SEG_SOURCE};
  } else if (op->kind == GANTRY_OP_FILE_DELETE) {
    if (!member(event->data, "id", op->id, sizeof op->id))
      return fail(sink, GANTRY_ERR_NOT_FOUND, "The operation names no file.", "id");
    for (size_t at = 0; at + 4 < event->data.len; at++)
      if (!memcmp(event->data.ptr + at, "file", 4)) { op->lent_id = (gantry_slice){event->data.ptr + at, strlen(op->id)}; break; }
    snprintf(url, sizeof url, "https://api.example/v1/files/%s", op->id);
    segments = 0;
  } else if (event->ref_count && event->refs[0].offset + event->refs[0].length <= event->data.len) {
    const gantry_ref *model = &event->refs[0];
    uint64_t end = model->offset + model->length;
    body[0].length = model->offset;
    body[1] = (gantry_segment){.kind = GANTRY_SEG_BYTES, .bytes = GANTRY_LIT("\"there\"")};
    body[2] = (gantry_segment){.kind = GANTRY_SEG_INPUT, .offset = end, .length = event->data.len - end};
    segments = 3;
  }
  gantry_pair headers[] = {
      {.name = GANTRY_LIT("authorization"), .value = GANTRY_LIT("Bearer "), .secret = GANTRY_LIT("api_key")},
      {.name = GANTRY_LIT("x-mark"), .value = TEXT(mark)}};
  gantry_command command = {
      .kind = GANTRY_CMD_HTTP, .request = 1, .code = GANTRY_FRAME_RAW, .method = GANTRY_LIT("POST"), .url = TEXT(url),
      .pairs = headers, .pair_count = 2, .segments = body, .segment_count = segments};
  if (op->streams) command.code = GANTRY_FRAME_SSE;
  if (op->kind == GANTRY_OP_FILE_DELETE) command.method = GANTRY_LIT("DELETE");
#ifdef BREAKS_commands
  command.url = GANTRY_LIT("/v1/chat");
#endif
  gantry_status status = emit(sink, &command);
#ifdef BREAKS_refused_commands
  status = GANTRY_OK;
#endif
  return status;
}

static gantry_status take(operation *op, const gantry_event *event, const gantry_sink *sink) {
  if (op->streams) {
    if (event->data.len == 6 && !memcmp(event->data.ptr, "[DONE]", 6)) return GANTRY_OK;
    gantry_command command = {.kind = GANTRY_CMD_OUTPUT, .data = event->data};
    return emit(sink, &command);
  }
#ifdef BREAKS_split_bodies
  op->length = 0;
#endif
  uint8_t *grown = realloc(op->body, op->length + event->data.len + 1);
  if (!grown) return GANTRY_E_NOMEM;
  op->body = grown;
  memcpy(grown + op->length, event->data.ptr, event->data.len);
  op->length += event->data.len;
  return GANTRY_OK;
}

static gantry_status end(operation *op, const gantry_sink *sink) {
  gantry_slice body = {op->body, op->length};
  char result[256], id[64];
  gantry_status status;
#ifdef BREAKS_upstream_failures
  if (op->status == 503) return GANTRY_E_INTERNAL;
#endif
#ifdef BREAKS_cut_bodies
  if (op->length && op->body[op->length - 1] != '}' && op->kind == GANTRY_OP_FILE_CREATE) return GANTRY_OK;
#endif
  if (op->status < 200 || op->status > 299)
    return fail(sink, GANTRY_ERR_UPSTREAM_UNAVAILABLE, "The provider refused the request.", "");
  if (op->streams) return finish(sink, "{}", 2);
  switch (op->kind) {
  case GANTRY_OP_FILE_CREATE:
    if (!member(body, "id", id, sizeof id))
      return fail(sink, GANTRY_ERR_UPSTREAM_PROTOCOL, "The provider's answer has no id.", "");
#ifndef BREAKS_results
    status = note(sink, GANTRY_CMD_REMEMBER, id);
    if (status) return status;
#endif
    snprintf(result, sizeof result, "{\"id\":\"%s\",\"status\":\"processed\"}", id);
    return finish(sink, result, strlen(result));
  case GANTRY_OP_FILE_DELETE:
#ifdef BREAKS_scripts
    return GANTRY_OK;
#endif
#ifdef BREAKS_lent_memory
    memcpy(op->id, op->lent_id.ptr, op->lent_id.len);
#endif
    status = note(sink, GANTRY_CMD_FORGET, op->id);
    if (status) return status;
    snprintf(result, sizeof result, "{\"id\":\"%s\",\"deleted\":true}", op->id);
    return finish(sink, result, strlen(result));
  default:
    if (op->length < 2 || op->body[0] != '{')
      return fail(sink, GANTRY_ERR_UPSTREAM_PROTOCOL, "The provider's answer is no JSON object.", "");
    return finish(sink, (const char *)op->body, op->length);
  }
}

static gantry_status op_step(gantry_op *stepped, const gantry_event *lent, const gantry_sink *sink) {
  operation *op = (operation *)stepped;
  /* What an older host does not know reads as zero. */
  gantry_event event = {0};
  memcpy(&event, lent, lent->size < sizeof event ? lent->size : sizeof event);
#ifdef BREAKS_older_events
  event = *lent;
#endif
#ifdef BREAKS_newer_events
  if (lent->size != sizeof event) return GANTRY_E_INVALID;
#endif
#ifdef BREAKS_guarded_memory
  if (event.data.len && event.data.ptr[event.data.len] == 'x') return GANTRY_E_INTERNAL;
#endif
#ifdef BREAKS_free
  op->sink = sink;
#endif
#if defined(BREAKS_interleaved)
  static operation *last;
  if (event.kind == GANTRY_EV_START) last = op;
  if (last != op) return fail(sink, GANTRY_ERR_INTERNAL, "Another operation came in between.", "");
#elif defined(BREAKS_any_thread)
  static __thread operation *last;
  if (event.kind == GANTRY_EV_START) last = op;
  if (last != op) return fail(sink, GANTRY_ERR_INTERNAL, "The thread has changed.", "");
#elif defined(BREAKS_parallel)
  static operation *volatile last;
  last = op;
  for (volatile int spin = 0; spin < 50000; spin++) {}
  if (last != op) return fail(sink, GANTRY_ERR_INTERNAL, "Another operation runs.", "");
#endif
  switch (event.kind) {
  case GANTRY_EV_START: return start(op, &event, sink);
  case GANTRY_EV_HEAD: op->status = event.code; return GANTRY_OK;
  case GANTRY_EV_DATA: return take(op, &event, sink);
  case GANTRY_EV_END:
#ifdef BREAKS_patience
    for (volatile uint32_t turn = 0;; turn++) {}
#endif
    return end(op, sink);
  case GANTRY_EV_FAILED: return fail(sink, GANTRY_ERR_UPSTREAM_UNAVAILABLE, "The provider cannot be reached.", "");
  case GANTRY_EV_CANCEL:
#ifdef BREAKS_cancel
    emit(sink, &(gantry_command){.kind = GANTRY_CMD_OUTPUT, .data = GANTRY_LIT("{}")});
#endif
    return fail(sink, GANTRY_ERR_CANCELLED, "The client is gone.", "");
  default:
#ifdef BREAKS_unknown_events
    return fail(sink, GANTRY_ERR_INTERNAL, "What is that?", "");
#endif
    return GANTRY_OK;
  }
}

static gantry_plugin table = {
    .size = sizeof(gantry_plugin), .abi_minor = GANTRY_ABI_MINOR, .ops = OPERATIONS,
    .instance_new = instance_new, .instance_free = instance_free, .target_new = target_new,
    .target_free = target_free, .op_new = op_new, .op_step = op_step, .op_free = op_free};

GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t host_minor) {
#ifdef BREAKS_newer_host
  if (host_minor != GANTRY_ABI_MINOR) return NULL;
#endif
  (void)host_minor;
  (void)pause_for_ever;
  (void)ignore;
  table.id = GANTRY_LIT("tiny");
  table.version = GANTRY_LIT("1.0.0");
  table.describe = GANTRY_LIT("{\"params\":{\"api_key\":{\"kind\":\"secret\"}},\"lost_files\":\"none\"}");
#ifdef BREAKS_handshake
  table.describe = GANTRY_LIT("{\"params\":");
#endif
#ifdef BREAKS_parallel
  table.flags = GANTRY_PF_PARALLEL;
#endif
  return &table;
}

#ifdef BREAKS_exports
GANTRY_EXPORT int another_symbol(void) { return 1; }
#endif
