/* What plugin.c needs of text.c: texts that grow, and a reader for the JSON that the host sends. */
#ifndef PLUGIN_H
#define PLUGIN_H
#include "gantry_plugin.h"

#include <stdbool.h>

/* Bytes of its own; begins as {0}. */
struct text {
    char *bytes;
    size_t length;
};

bool text_append(struct text *text, const void *bytes, size_t length);
bool text_append_json(struct text *text, gantry_slice value); /* in quotes, with escapes */
bool text_is(const struct text *text, const char *other);
void text_free(struct text *text);
gantry_slice slice_of(const struct text *text); /* lent: as long as the text is not changed */
bool slice_is(gantry_slice slice, const char *other);
uint64_t milliseconds(gantry_slice seconds); /* 0 for what is no number of seconds */

/* Reads an object of texts and of {"secret": NAME}. What is anything else fails, and nothing is read after that. */
struct reader {
    const uint8_t *at, *end;
    bool is_first, failed;
};

struct reader reader_of(gantry_slice json);
bool begin_object(struct reader *reader);
bool next_member(struct reader *reader, struct text *name); /* false at the end, or if it failed */
bool read_string(struct reader *reader, struct text *value);
bool read_secret(struct reader *reader, struct text *name);

#endif
