/// A plugin in C that does what the data of a step's event names, or what it was compiled to do when it is opened.
///
/// What an act finds out goes out as the step's OUTPUT, or as the plugin's version.
enum MischievousPlugin {
    /// Options of the compiler for a library that does it in a constructor.
    static func whenOpened(_ act: String) -> [String] { ["-DWHEN_OPENED=\"\(act)\""] }

    static let source = """
        #define _GNU_SOURCE
        #include "gantry_plugin.h"
        #include <assert.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <locale.h>
        #include <poll.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/ptrace.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static const gantry_host *host;
        static char found[256] = "nothing";
        static void *idle(void *p) { return p; }
        static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
        static gantry_slice text(const char *s) { return (gantry_slice){(const uint8_t *)s, strlen(s)}; }
        static void reads(const char *path) {
          int f = open(path, O_RDONLY);
          snprintf(found, sizeof found, "%s", f < 0 ? strerror(errno) : "opened");
        }
        static void act(const char *what) {
          #define IF(name) if (!strcmp(what, name))
          IF("read passwd") reads("/etc/passwd");
          IF("read memory") reads("/proc/self/mem");
          IF("read environment") reads("/proc/self/environ");
          IF("write file") open("/tmp/gantry-evil", O_WRONLY | O_CREAT, 0600);
          IF("open device") open("/dev/null", O_RDWR);
          IF("unlink") unlink("/tmp/gantry-evil");
          IF("mkdir") mkdir("/tmp/gantry-evil", 0700);
          IF("socket") socket(AF_INET, SOCK_STREAM, 0);
          IF("unix socket") socket(AF_UNIX, SOCK_STREAM, 0);
          IF("connect") connect(3, NULL, 0);
          IF("fork") fork();
          IF("exec") execl("/bin/true", "true", NULL);
          IF("thread") { pthread_t t; pthread_create(&t, NULL, idle, NULL); }
          IF("ptrace") ptrace(PTRACE_ATTACH, 1, 0, 0);
          IF("kill") kill(1, 0);
          IF("signal handler") signal(SIGSEGV, SIG_IGN);
          IF("prctl") prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
          IF("sleep") usleep(1);
          IF("executable memory") mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          IF("make executable") mprotect(mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, 5);
          IF("null") { volatile int *volatile p = 0; *p = 1; }
          IF("trap") __builtin_trap();
          IF("abort") abort();
          IF("assert") assert(!"two is three");
          IF("exit") exit(3);
          IF("loop") for (;;) { __asm__ volatile(""); }
          IF("print") {
            for (int i = 0; i < 100000; i++) fprintf(stderr, "line %d\\n", i);
            for (int i = 0; i < 100000; i++) printf("line %d\\n", i);
            snprintf(found, sizeof found, "printed");
          }
          IF("time") {
            time_t now = time(NULL);
            struct tm *parts = localtime(&now);
            struct timespec s;
            struct timeval v;
            int ok = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &s) + clock_gettime(CLOCK_MONOTONIC, &s) + gettimeofday(&v, 0);
            char zone[32];
            strftime(zone, sizeof zone, "%Z", parts);
            snprintf(found, sizeof found, "%d %s %d", ok, zone, mktime(parts) == now);
          }
          IF("sort") {
            int *n = malloc(4000000);
            for (int i = 0; i < 1000000; i++) n[i] = (int)((i * 7919LL) % 1000003);
            qsort(n, 1000000, sizeof(int), ascending);
            snprintf(found, sizeof found, "%d", n[0] <= n[1] && n[999998] <= n[999999]);
            free(n);
          }
          IF("memory") {
            char *p = malloc(50 << 20);
            memset(p, 1, 50 << 20);
            p = realloc(p, 80 << 20);
            free(p);
            for (int i = 0; i < 1000; i++) { char *q = malloc(i * 100 + 1); q[0] = 1; if (i % 2) free(q); }
            snprintf(found, sizeof found, "%s", malloc(300 << 20) ? "more than the limit" : strerror(errno));
          }
          IF("descriptors") {
            struct pollfd p[16];
            char *end = found;
            for (int i = 0; i < 16; i++) p[i] = (struct pollfd){i, 0, 0};
            poll(p, 16, 0);
            for (int i = 0; i < 16; i++) if (!(p[i].revents & POLLNVAL)) end += sprintf(end, "%d ", i);
          }
          IF("environment") {
            extern char **environ;
            char *end = found;
            for (char **e = environ; *e; e++) end += sprintf(end, "%s ", *e);
          }
        }
        static void act_with_host(const char *what, const gantry_sink *sink) {
          uint8_t buffer[64] = {0};
          size_t length = sizeof buffer;
          IF("sign") {
            gantry_status s = host->sign(host->ctx, GANTRY_ALG_SHA256, text(""), text("data"), buffer, &length);
            snprintf(found, sizeof found, "%d %zu %d", s, length, buffer[0]);
          }
          IF("small buffer") {
            length = 4;
            gantry_status s = host->sign(host->ctx, GANTRY_ALG_SHA256, text(""), text("data"), buffer, &length);
            snprintf(found, sizeof found, "%d %zu", s, length);
          }
          IF("cache") {
            gantry_status put = host->cache_put(host->ctx, text("k"), text("value"), 1000);
            gantry_status got = host->cache_get(host->ctx, text("k"), buffer, &length);
            gantry_status none = host->cache_get(host->ctx, text("other"), buffer + 32, &(size_t){8});
            snprintf(found, sizeof found, "%d %d %.*s %d", put, got, (int)length, buffer, none);
          }
          IF("log") {
            gantry_pair field = {text("where"), text("here"), {0}};
            for (int i = 0; i < 1000; i++) host->log(host->ctx, GANTRY_LOG_WARN, text("attention"), &field, 1);
          }
          IF("host") {
            gantry_status s = host->random(host->ctx, buffer, sizeof buffer);
            int zeros = 0;
            for (size_t i = 0; i < sizeof buffer; i++) zeros += buffer[i] == 0;
            snprintf(found, sizeof found, "%d %d %d", s, zeros < 16, host->now_ms(host->ctx) > 1700000000000ull);
          }
          IF("states") {
            gantry_command http = {.size = sizeof http, .kind = GANTRY_CMD_HTTP, .request = 1, .method = text("GET"),
                                   .url = text("https://a.example/")};
            gantry_command pull = {.size = sizeof pull, .kind = GANTRY_CMD_PULL};
            int first = sink->emit(sink->ctx, &http), second = sink->emit(sink->ctx, &http);
            snprintf(found, sizeof found, "%d %d %d", first, second, sink->emit(sink->ctx, &pull));
          }
        }
        #ifdef WHEN_OPENED
        __attribute__((constructor)) static void opened(void) { act(WHEN_OPENED); }
        #endif

        static gantry_status instance_new(const gantry_host *h, gantry_slice c, const gantry_sink *w, gantry_instance **o) {
          host = h;
          if (c.len > 2) {
            gantry_command why = {.size = sizeof why, .kind = GANTRY_CMD_ERROR, .code = GANTRY_ERR_INVALID,
                                  .data = text("this is not wanted"), .text = text("key")};
            w->emit(w->ctx, &why);
            return GANTRY_E_INVALID;
          }
          *o = (gantry_instance *)1;
          return 0;
        }
        static void instance_free(gantry_instance *i) {}
        static gantry_status target_new(gantry_instance *i, gantry_slice p, const gantry_sink *w, gantry_target **o) {
          *o = (gantry_target *)1;
          return 0;
        }
        static void target_free(gantry_target *t) { printf("target freed\\n"); }
        static gantry_status op_new(gantry_target *t, uint32_t kind, gantry_op **o) {
          if (kind == GANTRY_OP_PROBE) return GANTRY_E_LIMIT;
          *o = (gantry_op *)1;
          return 0;
        }
        static gantry_status op_step(gantry_op *o, const gantry_event *e, const gantry_sink *sink) {
          char what[64] = {0};
          memcpy(what, e->data.ptr, e->data.len < 63 ? e->data.len : 63);
          IF("echo") {
            gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_OUTPUT, .data = e->text};
            return sink->emit(sink->ctx, &c);
          }
          act(what);
          act_with_host(what, sink);
          gantry_command c = {.size = sizeof c, .kind = GANTRY_CMD_OUTPUT, .data = text(found)};
          return sink->emit(sink->ctx, &c);
        }
        static void op_free(gantry_op *o) {}
        static gantry_plugin table = {
          .size = sizeof(gantry_plugin), .id = {(const uint8_t *)"tiny", 4}, .instance_new = instance_new,
          .instance_free = instance_free, .target_new = target_new, .target_free = target_free, .op_new = op_new,
          .op_step = op_step, .op_free = op_free };
        GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t minor) {
          table.version = text(found);
          return &table;
        }

        """
}
