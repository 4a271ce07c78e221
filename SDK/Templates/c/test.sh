#!/bin/sh
# Builds the plugin and lets Gantry check it: GANTRY=/path/to/gantry ./test.sh
set -eu
cd -- "$(dirname -- "$0")"
exec make check GANTRY="${GANTRY:-gantry}"
