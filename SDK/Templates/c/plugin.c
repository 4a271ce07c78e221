/* acme: chat completions of a server that speaks OpenAI's wire format.
 *
 * The host reads and writes the network; a plugin says what is to be sent and what becomes of the answer. So this is a
 * state machine: op_step gets one event and emits commands. gantry_plugin.h has every rule. */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the host is told -------------------------------------------------- */

#define SLICE(text) ((gantry_slice){(const uint8_t *)(text), sizeof(text) - 1})

static gantry_status fail(const gantry_sink *sink, int32_t reason, gantry_slice message, gantry_slice parameter) {
    gantry_command command = {.size = sizeof command, .kind = GANTRY_CMD_ERROR};
    command.code = reason;
    command.data = message;
    command.text = parameter;
    return sink->emit(sink->ctx, &command);
}

/* ---- instance: one manifest ------------------------------------------------- */

struct gantry_instance {
    const gantry_host *host; /* valid as long as the instance; log, random and sign are there */
};

static gantry_status instance_new(const gantry_host *host, gantry_slice config, const gantry_sink *why,
                                  gantry_instance **out) {
    struct reader reader = reader_of(config);
    struct text name = {0};
    bool is_empty = begin_object(&reader) && !next_member(&reader, &name) && !reader.failed;
    if (!is_empty) fail(why, GANTRY_ERR_INVALID, SLICE("acme takes no `configuration`; remove it."), slice_of(&name));
    text_free(&name);
    if (!is_empty) return GANTRY_E_INVALID;
    *out = malloc(sizeof **out);
    if (*out == NULL) return GANTRY_E_NOMEM;
    (*out)->host = host;
    return GANTRY_OK;
}

static void instance_free(gantry_instance *instance) { free(instance); }

/* ---- target: one deployment ------------------------------------------------- */

struct gantry_target {
    struct text url;    /* where chat completions are asked for */
    struct text secret; /* the name of the key's value, which the host alone knows; empty without a key */
};

static void target_free(gantry_target *target) {
    if (target == NULL) return;
    text_free(&target->url);
    text_free(&target->secret);
    free(target);
}

/* The base without slashes at its end, and the path; false for what is no URL or if there is no memory. */
static bool make_url(struct text *url, const struct text *base) {
    static const char path[] = "/chat/completions";
    size_t length = base->length;
    while (length > 0 && base->bytes[length - 1] == '/') length--;
    bool is_http = length > 7 && memcmp(base->bytes, "http://", 7) == 0;
    bool is_https = length > 8 && memcmp(base->bytes, "https://", 8) == 0;
    if (!is_http && !is_https) return false;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)base->bytes[i];
        if (byte <= ' ' || byte >= 0x7f || strchr("?#@\\", byte) != NULL) return false;
    }
    return text_append(url, base->bytes, length) && text_append(url, path, sizeof path - 1);
}

/* Reads one parameter; on failure the command that says why has been emitted. */
static bool read_parameter(gantry_target *target, const struct text *name, struct reader *reader,
                           const gantry_sink *why) {
    struct text value = {0};
    gantry_slice message = SLICE("");
    if (text_is(name, "model")) {
        /* The requests name it: the host says what the provider calls it. */
        if (!read_string(reader, &value)) message = SLICE("`model` must be a text.");
    } else if (text_is(name, "api_base")) {
        if (!read_string(reader, &value) || !make_url(&target->url, &value))
            message = SLICE("`api_base` must be an http or https URL, such as https://api.acme.example/v1.");
    } else if (text_is(name, "api_key")) {
        if (!read_secret(reader, &target->secret))
            message = SLICE("`api_key` must be a text, such as os.environ/ACME_API_KEY.");
    } else {
        message = SLICE("acme does not know this parameter; it has model, api_base and api_key.");
    }
    text_free(&value);
    if (message.len > 0) fail(why, GANTRY_ERR_INVALID, message, slice_of(name));
    return message.len == 0;
}

static gantry_status target_new(gantry_instance *instance, gantry_slice params, const gantry_sink *why,
                                gantry_target **out) {
    (void)instance;
    struct reader reader = reader_of(params);
    struct text name = {0};
    bool is_good = true;
    gantry_target *target = calloc(1, sizeof *target);
    if (target == NULL) return GANTRY_E_NOMEM;
    begin_object(&reader);
    while (is_good && next_member(&reader, &name)) {
        is_good = read_parameter(target, &name, &reader, why);
        text_free(&name);
    }
    text_free(&name);
    if (is_good && (reader.failed || target->url.length == 0)) {
        fail(why, GANTRY_ERR_INVALID, SLICE("acme needs `api_base`: set it in the deployment."), SLICE("api_base"));
        is_good = false;
    }
    if (is_good) *out = target;
    else target_free(target);
    return is_good ? GANTRY_OK : GANTRY_E_INVALID;
}

/* ---- operation: one chat completion ----------------------------------------- */

/* Any number but 0 will do: there is one request at a time. */
enum { REQUEST = 1 };
enum state { BEGINS, AWAITS_HEAD, PIPES, READS_REFUSAL, IS_OVER };

