// What the benchmark asks of simdjson. Nothing else in the repository uses it.
#ifndef SIMDJSON_SCAN_H
#define SIMDJSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What simdjson found in a request, as offsets from its first byte.
typedef struct {
    size_t model_start;
    size_t model_end;
    size_t ids;
    uint64_t id_offsets; // the sum of the offsets of all ids, so that two ways can be compared
    bool stream;
} simdjson_scan;

typedef struct simdjson_scanner simdjson_scanner;

// Makes a scanner that keeps its memory from one request to the next.
simdjson_scanner *simdjson_scanner_new(void);
void simdjson_scanner_free(simdjson_scanner *scanner);

// Walks over every value with the On-Demand API. Escapes and numbers that nobody asks for are not checked by it.
// At least simdjson_padding() bytes after `length` have to be readable. Returns false if the text is refused.
bool simdjson_scan_on_demand(simdjson_scanner *scanner, const uint8_t *bytes, size_t length, simdjson_scan *scan);

// Checks the text as strictly as RFC 8259 does, by building the tree; finds nothing.
bool simdjson_parse_tree(simdjson_scanner *scanner, const uint8_t *bytes, size_t length);

size_t simdjson_padding(void);

// The instructions that were compiled in and the version, such as "haswell" and "3.0.1".
const char *simdjson_instructions(void);
const char *simdjson_version(void);

#endif
