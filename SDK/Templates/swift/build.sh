#!/bin/sh
# Builds libgantry-plugin-acme.so into this folder.
set -eu
cd -- "$(dirname -- "$0")"
swift build --configuration release --product gantry-plugin-acme
# Copied beside and moved: a gateway that watches the file never sees half of it.
cp .build/release/libgantry-plugin-acme.so libgantry-plugin-acme.so.new
mv libgantry-plugin-acme.so.new libgantry-plugin-acme.so
