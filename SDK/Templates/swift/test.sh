#!/bin/sh
# Builds the plugin and lets Gantry check it: GANTRY=/path/to/gantry ./test.sh
set -eu
cd -- "$(dirname -- "$0")"
./build.sh
exec "${GANTRY:-gantry}" plugin check libgantry-plugin-acme.so
