/* Functions of a library that knows nothing of the gateway; test_functions.py binds them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int live;

/* "bad" is a model that there is not; all others have a longer name at the provider. */
int32_t acme_model(const char *model, uint8_t *out, size_t *length)
{
  if (strcmp(model, "bad") == 0) return 7;
  *length = (size_t)snprintf((char *)out, *length, "gpt-4o-%s", model);
  return 0;
}

int32_t acme_file(const char *id, const char *media_type, const char *filename, uint8_t *out, size_t *length)
{
  *length = (size_t)snprintf((char *)out, *length, "acme://%s?%s&%s", id, media_type, filename);
  return 0;
}

int32_t acme_sign(const char *method, const char *url, const uint8_t *body, size_t count, int64_t time, uint8_t *out,
                  size_t *length)
{
  const char *path = strstr(url, "/v1/");
  *length = (size_t)snprintf((char *)out, *length, "X-Acme-Signature: %s %s %zu\nX-Acme-Time: %d\n", method,
                             path ? path : "?", count, time > 1600000000000);
  return 0;
}

/* Adds a member to an object. */
static char *marked(const char *object, const char *member)
{
  char *text = malloc(strlen(object) + strlen(member) + 2);
  if (!text || object[0] != '{') { free(text); return NULL; }
  sprintf(text, "{%s,%s", member, object + 1);
  live++;
  return text;
}

char *acme_request(const char *body) { return marked(body, "\"user\":\"acme\""); }
char *acme_response(const char *body) { return marked(body, "\"acme\":true"); }

/* Refuses a request with the word "forbidden": GANTRY_E_INVALID. */
int32_t acme_check(const uint8_t *body, size_t count, uint8_t *out, size_t *length)
{
  size_t capacity = *length;
  *length = count;
  if (memmem(body, count, "forbidden", 9)) return -2;
  if (count > capacity) return -5;
  memcpy(out, body, count);
  return 0;
}

/* Leaves out events that have no content. */
char *acme_chunk(const char *data)
{
  if (!strstr(data, "\"content\":\"")) { live++; return calloc(1, 1); }
  return marked(data, "\"acme\":true");
}

void acme_free(void *text) { live--; free(text); }
int32_t acme_live(void) { return live; }
int64_t acme_count(const uint8_t *bytes, size_t count) { (void)bytes; return (int64_t)count; }
double acme_half(double number) { return number / 2; }
const char *acme_nothing(void) { return NULL; }
int32_t acme_status(int32_t status) { return status; }
int32_t acme_rest(int32_t seconds) { sleep((unsigned)seconds); return seconds; }
int32_t acme_null(void) { return *(volatile int32_t *)NULL; }

int32_t acme_reverse(const uint8_t *bytes, size_t count, uint8_t *out, size_t *length)
{
  size_t capacity = *length;
  *length = count;
  for (size_t i = 0; i < count && i < capacity; i++) out[i] = bytes[count - 1 - i];
  return 0;
}