struct gantry_op {
    const gantry_target *target;
    enum state state;
    int32_t status;       /* the provider's, while its refusal is read */
    uint64_t retry_after; /* in milliseconds */
};

static gantry_status op_new(gantry_target *target, uint32_t kind, gantry_op **out) {
    if (kind != GANTRY_OP_CHAT) return GANTRY_E_UNSUPPORTED;
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return GANTRY_E_NOMEM;
    (*out)->target = target;
    return GANTRY_OK;
}

static void op_free(gantry_op *op) { free(op); }

static gantry_status end_badly(gantry_op *op, const gantry_sink *sink, int32_t reason, uint32_t flags,
                               gantry_slice message) {
    gantry_command command = {.size = sizeof command, .kind = GANTRY_CMD_ERROR, .flags = flags};
    op->state = IS_OVER;
    command.code = reason;
    command.upstream = (uint32_t)op->status;
    command.value = op->retry_after;
    command.data = message;
    return sink->emit(sink->ctx, &command);
}

static gantry_status send_request(gantry_op *op, const gantry_segment *segments, size_t count,
                                  const gantry_sink *sink) {
    gantry_pair headers[] = {
        {SLICE("Content-Type"), SLICE("application/json"), SLICE("")},
        {SLICE("Authorization"), SLICE("Bearer "), slice_of(&op->target->secret)},
    };
    gantry_command command = {.size = sizeof command, .kind = GANTRY_CMD_HTTP, .request = REQUEST};
    command.code = GANTRY_FRAME_RAW; /* the only framing of which an answer can be piped */
    command.method = SLICE("POST");
    command.url = slice_of(&op->target->url);
    command.pairs = headers;
    command.pair_count = op->target->secret.length > 0 ? 2 : 1;
    command.segments = segments;
    command.segment_count = count;
    op->state = AWAITS_HEAD;
    return sink->emit(sink->ctx, &command);
}

/* A range of the client's request, which the host still holds; an empty one would mean all of the rest. */
static size_t add_input(gantry_segment *segments, size_t count, uint64_t from, uint64_t to) {
    if (from == to) return count;
    segments[count] = (gantry_segment){.kind = GANTRY_SEG_INPUT, .offset = from, .length = to - from};
    return count + 1;
}

/* The client's request with the model's name replaced by the provider's: a few pieces, not a copy. */
static gantry_status start(gantry_op *op, const gantry_event *event, const gantry_sink *sink) {
    size_t refs = GANTRY_HAS(event, ref_count) ? event->ref_count : 0, count = 0;
    uint64_t position = 0, length = GANTRY_HAS(event, data) ? event->data.len : 0;
    gantry_status status = GANTRY_OK;
    gantry_segment *segments = calloc(2 * refs + 1, sizeof *segments);
    struct text *names = calloc(refs + 1, sizeof *names);
    if (segments == NULL || names == NULL) status = GANTRY_E_NOMEM;
    for (size_t i = 0; i < refs && status == GANTRY_OK; i++) {
        const gantry_ref *ref = &event->refs[i];
        if (ref->kind != GANTRY_REF_MODEL) {
            status = end_badly(op, sink, GANTRY_ERR_UNSUPPORTED, 0, SLICE("acme takes no files or earlier responses."));
            break;
        }
        if (ref->offset < position || ref->offset > length || ref->length > length - ref->offset) {
            status = GANTRY_E_INVALID;
        } else if (!text_append_json(&names[i], ref->upstream_id)) {
            status = GANTRY_E_NOMEM;
        } else {
            count = add_input(segments, count, position, ref->offset);
            segments[count++] = (gantry_segment){.kind = GANTRY_SEG_BYTES, .bytes = slice_of(&names[i])};
            position = ref->offset + ref->length;
        }
    }
    if (status == GANTRY_OK && op->state == BEGINS) {
        count = add_input(segments, count, position, length);
        status = send_request(op, segments, count, sink);
    }
    for (size_t i = 0; names != NULL && i < refs; i++) text_free(&names[i]);
    free(names);
    free(segments);
    return status;
}

/* The answer goes to the client as it comes, streamed or not; a refusal is turned into a failure. */
static gantry_status head(gantry_op *op, const gantry_event *event, const gantry_sink *sink) {
    op->status = GANTRY_HAS(event, code) ? event->code : 0;
    if (op->status >= 200 && op->status < 300) {
        gantry_command command = {.size = sizeof command, .kind = GANTRY_CMD_PIPE, .request = REQUEST};
        op->state = PIPES;
        return sink->emit(sink->ctx, &command);
    }
    op->state = READS_REFUSAL;
    size_t count = GANTRY_HAS(event, pair_count) ? event->pair_count : 0;
    for (size_t i = 0; i < count; i++) {
        if (slice_is(event->pairs[i].name, "retry-after")) op->retry_after = milliseconds(event->pairs[i].value);
    }
    return GANTRY_OK;
}

