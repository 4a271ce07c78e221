#include "gantry_templates.h"

static const unsigned char header[] = {
#embed "../CGantryPlugin/include/gantry_plugin.h"
};

const gantry_template_file gantry_template_files[] = {
    {"include/gantry_plugin.h", header, sizeof header},
    {NULL, NULL, 0},
};
