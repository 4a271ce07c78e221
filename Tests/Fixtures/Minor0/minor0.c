/* A plugin as it was built when the ABI was 1.0: `scripts/abi-record plugin` builds it, with the header beside it, and
 * Tests/Support/abi_record.py says when it may be built again.
 * It is a small client of OpenAI's wire format, and touches every struct and every function of the host. */
#include "gantry_plugin.h"
#include <stdlib.h>
#include <string.h>

typedef struct { const gantry_host *host; } instance;
typedef struct { instance *owner; char base[256], secret[128]; } target;
typedef struct { target *owner; uint32_t kind, streams; int32_t status; char id[128]; uint8_t *body; size_t length; } operation;

#define TEXT(s) ((gantry_slice){(const uint8_t *)(s), strlen(s)})
#define OPERATIONS (1u << GANTRY_OP_CHAT | 1u << GANTRY_OP_FILE_CREATE | 1u << GANTRY_OP_FILE_GET | \
                    1u << GANTRY_OP_FILE_DELETE | 1u << GANTRY_OP_FILE_CONTENT)

static gantry_status emit(const gantry_sink *sink, gantry_command *command) {
  command->size = sizeof *command;
  return GANTRY_HAS(sink, emit) ? sink->emit(sink->ctx, command) : GANTRY_E_INVALID;
}

static gantry_status fail(const gantry_sink *sink, int32_t code, uint32_t upstream, const char *message, const char *param) {
  gantry_command command = {.kind = GANTRY_CMD_ERROR, .code = code, .upstream = upstream, .data = TEXT(message),
                            .text = TEXT(param), .flags = upstream >= 500 ? GANTRY_ERRF_RETRY | GANTRY_ERRF_FALLBACK : 0};
  return emit(sink, &command);
}

static void append(char *text, size_t room, const char *more) {
  size_t length = strlen(text), added = strlen(more);
  if (length + added < room) memcpy(text + length, more, added + 1);
}

/* The text of a member of a JSON object, looked for as it would be written without spaces. */
static int member(gantry_slice json, const char *name, char *value, size_t room) {
  char pattern[32] = "\"";
  append(pattern, sizeof pattern, name);
  append(pattern, sizeof pattern, "\"");
  size_t length = strlen(pattern), size = 0;
  for (size_t at = 0; at + length < json.len; at++) {
    if (memcmp(json.ptr + at, pattern, length)) continue;
    at += length;
    while (at < json.len && (json.ptr[at] == ':' || json.ptr[at] == ' ')) at++;
    if (at >= json.len || json.ptr[at] != '"') return 0;
    for (at++; at < json.len && json.ptr[at] != '"' && size + 1 < room; at++) {
      if (json.ptr[at] == '\\' && at + 1 < json.len) at++; /* enough for quotes and slashes */
      value[size++] = (char)json.ptr[at];
    }
    value[size] = 0;
    return at < json.len && size > 0;
  }
  return 0;
}

/* Whether the text is an object whose names are all among those given, each with a space before and behind it. */
static int is_object_of(gantry_slice json, const char *names, char *unknown, size_t room) {
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
    if (depth == 1 && is_name && end - at + 2 < room) {
      unknown[0] = ' ';
      memcpy(unknown + 1, json.ptr + at + 1, end - at - 1);
      unknown[end - at] = ' ';
      unknown[end - at + 1] = 0;
      if (!strstr(names, unknown)) return 0;
    }
    at = end;
  }
  unknown[0] = 0;
  return 1;
}

static gantry_status instance_new(const gantry_host *host, gantry_slice config, const gantry_sink *why, gantry_instance **out) {
  char unknown[64];
  if (!is_object_of(config, "", unknown, sizeof unknown)) {
    fail(why, GANTRY_ERR_INVALID, 0, "The configuration of minor0 has to be empty.", unknown);
    return GANTRY_E_INVALID;
  }
  instance *made = calloc(1, sizeof *made);
  if (!made) return GANTRY_E_NOMEM;
  made->host = host;
  *out = (gantry_instance *)made;
  return GANTRY_OK;
}

