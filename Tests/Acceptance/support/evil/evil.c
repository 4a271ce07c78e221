/* A provider adapter that is wrong in one way: EVIL_WRONG names it, EVIL_ID is the plugin's id.
 *
 * It serves chats by itself. A request whose text has "misbehave" in it makes it do what it does wrong; every other one
 * is answered well. Behaviours of the loader's time happen when the library is opened, or its instance or target made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <gantry_plugin.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3, LAST_SOCKET = 40, PIECE = 1 << 20 };

struct gantry_op {
  int is_evil, steps;
  gantry_sink sink;         /* kept, which is forbidden */
  gantry_slice kept;        /* the same */
  const gantry_sink *stale; /* the same */
};

static struct { int unused; } the_instance, the_target;
static char found[256] = "nothing";
static volatile sig_atomic_t signals;
/* What the compiler cannot know to be 0. */
static volatile uintptr_t zero;
#define FOR_EVER while (!zero)

static gantry_slice text(const char *string) { return (gantry_slice){(const uint8_t *)string, strlen(string)}; }

static gantry_command command(uint32_t kind) {
  gantry_command made;
  memset(&made, 0, sizeof made);
  made.size = sizeof made;
  made.kind = kind;
  return made;
}

static gantry_status answer(const gantry_sink *sink, const char *content) {
  char json[1024];
  snprintf(json, sizeof json,
           "{\"id\":\"chatcmpl-evil\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"evil\",\"choices\":"
           "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"finish_reason\":\"stop\"}]}",
           content);
  gantry_command result = command(GANTRY_CMD_RESULT);
  result.data = text(json);
  return sink->emit(sink->ctx, &result);
}

static gantry_status wait_for_timer(const gantry_sink *sink) {
  gantry_command wait = command(GANTRY_CMD_WAIT);
  wait.value = 1;
  return sink->emit(sink->ctx, &wait);
}

/* ---- what it does wrong in a step: an answer is given by whoever lives on ------------------------------------ */

#define STEP(name) \
  __attribute__((unused)) static gantry_status wrong_##name(gantry_op *op, const gantry_event *event, const gantry_sink *sink)
#define UNUSED (void)op, (void)event, (void)sink
#define SAY(...) \
  do { snprintf(found, sizeof found, __VA_ARGS__); return answer(sink, found); } while (0)

STEP(nothing) { UNUSED; return answer(sink, "fine"); }
STEP(null) { UNUSED; *(volatile int *)zero = 1; SAY("alive"); }
STEP(trap) { UNUSED; if (!zero) __builtin_trap(); SAY("alive"); }
STEP(abort) { UNUSED; abort(); }
STEP(exit) { UNUSED; exit(0); }
STEP(quick_exit) { UNUSED; _exit(0); }
STEP(loop) { UNUSED; FOR_EVER; SAY("alive"); }
STEP(wait) { UNUSED; int value = 0; FOR_EVER syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, 0, NULL); SAY("alive"); }
STEP(sleep) { UNUSED; FOR_EVER sleep(1000); SAY("alive"); }
STEP(stop) { UNUSED; raise(SIGSTOP); SAY("alive"); }
STEP(stderr) { UNUSED; static char line[4096]; memset(line, 'e', sizeof line); line[4095] = '\n';
  FOR_EVER if (write(2, line, sizeof line) < 0 && errno != EAGAIN) abort();
  SAY("alive"); }
static int deeper(volatile char *above) { volatile char here[65536]; here[0] = *above; return deeper(here) + here[0]; }
STEP(overflow) { UNUSED; char first = 1; SAY("%d", deeper(&first)); }
STEP(allocate) { UNUSED; FOR_EVER { char *more = malloc(PIECE); memset(more, 1, PIECE); __asm__ volatile("" : : "r"(more) : "memory"); }
  SAY("alive"); }
STEP(open) { UNUSED; SAY("%d", open("/etc/passwd", O_RDONLY)); }
STEP(create) { UNUSED; SAY("%d", open("/tmp/gantry-evil", O_WRONLY | O_CREAT, 0600)); }
STEP(unlink) { UNUSED; SAY("%d", unlink("/tmp/gantry-evil")); }
STEP(fork) { UNUSED; SAY("%d", fork()); }
STEP(clone) { UNUSED; SAY("%ld", syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)); }
STEP(exec) { UNUSED; char *words[] = {"/bin/true", NULL}; SAY("%d", execv(words[0], words)); }
static void *idle(void *nothing) { return nothing; }
STEP(thread) { UNUSED; pthread_t thread; SAY("%d", pthread_create(&thread, NULL, idle, NULL)); }
STEP(connect) { UNUSED; struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
  int descriptor = socket(AF_INET, SOCK_STREAM, 0); SAY("%d", connect(descriptor, (void *)&address, sizeof address)); }
