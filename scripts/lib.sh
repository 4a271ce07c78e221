# shellcheck shell=bash
# What the scripts share. Source it; it runs nothing by itself.

# The project's folder.
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

# Where the products of a release build are.
# shellcheck disable=SC2034 # The scripts use it.
readonly release="$root/.build/release"

# say TEXT: one line about what happens, on stderr.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# fail TEXT: the same, and the end.
fail() {
    say "$*"
    exit 1
}

# usage: the comment on top of the script that runs.
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }

# as_root COMMAND…: runs it as root, through sudo where needed.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        fail "'$*' needs root: run this as root or install sudo."
    fi
}

# need_packages NAME…: installs the Debian packages of these that are missing.
need_packages() {
    local name missing=()
    for name in "$@"; do
        if ! dpkg-query --show --showformat='${Status}' "$name" 2>/dev/null | grep -q 'ok installed'; then
            missing+=("$name")
        fi
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v apt-get >/dev/null || fail "missing: ${missing[*]}. Install them; this is no Debian, so I cannot."
    say "installing from Debian: ${missing[*]}"
    as_root apt-get -qq update >/dev/null
    without_services apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# without_services COMMAND…: runs it as root with Debian's policy set to start no service of a new package.
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [[ -e $policy ]]; then
        as_root env DEBIAN_FRONTEND=noninteractive "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    as_root env DEBIAN_FRONTEND=noninteractive "$@" || status=$?
    as_root rm -f "$policy"
    return "$status"
}

# need_swift: finds the toolchain and installs what the build links against.
need_swift() {
    local folder
    if ! command -v swift >/dev/null; then
        for folder in /opt/swift/usr/bin /usr/local/swift/usr/bin /usr/share/swift/usr/bin \
            "${HOME:-/root}/.local/share/swiftly/bin"; do
            if [[ -x $folder/swift ]]; then
                PATH="$folder:$PATH"
                break
            fi
        done
    fi
    command -v swift >/dev/null || fail "there is no 'swift' in PATH: install Swift 6.3 or later from swift.org."
    need_packages binutils ca-certificates git libc6-dev libffi-dev libpq-dev libsqlite3-dev libstdc++-12-dev pkg-config tzdata \
        zlib1g-dev
}

# need_cargo: finds Rust, whose plugins are tested too, or installs Debian's.
need_cargo() {
    if ! command -v cargo >/dev/null && [[ -x ${HOME:-/root}/.cargo/bin/cargo ]]; then
        PATH="${HOME:-/root}/.cargo/bin:$PATH"
    fi
    command -v cargo >/dev/null || need_packages cargo
}

# build_release: builds every product for release.
build_release() {
    say "building release (the first time takes some minutes)"
    swift build --package-path "$root" --configuration release
}

# need_python: makes the virtual environment of the tests and sets $python.
need_python() {
    local requirements="$root/Tests/Acceptance/requirements.txt" stamp="$root/.venv/requirements.sha256" digest
    need_packages python3 python3-venv
    digest=$(sha256sum "$requirements" | cut -d ' ' -f 1)
    python="$root/.venv/bin/python"
    if [[ -x $python && -f $stamp && $(<"$stamp") == "$digest" ]]; then
        return
    fi
    say "installing from PyPI into .venv: $(grep -v '^#' "$requirements" | tr '\n' ' ')"
    rm -rf "$root/.venv"
    /usr/bin/python3 -m venv "$root/.venv"
    "$python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    printf '%s\n' "$digest" >"$stamp"
}

# build_core_module FOLDER SWIFTC-OPTION…: compiles Host/Core by itself, as a release does, into HostCore.o and its module.
build_core_module() {
    local folder=$1
    shift
    swiftc -whole-module-optimization -parse-as-library -package-name gantry -module-name HostCore -swift-version 6 \
        -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility "$@" \
        -emit-module -emit-module-path "$folder/HostCore.swiftmodule" -emit-object -o "$folder/HostCore.o" \
        "$root"/Host/Core/*.swift "$root"/Host/Core/*/*.swift
}