static void instance_free(gantry_instance *freed) { free(freed); }

static gantry_status target_new(gantry_instance *owner, gantry_slice params, const gantry_sink *why, gantry_target **out) {
  char unknown[64];
  target *made = calloc(1, sizeof *made);
  if (!made) return GANTRY_E_NOMEM;
  made->owner = (instance *)owner;
  int is_known = is_object_of(params, " model  api_key  api_base ", unknown, sizeof unknown);
  if (!is_known || !member(params, "api_base", made->base, sizeof made->base)) {
    fail(why, GANTRY_ERR_INVALID, 0, "minor0 takes model, api_key and api_base, a URL, and needs the last.",
         is_known ? "api_base" : unknown);
    free(made);
    return GANTRY_E_INVALID;
  }
  member(params, "secret", made->secret, sizeof made->secret); /* {"api_key":{"secret":NAME}} */
  *out = (gantry_target *)made;
  return GANTRY_OK;
}

static void target_free(gantry_target *freed) { free(freed); }

static gantry_status op_new(gantry_target *owner, uint32_t kind, gantry_op **out) {
  if (kind > 31 || !(OPERATIONS & 1u << kind)) return GANTRY_E_UNSUPPORTED;
  operation *made = calloc(1, sizeof *made);
  if (!made) return GANTRY_E_NOMEM;
  made->owner = (target *)owner;
  made->kind = kind;
  *out = (gantry_op *)made;
  return GANTRY_OK;
}

static void op_free(gantry_op *freed) {
  free(((operation *)freed)->body);
  free(freed);
}

/* Asks the host for everything that it has, and writes what came of it as hexadecimal digits. */
static void fingerprint(const gantry_host *host, gantry_slice data, char *text) {
  uint8_t bytes[64] = {0}, value[8];
  size_t length = sizeof bytes;
  uint64_t now = GANTRY_HAS(host, now_ms) ? host->now_ms(host->ctx) : 0;
  if (GANTRY_HAS(host, random)) host->random(host->ctx, value, sizeof value);
  if (GANTRY_HAS(host, sign)) host->sign(host->ctx, GANTRY_ALG_SHA256, (gantry_slice){0}, data, bytes, &length);
  if (GANTRY_HAS(host, cache_put)) host->cache_put(host->ctx, GANTRY_LIT("now"), (gantry_slice){(uint8_t *)&now, 8}, 1000);
  length = sizeof value;
  if (GANTRY_HAS(host, cache_get)) host->cache_get(host->ctx, GANTRY_LIT("now"), value, &length);
  if (GANTRY_HAS(host, extension)) (void)host->extension(host->ctx, "gantry.minor0/1");
  if (GANTRY_HAS(host, log)) {
    gantry_pair field = {.name = GANTRY_LIT("abi"), .value = GANTRY_LIT("1.0")};
    host->log(host->ctx, GANTRY_LOG_DEBUG, GANTRY_LIT("minor0 begins"), &field, 1);
  }
  for (int at = 0; at < 8; at++) {
    text[2 * at] = "0123456789abcdef"[bytes[at] >> 4];
    text[2 * at + 1] = "0123456789abcdef"[bytes[at] & 15];
  }
  text[16] = 0;
}