static void ignore(int number) { signals += number; }
STEP(handlers) { UNUSED; for (int n = 1; n < 32; n++) signal(n, ignore); *(volatile int *)zero = 1; SAY("alive"); }
STEP(limits) { UNUSED; struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}; SAY("%d", setrlimit(RLIMIT_AS, &all)); }
STEP(kill) { UNUSED; SAY("%d", kill(getppid(), SIGKILL)); }
STEP(ptrace) { UNUSED; SAY("%ld", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)); }
STEP(peek) { UNUSED; char byte; struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
  SAY("%zd", process_vm_readv(1, &here, 1, &there, 1, 0)); }
STEP(executable) { UNUSED; void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SAY("%p", page); }
STEP(uring) { UNUSED; char parameters[256] = {0}; SAY("%ld", syscall(425, 4, parameters)); }
STEP(close) { UNUSED; for (int fd = FIRST_SOCKET; fd <= LAST_SOCKET; fd++) close(fd); SAY("alive"); }

static void send_all(const void *bytes, size_t length) {
  for (int fd = FIRST_SOCKET; fd <= LAST_SOCKET; fd++) send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}
STEP(garbage) { UNUSED; char bytes[500]; memset(bytes, 0xa5, sizeof bytes); send_all(bytes, sizeof bytes); SAY("alive"); }
STEP(zeros) { UNUSED; static char bytes[60000]; send_all(bytes, sizeof bytes); SAY("alive"); }
STEP(flood) { UNUSED; static char bytes[1000]; memset(bytes, 0xff, sizeof bytes); FOR_EVER send_all(bytes, sizeof bytes);
  SAY("alive"); }
STEP(empty) { UNUSED; send_all("", 0); SAY("alive"); }
STEP(random) { UNUSED; unsigned seed = 1;
  for (int i = 0; i < 200; i++) {
    char bytes[64];
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (char)(rand_r(&seed) >> 4);
    send_all(bytes, sizeof bytes);
  }
  SAY("alive"); }

STEP(wild) { UNUSED; gantry_command output = command(GANTRY_CMD_OUTPUT);
  output.data = (gantry_slice){(const uint8_t *)(zero + 0x1000), 64}; SAY("%d", sink->emit(sink->ctx, &output)); }
STEP(wild_pairs) { UNUSED; gantry_command http = command(GANTRY_CMD_HTTP);
  http.method = text("GET"), http.url = text("https://nowhere.invalid/");
  http.pairs = (const gantry_pair *)(zero + 0x1000), http.pair_count = 3; SAY("%d", sink->emit(sink->ctx, &http)); }
STEP(lengths) { UNUSED;
  gantry_command output = command(GANTRY_CMD_OUTPUT), pairs = command(GANTRY_CMD_HTTP), pieces = command(GANTRY_CMD_HTTP);
  static const gantry_pair pair; static const gantry_segment piece;
  output.data = (gantry_slice){(const uint8_t *)"x", SIZE_MAX};
  pairs.method = pieces.method = text("GET"), pairs.url = pieces.url = text("https://nowhere.invalid/");
  pairs.pairs = &pair, pairs.pair_count = SIZE_MAX / 16, pieces.segments = &piece, pieces.segment_count = SIZE_MAX / 8;
  SAY("%d %d %d", sink->emit(sink->ctx, &output), sink->emit(sink->ctx, &pairs), sink->emit(sink->ctx, &pieces)); }
STEP(kinds) { UNUSED; gantry_command none = command(0), next = command(GANTRY_CMD_ERROR + 1), last = command(UINT32_MAX);
  SAY("%d %d %d", sink->emit(sink->ctx, &none), sink->emit(sink->ctx, &next), sink->emit(sink->ctx, &last)); }
STEP(sizes) { UNUSED; gantry_command zero_sized = command(GANTRY_CMD_OUTPUT), cut = command(GANTRY_CMD_RESULT);
  zero_sized.size = 0, cut.size = 7;
  SAY("%d %d %d", sink->emit(sink->ctx, &zero_sized), sink->emit(sink->ctx, &cut), sink->emit(sink->ctx, NULL)); }
STEP(context) { UNUSED; gantry_command output = command(GANTRY_CMD_OUTPUT); SAY("%d", sink->emit((void *)(zero + 16), &output)); }
STEP(mute) { UNUSED; return GANTRY_OK; }
STEP(status) { UNUSED; return 42; }
STEP(twice) { UNUSED; answer(sink, "first"); for (int i = 0; i < 100; i++) answer(sink, "second"); return GANTRY_OK; }
STEP(kept) { if (op->steps == 0) { op->kept = event->data; op->sink = *sink; op->stale = sink; return wait_for_timer(sink); }
  size_t sum = 0; for (size_t i = 0; i < op->kept.len; i++) sum += op->kept.ptr[i];
  op->sink.emit(op->sink.ctx, NULL); op->stale->emit(op->stale->ctx, NULL); SAY("%zu", sum); }
