# What tools/test and tools/demo share; sourced by them.

# The oldest Swift that builds the package.
swift_needed=6.2

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

# need_packages PACKAGE:CHECK…
# Installs the Debian packages whose check fails, saying what it does; does nothing if none does.
need_packages() {
    local entry missing=()
    for entry in "$@"; do
        if ! eval "${entry#*:}" >/dev/null 2>&1; then
            missing+=("${entry%%:*}")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    if ! command -v apt-get >/dev/null; then
        die "Missing: ${missing[*]} (the names of Debian's packages). Please install them and try again."
    fi
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "Missing: ${missing[*]}. Please run as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "Installing ${missing[*]} with apt-get."
    "${root[@]}" apt-get update -qq </dev/null >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >&2 ||
        die "Could not install ${missing[*]}."
}

# Checks that a Swift toolchain is there and new enough.
need_swift() {
    local version
    command -v swift >/dev/null ||
        die "No Swift toolchain found. Please install Swift $swift_needed or later (https://www.swift.org/install)."
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    [ -n "$version" ] || die "The swift on the PATH does not say its version: $(command -v swift)"
    if [ "$(printf '%s\n' "$swift_needed" "$version" | sort -V | head -n 1)" != "$swift_needed" ]; then
        die "Swift $version is too old: $swift_needed or later is needed (https://www.swift.org/install)."
    fi
}

need_sqlite_library='libsqlite3-dev:test -e /usr/include/sqlite3.h || pkg-config --exists sqlite3'
need_sqlite_shell='sqlite3:command -v sqlite3'