static gantry_status start(operation *op, const gantry_event *event, const gantry_sink *sink) {
  char url[512] = "", mark[17];
  gantry_segment body[3] = {{.kind = GANTRY_SEG_INPUT, .length = event->data.len}};
  size_t segments = 0;
  gantry_command command = {.kind = GANTRY_CMD_HTTP, .request = 7, .code = GANTRY_FRAME_RAW, .method = GANTRY_LIT("GET"),
                            .flags = GANTRY_HTTP_IDEMPOTENT, .value = 60000};
  fingerprint(op->owner->owner->host, event->data, mark);
  gantry_pair headers[] = {
      {.name = GANTRY_LIT("authorization"), .value = GANTRY_LIT("Bearer "),
       .secret = TEXT(op->owner->secret)},
      {.name = GANTRY_LIT("x-minor0"), .value = TEXT(mark)},
      {.name = GANTRY_LIT("content-type"), .value = GANTRY_LIT("application/json")}};
  command.pairs = headers;
  command.pair_count = 2;
  append(url, sizeof url, op->owner->base);
  if (op->kind == GANTRY_OP_CHAT) {
    append(url, sizeof url, "/chat/completions");
    command.method = GANTRY_LIT("POST");
    command.flags = 0;
    command.pair_count = 3;
    op->streams = event->flags & GANTRY_IN_STREAM;
    segments = event->data.len ? 1 : 0;
    if (event->ref_count && event->refs[0].kind == GANTRY_REF_MODEL && event->refs[0].upstream_id.len < 128 &&
        event->refs[0].offset + event->refs[0].length <= event->data.len) {
      const gantry_ref *model = &event->refs[0];
      uint64_t end = model->offset + model->length;
      op->id[0] = '"';
      memcpy(op->id + 1, model->upstream_id.ptr, model->upstream_id.len < 120 ? model->upstream_id.len : 120);
      op->id[1 + (model->upstream_id.len < 120 ? model->upstream_id.len : 120)] = '"';
      body[0].length = model->offset;
      body[1] = (gantry_segment){.kind = GANTRY_SEG_BYTES, .bytes = TEXT(op->id)};
      body[2] = (gantry_segment){.kind = GANTRY_SEG_INPUT, .offset = end, .length = event->data.len - end};
      segments = 3;
    }
    if (op->streams) command.code = GANTRY_FRAME_SSE;
  } else if (op->kind == GANTRY_OP_FILE_CREATE) {
    append(url, sizeof url, "/files");
    command.method = GANTRY_LIT("POST");
    command.flags = GANTRY_HTTP_NO_RETRY;
    headers[2].value = GANTRY_LIT("multipart/form-data; boundary=minor0");
    command.pair_count = 3;
    body[0] = (gantry_segment){.bytes = GANTRY_LIT(
        "--minor0\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--minor0\r\n"
        "Content-Disposition: form-data; name=\"file\"; filename=\"minor0\"\r\n\r\n")};
    body[1] = (gantry_segment){.kind = GANTRY_SEG_SOURCE};
    body[2] = (gantry_segment){.bytes = GANTRY_LIT("\r\n--minor0--\r\n")};
    segments = 3;
  } else {
    if (!member(event->data, "id", op->id, sizeof op->id)) return fail(sink, GANTRY_ERR_NOT_FOUND, 0, "There is no id.", "id");
    append(url, sizeof url, "/files/");
    append(url, sizeof url, op->id);
    if (op->kind == GANTRY_OP_FILE_CONTENT) append(url, sizeof url, "/content");
    if (op->kind == GANTRY_OP_FILE_DELETE) command.method = GANTRY_LIT("DELETE");
  }
  command.url = TEXT(url);
  command.segments = body;
  command.segment_count = segments;
  return emit(sink, &command);
}

static gantry_status head(operation *op, const gantry_event *event, const gantry_sink *sink) {
  op->status = event->code;
  if (op->kind != GANTRY_OP_FILE_CONTENT || event->code / 100 != 2) return GANTRY_OK;
  gantry_command command = {.kind = GANTRY_CMD_PIPE, .request = event->request};
  return emit(sink, &command);
}

static gantry_status take(operation *op, const gantry_event *event, const gantry_sink *sink) {
  if (op->streams && op->status / 100 == 2) {
    if (event->data.len == 6 && !memcmp(event->data.ptr, "[DONE]", 6)) return GANTRY_OK;
    gantry_command command = {.kind = GANTRY_CMD_OUTPUT, .data = event->data, .text = event->text};
    return emit(sink, &command);
  }
  uint8_t *grown = op->length + event->data.len < 16u << 20 ? realloc(op->body, op->length + event->data.len + 1) : NULL;
  if (!grown) return fail(sink, GANTRY_ERR_UPSTREAM_PROTOCOL, 0, "The provider's answer is too large.", "");
  op->body = grown;
  memcpy(grown + op->length, event->data.ptr, event->data.len);
  op->length += event->data.len;
  return GANTRY_OK;
}