STEP(in_free) { UNUSED; op->sink = *sink; return answer(sink, "fine"); }
/* Far more than fits, in one step. */
STEP(output) { UNUSED; static char piece[PIECE]; memset(piece, 'x', sizeof piece);
  gantry_command output = command(GANTRY_CMD_OUTPUT); output.data = (gantry_slice){(uint8_t *)piece, sizeof piece};
  int refused = 0; for (int i = 0; i < 256; i++) refused += sink->emit(sink->ctx, &output) != GANTRY_OK;
  SAY("%d", refused); }
/* The same in as many steps as it needs, each of which is allowed. */
STEP(stream) { UNUSED; static char piece[PIECE / 2]; memset(piece, 'x', sizeof piece);
  gantry_command output = command(GANTRY_CMD_OUTPUT); output.data = (gantry_slice){(uint8_t *)piece, sizeof piece};
  if (op->steps == 512) return answer(sink, "done");
  sink->emit(sink->ctx, &output); return wait_for_timer(sink); }
STEP(found) { UNUSED; return answer(sink, found); }

/* ---- what it does wrong while it is loaded ------------------------------------------------------------------ */

#define ON_LOAD(name) __attribute__((unused)) static void load_##name(void)
ON_LOAD(nothing) {}
ON_LOAD(null) { *(volatile int *)zero = 1; }
ON_LOAD(exit) { exit(0); }
ON_LOAD(loop) { FOR_EVER; }
ON_LOAD(fork) { snprintf(found, sizeof found, "%d", fork()); }
ON_LOAD(connect) { snprintf(found, sizeof found, "%d", socket(AF_INET, SOCK_STREAM, 0)); }
ON_LOAD(create) { snprintf(found, sizeof found, "%d", open("/tmp/gantry-evil", O_WRONLY | O_CREAT, 0600)); }
ON_LOAD(read) { int descriptor = open("/etc/passwd", O_RDONLY);
  snprintf(found, sizeof found, "%s", descriptor < 0 ? "refused" : "opened"); }
ON_LOAD(environment) { int descriptor = open("/proc/self/environ", O_RDONLY);
  snprintf(found, sizeof found, "%s", descriptor < 0 ? "refused" : "opened"); }

#ifndef EVIL_WRONG
#define EVIL_WRONG wrong_nothing
#endif
#ifndef EVIL_LOAD
#define EVIL_LOAD load_nothing
#endif
#ifndef EVIL_INSTANCE
#define EVIL_INSTANCE load_nothing
#endif
#ifndef EVIL_TARGET
#define EVIL_TARGET load_nothing
#endif

__attribute__((constructor)) static void opened(void) { EVIL_LOAD(); }

static gantry_status instance_new(const gantry_host *host, gantry_slice config, const gantry_sink *why, gantry_instance **out) {
  (void)host, (void)config, (void)why;
  EVIL_INSTANCE();
  *out = (gantry_instance *)&the_instance;
  return GANTRY_OK;
}
static void instance_free(gantry_instance *instance) { (void)instance; }
static gantry_status target_new(gantry_instance *instance, gantry_slice params, const gantry_sink *why, gantry_target **out) {
  (void)instance, (void)params, (void)why;
  EVIL_TARGET();
  *out = (gantry_target *)&the_target;
  return GANTRY_OK;
}
static void target_free(gantry_target *target) { (void)target; }

static gantry_status op_new(gantry_target *target, uint32_t kind, gantry_op **out) {
  (void)target, (void)kind;
  *out = calloc(1, sizeof(gantry_op));
  return *out ? GANTRY_OK : GANTRY_E_NOMEM;
}

static gantry_status op_step(gantry_op *op, const gantry_event *event, const gantry_sink *sink) {
  if (event->kind == GANTRY_EV_CANCEL) return answer(sink, "cancelled");
  if (event->kind == GANTRY_EV_START) op->is_evil = memmem(event->data.ptr, event->data.len, "misbehave", 9) != NULL;
  gantry_status status = op->is_evil ? EVIL_WRONG(op, event, sink) : answer(sink, "fine");
  op->steps++;
  return status;
}

static void op_free(gantry_op *op) {
  if (op->sink.emit) for (int i = 0; i < 100; i++) answer(&op->sink, "late");
  free(op);
}

const gantry_plugin *gantry_plugin_entry_v1(uint32_t host_minor) {
  static gantry_plugin table = {
      .size = sizeof(gantry_plugin),
      .abi_minor = GANTRY_ABI_MINOR,
      .ops = 1u << GANTRY_OP_CHAT,
      .flags = GANTRY_PF_PARALLEL,
      .instance_new = instance_new,
      .instance_free = instance_free,
      .target_new = target_new,
      .target_free = target_free,
      .op_new = op_new,
      .op_step = op_step,
      .op_free = op_free,
  };
  (void)host_minor;
  table.id = text(EVIL_ID);
  table.version = text("1.0.0");
  return &table;
}
