#include "plugin.h"

#include <stdlib.h>
#include <string.h>

bool text_append(struct text *text, const void *bytes, size_t length) {
    char *grown = realloc(text->bytes, text->length + length + 1);
    if (grown == NULL) return false;
    if (length > 0) memcpy(grown + text->length, bytes, length);
    text->bytes = grown;
    text->length += length;
    return true;
}

static bool append_escape(struct text *text, uint8_t byte) {
    static const char digits[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    return text_append(text, escape, sizeof escape);
}

bool text_append_json(struct text *text, gantry_slice value) {
    bool is_good = text_append(text, "\"", 1);
    for (size_t i = 0; is_good && i < value.len; i++) {
        uint8_t byte = value.ptr[i];
        bool is_plain = byte >= 0x20 && byte != '"' && byte != '\\';
        is_good = is_plain ? text_append(text, &byte, 1) : append_escape(text, byte);
    }
    return is_good && text_append(text, "\"", 1);
}

bool text_is(const struct text *text, const char *other) { return slice_is(slice_of(text), other); }

void text_free(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}

gantry_slice slice_of(const struct text *text) {
    return (gantry_slice){(const uint8_t *)text->bytes, text->length};
}

bool slice_is(gantry_slice slice, const char *other) {
    return slice.len == strlen(other) && (slice.len == 0 || memcmp(slice.ptr, other, slice.len) == 0);
}

uint64_t milliseconds(gantry_slice seconds) {
    uint64_t value = 0;
    if (seconds.len == 0 || seconds.len > 6) return 0;
    for (size_t i = 0; i < seconds.len; i++) {
        if (seconds.ptr[i] < '0' || seconds.ptr[i] > '9') return 0;
        value = value * 10 + (uint64_t)(seconds.ptr[i] - '0');
    }
    return value * 1000;
}

/* ---- reader ----------------------------------------------------------------- */

struct reader reader_of(gantry_slice json) {
    return (struct reader){.at = json.ptr, .end = json.len > 0 ? json.ptr + json.len : json.ptr, .is_first = true};
}

static bool fail_reading(struct reader *reader) {
    reader->failed = true;
    return false;
}

/* The next byte that is no space; 0 at the end. */
static uint8_t peek(struct reader *reader) {
    while (reader->at != reader->end && (*reader->at == ' ' || (*reader->at >= '\t' && *reader->at <= '\r')))
        reader->at++;
    return reader->at != reader->end ? *reader->at : 0;
}

static bool take(struct reader *reader, uint8_t expected) {
    if (reader->failed || peek(reader) != expected) return fail_reading(reader);
    reader->at++;
    return true;
}

bool begin_object(struct reader *reader) { return take(reader, '{'); }

bool next_member(struct reader *reader, struct text *name) {
    if (reader->failed) return false;
    if (peek(reader) == '}') {
        reader->at++;
        if (peek(reader) != 0 || reader->at != reader->end) fail_reading(reader);
        return false;
    }
    if (!reader->is_first && !take(reader, ',')) return false;
    reader->is_first = false;
    return read_string(reader, name) && take(reader, ':');
}

/* Turns what stands after a backslash into its byte; 0 for \u, which the host writes for control characters alone. */
static uint8_t unescaped(uint8_t letter) {
    switch (letter) {
    case '"':
    case '\\':
    case '/': return letter;
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    default: return 0;
    }
}

bool read_string(struct reader *reader, struct text *value) {
    if (!take(reader, '"') || !text_append(value, "", 0)) return fail_reading(reader);
    while (reader->at != reader->end) {
        uint8_t byte = *reader->at++;
        if (byte == '"') return true;
        if (byte == '\\') byte = reader->at != reader->end ? unescaped(*reader->at++) : 0;
        if (byte == 0 || !text_append(value, &byte, 1)) break;
    }
    return fail_reading(reader);
}

bool read_secret(struct reader *reader, struct text *name) {
    struct text key = {0};
    bool is_good = take(reader, '{') && read_string(reader, &key) && text_is(&key, "secret") && take(reader, ':')
        && read_string(reader, name) && name->length > 0 && take(reader, '}');
    text_free(&key);
    return is_good || fail_reading(reader);
}
