/// A plugin in C whose operations do what their input says: a word, a space and what the word needs.
enum WorkerPlugin {
    static let source = """
        #define _GNU_SOURCE
        #include "gantry_plugin.h"
        #include <poll.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <time.h>
        #include <unistd.h>

        typedef struct { char word[64]; char rest[4096]; int lines; } op_state;
        static const gantry_host *host;
        static int target_count;
        static int op_count;

        static gantry_slice text(const char *s) { return (gantry_slice){(const uint8_t *)s, strlen(s)}; }
        static gantry_status say(const gantry_sink *sink, uint32_t kind, gantry_slice data) {
          gantry_command c = {.size = sizeof c, .kind = kind, .data = data};
          return sink->emit(sink->ctx, &c);
        }
        static gantry_status wait(const gantry_sink *sink, uint64_t ms) {
          gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_WAIT, .value = ms};
          return sink->emit(sink->ctx, &c);
        }
        static gantry_status done(const gantry_sink *sink, const char *s) {
          return say(sink, GANTRY_CMD_RESULT, text(s));
        }
        static int has(gantry_slice s, const char *word) {
          return s.len >= strlen(word) && memmem(s.ptr, s.len, word, strlen(word)) != NULL;
        }
        static gantry_status refuse(const gantry_sink *why, const char *message) {
          gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_ERROR, .code = GANTRY_ERR_INVALID,
                              .data = text(message), .text = text("key")};
          why->emit(why->ctx, &c);
          return GANTRY_E_INVALID;
        }

        static gantry_status instance_new(const gantry_host *h, gantry_slice c, const gantry_sink *w, gantry_instance **o) {
          host = h;
          if (has(c, "crash-instance")) __builtin_trap();
          if (has(c, "refuse-instance")) return refuse(w, "this configuration is not wanted");
          *o = (gantry_instance *)1;
          return 0;
        }
        static void instance_free(gantry_instance *i) {}
        static gantry_status target_new(gantry_instance *i, gantry_slice p, const gantry_sink *w, gantry_target **o) {
          if (has(p, "crash-target")) __builtin_trap();
          if (has(p, "refuse-target")) return refuse(w, "this target is not wanted");
          target_count++;
          *o = (gantry_target *)malloc(1);
          return 0;
        }
        static void target_free(gantry_target *t) { target_count--; free(t); }
        static gantry_status op_new(gantry_target *t, uint32_t kind, gantry_op **o) {
          if (kind == GANTRY_OP_PROBE) return GANTRY_E_LIMIT;
          *o = (gantry_op *)calloc(1, sizeof(op_state));
          op_count++;
          return 0;
        }
        static void op_free(gantry_op *o) {
          if (!strcmp(((op_state *)o)->word, "mortal")) __builtin_trap();
          op_count--;
          free(o);
        }

        static gantry_status begin(op_state *s, const gantry_event *e, const gantry_sink *sink) {
          const char *data = (const char *)e->data.ptr;
          size_t word = 0;
          while (word < e->data.len && word < sizeof s->word - 1 && data[word] != ' ') word++;
          memcpy(s->word, data, word);
          size_t rest = e->data.len > word ? e->data.len - word - 1 : 0;
          size_t kept = rest < sizeof s->rest - 1 ? rest : sizeof s->rest - 1;
          memcpy(s->rest, data + e->data.len - rest, kept);
          char line[256];
          if (!strcmp(s->word, "echo")) {
            say(sink, GANTRY_CMD_OUTPUT, text(s->rest));
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "length")) {
            unsigned sum = 0;
            for (size_t i = 0; i < e->data.len; i++) sum = sum * 31 + e->data.ptr[i];
            snprintf(line, sizeof line, "%zu %u %zu", e->data.len, sum, e->ref_count);
            return done(sink, line);
          }
          if (!strcmp(s->word, "large")) {
            size_t size = strtoul(s->rest, NULL, 10);
            uint8_t *bytes = malloc(size);
            if (!bytes) return GANTRY_E_NOMEM;
            memset(bytes, 'x', size);
            gantry_status status = say(sink, GANTRY_CMD_OUTPUT, (gantry_slice){bytes, size});
            free(bytes);
            return status ? status : done(sink, "{}");
          }
          if (!strcmp(s->word, "wait")) return wait(sink, strtoul(s->rest, NULL, 10));
          if (!strcmp(s->word, "stall")) return wait(sink, 50000);
          if (!strcmp(s->word, "http")) {
            gantry_segment body = {.kind = GANTRY_SEG_INPUT};
            gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_HTTP, .request = 1, .code = GANTRY_FRAME_LINES,
                                .method = text("POST"), .url = text(s->rest), .segments = &body, .segment_count = 1};
            return sink->emit(sink->ctx, &c);
          }
          if (!strcmp(s->word, "null")) { *(volatile int *)0 = 1; return 0; }
          if (!strcmp(s->word, "trap")) __builtin_trap();
          if (!strcmp(s->word, "exit")) _exit(3);
          if (!strcmp(s->word, "socket")) { socket(AF_INET, SOCK_STREAM, 0); return done(sink, "open"); }
          if (!strcmp(s->word, "loop")) for (;;) { __asm__ volatile(""); }
          if (!strcmp(s->word, "spin")) {
            struct timespec a, b;
            clock_gettime(CLOCK_MONOTONIC, &a);
            do clock_gettime(CLOCK_MONOTONIC, &b);
            while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < strtol(s->rest, NULL, 10));
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "sleep")) { poll(NULL, 0, 600000); return done(sink, "{}"); }
          if (!strcmp(s->word, "garbage")) {
            for (int fd = 4; fd < 12; fd++) (void)send(fd, "\\x02\\x03\\x00\\x00\\x09\\x00\\x00\\x00garbage!!", 17, MSG_NOSIGNAL);
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "answer")) {
            // A well-formed answer to a step that nobody has asked for.
            uint8_t packet[8 + 28] = {2, 3, 0, 0, 28, 0, 0, 0, 0xff, 0xff};
            for (int fd = 4; fd < 12; fd++) (void)send(fd, packet, sizeof packet, MSG_NOSIGNAL);
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "calls")) {
            // Asks for what is cached and takes no answer.
            uint8_t packet[8 + 32] = {4, 3, 0, 0, 32, 0, 0, 0, 2};
            for (int i = 0; i < 100000; i++) (void)send(4, packet, sizeof packet, MSG_NOSIGNAL);
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "last")) {
            // Asks, says something and is gone before the answer.
            uint8_t packet[8 + 32] = {4, 3, 0, 0, 32, 0, 0, 0, 2};
            (void)send(4, packet, sizeof packet, MSG_NOSIGNAL);
            host->log(host->ctx, GANTRY_LOG_WARN, text("last words"), NULL, 0);
            _exit(3);
          }
          if (!strcmp(s->word, "mortal")) return done(sink, "{}");
          if (!strcmp(s->word, "early")) {
            // The answer to a step that was sent after this one.
            uint8_t packet[8 + 28] = {2, 3, 0, 0, 28, 0, 0, 0, (uint8_t)strtoul(s->rest, NULL, 10)};
            poll(NULL, 0, 300);
            (void)send(4, packet, sizeof packet, MSG_NOSIGNAL);
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "status")) return GANTRY_E_INTERNAL;
          if (!strcmp(s->word, "log")) {
            gantry_pair field = {text("what"), text(s->rest), {0}};
            for (int i = 0; i < 2000; i++) host->log(host->ctx, GANTRY_LOG_WARN, text("a line"), &field, 1);
            return done(sink, "{}");
          }
          if (!strcmp(s->word, "sign")) {
            uint8_t out[1024]; size_t count = sizeof out;
            char *name = strchr(s->rest, ' ');
            gantry_status status = host->sign(host->ctx, strtoul(s->rest, NULL, 10), text(name ? name + 1 : ""),
                                              text("data"), out, &count);
            snprintf(line, sizeof line, "%d %zu", status, status ? 0 : count);
            for (size_t i = 0; !status && i < 4; i++) snprintf(line + strlen(line), 8, " %02x", out[i]);
            return done(sink, line);
          }
          if (!strcmp(s->word, "put")) {
            snprintf(line, sizeof line, "%d", host->cache_put(host->ctx, text("key"), text(s->rest), 60000));
            return done(sink, line);
          }
          if (!strcmp(s->word, "get")) {
            char out[1024] = {0}; size_t count = strtoul(s->rest, NULL, 10);
            gantry_status status = host->cache_get(host->ctx, text("key"), (uint8_t *)out, &count);
            snprintf(line, sizeof line, "%d %zu %s", status, count, status ? "" : out);
            return done(sink, line);
          }
          if (!strcmp(s->word, "pull")) { gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_PULL}; return sink->emit(sink->ctx, &c); }
          if (!strcmp(s->word, "remember")) {
            gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_REMEMBER, .data = text("id-1"), .text = text("file")};
            sink->emit(sink->ctx, &c);
            return wait(sink, 1);
          }
          if (!strcmp(s->word, "twice")) {
            gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_PULL};
            snprintf(line, sizeof line, "%d", sink->emit(sink->ctx, &c));
            return done(sink, line);
          }
          if (!strcmp(s->word, "targets")) { snprintf(line, sizeof line, "%d %d", target_count, getpid()); return done(sink, line); }
          if (!strcmp(s->word, "operations")) { snprintf(line, sizeof line, "%d", op_count); return done(sink, line); }
          return done(sink, "unknown");
        }

        static gantry_status op_step(gantry_op *o, const gantry_event *e, const gantry_sink *sink) {
          op_state *s = (op_state *)o;
          char line[256];
          switch (e->kind) {
          case GANTRY_EV_START: return begin(s, e, sink);
          case GANTRY_EV_TIMER:
            if (!strcmp(s->word, "remember")) __builtin_trap();
            return done(sink, "waited");
          case GANTRY_EV_HEAD: return 0;
          case GANTRY_EV_DATA: return say(sink, GANTRY_CMD_OUTPUT, e->data);
          case GANTRY_EV_END: return done(sink, "{}");
          case GANTRY_EV_FAILED: return done(sink, "failed");
          case GANTRY_EV_SOURCE: {
            s->lines++;
            if (!strcmp(s->rest, "say")) say(sink, GANTRY_CMD_OUTPUT, e->data);
            gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_PULL};
            return sink->emit(sink->ctx, &c);
          }
          case GANTRY_EV_SOURCE_END:
            snprintf(line, sizeof line, "%d lines", s->lines);
            return done(sink, line);
          case GANTRY_EV_CANCEL: {
            gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_FORGET, .data = text("id-1"), .text = text("file")};
            return sink->emit(sink->ctx, &c);
          }
          default: return 0;
          }
        }

        static gantry_plugin table = {
          .size = sizeof(gantry_plugin), .ops = 0xffffffff, .id = {(const uint8_t *)"tiny", 4},
          .version = {(const uint8_t *)"1.0", 3},
          .describe = GANTRY_LIT("{\\"params\\":{\\"key\\":{\\"kind\\":\\"secret\\"}}}"),
          .instance_new = instance_new, .instance_free = instance_free, .target_new = target_new,
          .target_free = target_free, .op_new = op_new, .op_step = op_step, .op_free = op_free };
        GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t minor) { return &table; }

        """
}
