#ifndef GANTRY_TEMPLATES_H
#define GANTRY_TEMPLATES_H
#include <stddef.h>

/* One file that `gantry plugin new` writes. */
typedef struct gantry_template_file {
    const char *path;
    const unsigned char *bytes;
    size_t length;
} gantry_template_file;

/* All of them; ends with a null path. */
extern const gantry_template_file gantry_template_files[];

#endif