static gantry_status finish(const gantry_sink *sink, gantry_slice result) {
  gantry_command command = {.kind = GANTRY_CMD_RESULT, .data = result};
  return emit(sink, &command);
}

static gantry_status end(operation *op, const gantry_sink *sink) {
  gantry_command note = {.kind = GANTRY_CMD_REMEMBER, .text = GANTRY_LIT("file")};
  gantry_slice body = {op->body, op->length};
  char result[256] = "{\"id\":\"";
  gantry_status status;
  int is_gone = op->kind == GANTRY_OP_FILE_DELETE && op->status == 404;
  if (op->status / 100 != 2 && !is_gone)
    return fail(sink, op->status == 404 ? GANTRY_ERR_NOT_FOUND : GANTRY_ERR_UPSTREAM_UNAVAILABLE, (uint32_t)op->status,
                "The provider refused the request.", "");
  if (op->streams || op->kind == GANTRY_OP_FILE_CONTENT) return finish(sink, GANTRY_LIT("{}"));
  if (op->kind == GANTRY_OP_CHAT) {
    if (op->length < 2 || op->body[0] != '{' || op->body[op->length - 1] != '}')
      return fail(sink, GANTRY_ERR_UPSTREAM_PROTOCOL, 0, "The provider's answer is no JSON object.", "");
    return finish(sink, body);
  }
  if (op->kind == GANTRY_OP_FILE_DELETE) {
    note.kind = GANTRY_CMD_FORGET;
  } else if (!member(body, "id", op->id, sizeof op->id)) {
    return fail(sink, GANTRY_ERR_UPSTREAM_PROTOCOL, 0, "The provider's answer has no id.", "");
  }
  note.data = TEXT(op->id);
  status = op->kind == GANTRY_OP_FILE_GET ? GANTRY_OK : emit(sink, &note);
  if (status) return status;
  append(result, sizeof result, op->id);
  append(result, sizeof result, op->kind == GANTRY_OP_FILE_DELETE ? "\",\"deleted\":true}" : "\",\"status\":\"processed\"}");
  return finish(sink, TEXT(result));
}

static gantry_status op_step(gantry_op *stepped, const gantry_event *lent, const gantry_sink *sink) {
  operation *op = (operation *)stepped;
  gantry_event event = {0};
  memcpy(&event, lent, lent->size < sizeof event ? lent->size : sizeof event);
  switch (event.kind) {
  case GANTRY_EV_START: return start(op, &event, sink);
  case GANTRY_EV_HEAD: return head(op, &event, sink);
  case GANTRY_EV_DATA: return take(op, &event, sink);
  case GANTRY_EV_END: return end(op, sink);
  case GANTRY_EV_FAILED: return fail(sink, GANTRY_ERR_UPSTREAM_UNAVAILABLE, 503, "The provider cannot be reached.", "");
  case GANTRY_EV_CANCEL: return fail(sink, GANTRY_ERR_CANCELLED, 0, "The client is gone.", "");
  default: return GANTRY_OK;
  }
}

GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t host_minor) {
  static gantry_plugin table;
  (void)host_minor;
  table = (gantry_plugin){
      .size = sizeof table, .abi_minor = 0, .needs_minor = 0, .flags = GANTRY_PF_PARALLEL | GANTRY_PF_OPENAI_WIRE,
      .ops = OPERATIONS, .id = GANTRY_LIT("minor0"), .version = GANTRY_LIT("1.0.0"),
      .describe = GANTRY_LIT("{\"params\":{\"api_key\":{\"kind\":\"secret\"},\"api_base\":{\"kind\":\"endpoint\"}},"
                             "\"content_purposes\":[\"*\"]}"),
      .instance_new = instance_new, .instance_free = instance_free, .target_new = target_new,
      .target_free = target_free, .op_new = op_new, .op_step = op_step, .op_free = op_free};
  return &table;
}