static gantry_status refused(gantry_op *op, const gantry_sink *sink) {
    const uint32_t again = GANTRY_ERRF_RETRY | GANTRY_ERRF_FALLBACK;
    switch (op->status) {
    case 401:
    case 403:
        return end_badly(op, sink, GANTRY_ERR_UPSTREAM_AUTH, GANTRY_ERRF_FALLBACK,
                         SLICE("acme refused this deployment's credentials."));
    case 404: return end_badly(op, sink, GANTRY_ERR_NOT_FOUND, 0, SLICE("acme does not know this model."));
    case 413: return end_badly(op, sink, GANTRY_ERR_TOO_LARGE, 0, SLICE("The request is too large for acme."));
    case 429: return end_badly(op, sink, GANTRY_ERR_RATE_LIMIT, again, SLICE("acme has too many requests now."));
    default: break;
    }
    /* The provider's own words are not shown: they may quote the key. */
    if (op->status >= 500)
        return end_badly(op, sink, GANTRY_ERR_UPSTREAM_UNAVAILABLE, again, SLICE("acme is out of order."));
    if (op->status >= 400)
        return end_badly(op, sink, GANTRY_ERR_INVALID, 0, SLICE("acme refused the request as invalid."));
    return end_badly(op, sink, GANTRY_ERR_UPSTREAM_PROTOCOL, GANTRY_ERRF_FALLBACK,
                     SLICE("acme answered with a status that is not expected."));
}

static gantry_status end(gantry_op *op, const gantry_sink *sink) {
    gantry_command command = {.size = sizeof command, .kind = GANTRY_CMD_RESULT};
    if (op->state == READS_REFUSAL) return refused(op, sink);
    if (op->state == AWAITS_HEAD)
        return end_badly(op, sink, GANTRY_ERR_UPSTREAM_PROTOCOL, GANTRY_ERRF_FALLBACK,
                         SLICE("acme's answer has no head."));
    op->state = IS_OVER;
    command.data = SLICE("{}");
    return sink->emit(sink->ctx, &command);
}

static gantry_status failed(gantry_op *op, const gantry_event *event, const gantry_sink *sink) {
    const uint32_t again = GANTRY_ERRF_RETRY | GANTRY_ERRF_FALLBACK;
    switch (GANTRY_HAS(event, code) ? event->code : 0) {
    case GANTRY_NET_TIMEOUT:
        return end_badly(op, sink, GANTRY_ERR_UPSTREAM_TIMEOUT, again, SLICE("acme did not answer in time."));
    case GANTRY_NET_TOO_LARGE:
        return end_badly(op, sink, GANTRY_ERR_UPSTREAM_PROTOCOL, 0, SLICE("acme's answer is too large."));
    case GANTRY_NET_DENIED:
        return end_badly(op, sink, GANTRY_ERR_INTERNAL, 0, SLICE("The manifest's `hosts` do not allow this request."));
    default:
        return end_badly(op, sink, GANTRY_ERR_UPSTREAM_UNAVAILABLE, again, SLICE("acme could not be reached."));
    }
}

static gantry_status op_step(gantry_op *op, const gantry_event *event, const gantry_sink *sink) {
    if (op->state == IS_OVER) return GANTRY_OK;
    if (event->kind == GANTRY_EV_CANCEL)
        return end_badly(op, sink, GANTRY_ERR_CANCELLED, 0, SLICE("The client is gone."));
    if (op->state == BEGINS) return event->kind == GANTRY_EV_START ? start(op, event, sink) : GANTRY_OK;
    switch (event->kind) {
    case GANTRY_EV_HEAD: return op->state == AWAITS_HEAD ? head(op, event, sink) : GANTRY_OK;
    case GANTRY_EV_END: return end(op, sink);
    case GANTRY_EV_FAILED: return failed(op, event, sink);
    default: return GANTRY_OK; /* DATA of a refusal, and what newer hosts may send */
    }
}

/* ---- table ------------------------------------------------------------------ */

static const void *no_extension(const char *id) {
    (void)id;
    return NULL;
}

static const char description[] =
    "{\"params\": {\"api_base\": {\"kind\": \"endpoint\", \"env\": \"ACME_API_BASE\"},"
    " \"api_key\": {\"kind\": \"secret\", \"env\": \"ACME_API_KEY\"}}}";

static const gantry_plugin table = {
    .size = sizeof(gantry_plugin),
    .abi_minor = GANTRY_ABI_MINOR,
    .needs_minor = 0,
    .flags = GANTRY_PF_PARALLEL | GANTRY_PF_OPENAI_WIRE,
    .ops = UINT64_C(1) << GANTRY_OP_CHAT,
    .id = {(const uint8_t *)"acme", sizeof "acme" - 1},
    .version = {(const uint8_t *)"0.1.0", sizeof "0.1.0" - 1},
    .describe = {(const uint8_t *)description, sizeof description - 1},
    .instance_new = instance_new,
    .instance_free = instance_free,
    .target_new = target_new,
    .target_free = target_free,
    .op_new = op_new,
    .op_step = op_step,
    .op_free = op_free,
    .extension = no_extension,
};

const gantry_plugin *gantry_plugin_entry_v1(uint32_t host_minor) {
    (void)host_minor;
    return &table;
}
