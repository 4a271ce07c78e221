#ifndef GANTRY_TEMPLATES_H
#define GANTRY_TEMPLATES_H
#include <stddef.h>

/* One file that `gantry plugin new` writes, for a plugin called acme. */
typedef struct gantry_template_file {
    const char *path; /* its language, and where it belongs in the plugin's folder */
    const unsigned char *bytes;
    size_t length;
} gantry_template_file;

/* All of them; the table ends with a null path. */
const gantry_template_file *gantry_templates(void);

#endif
