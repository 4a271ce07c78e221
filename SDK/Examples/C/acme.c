#include "gantry_plugin.h" /* a whole adapter: chat at a provider that speaks OpenAI's wire format */
#define BYTES(text) (gantry_segment) { .bytes = text }
#define INPUT(from, count) (gantry_segment) { .kind = GANTRY_SEG_INPUT, .offset = from, .length = count }

static gantry_status send_request(const gantry_event *e, const gantry_sink *sink) {
  gantry_pair headers[] = {{.name = GANTRY_LIT("Content-Type"), .value = GANTRY_LIT("application/json")},
    {.name = GANTRY_LIT("Authorization"), .value = GANTRY_LIT("Bearer "), .secret = GANTRY_LIT("acme_key")}};
  gantry_segment body[64]; size_t n = 0, at = 0; /* the client's request, model and files named as the provider does */
  for (size_t i = 0; i < e->ref_count; at = e->refs[i].offset + e->refs[i].length, i++) {
    if (n + 5 > 64) return GANTRY_E_LIMIT;
    body[n++] = INPUT(at, e->refs[i].offset - at), body[n++] = BYTES(GANTRY_LIT("\""));
    body[n++] = BYTES(e->refs[i].upstream_id), body[n++] = BYTES(GANTRY_LIT("\""));
  }
  body[n++] = INPUT(at, 0); /* 0: to its end */
  gantry_command http = {.size = sizeof http, .kind = GANTRY_CMD_HTTP, .request = 1, .code = GANTRY_FRAME_RAW,
    .method = GANTRY_LIT("POST"), .url = GANTRY_LIT("https://api.acme.example/v1/chat/completions"),
    .pairs = headers, .pair_count = 2, .segments = body, .segment_count = n};
  return sink->emit(sink->ctx, &http);
}

static gantry_status op_step(gantry_op *op, const gantry_event *e, const gantry_sink *sink) {
  gantry_command c = {.size = sizeof c, .request = 1};
  if (e->kind == GANTRY_EV_START) return send_request(e, sink);
  if (e->kind == GANTRY_EV_HEAD && e->code / 100 == 2) c.kind = GANTRY_CMD_PIPE;
  else if (e->kind == GANTRY_EV_END) c.kind = GANTRY_CMD_RESULT, c.data = GANTRY_LIT("{}");
  else if (e->kind == GANTRY_EV_HEAD || e->kind == GANTRY_EV_FAILED)
    c.kind = GANTRY_CMD_ERROR, c.code = GANTRY_ERR_UPSTREAM_UNAVAILABLE, c.data = GANTRY_LIT("Acme did not answer.");
  else return GANTRY_OK; /* CANCEL, and what later versions may send */
  return sink->emit(sink->ctx, &c);
}

typedef const gantry_sink why; /* nothing is kept for the plugin, for a deployment or for an operation */
static gantry_status instance_new(const gantry_host *h, gantry_slice c, why *w, gantry_instance **o) { return *o = (void *)h, 0; }
static gantry_status target_new(gantry_instance *i, gantry_slice p, why *w, gantry_target **o) { return *o = (void *)i, 0; }
static gantry_status op_new(gantry_target *t, uint32_t kind, gantry_op **o) { return *o = (void *)t, 0; }
static void instance_free(gantry_instance *i) {}
static void target_free(gantry_target *t) {}
static void op_free(gantry_op *op) {}
static const gantry_plugin acme = {.size = sizeof acme, .ops = 1u << GANTRY_OP_CHAT, .flags = GANTRY_PF_PARALLEL,
  .id = {(const uint8_t *)"acme", 4}, .version = {(const uint8_t *)"1.0.0", 5}, .instance_new = instance_new,
  .instance_free = instance_free, .target_new = target_new, .target_free = target_free, .op_new = op_new,
  .op_step = op_step, .op_free = op_free};
GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t host_minor) { return &acme; }
