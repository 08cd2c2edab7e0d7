# shellcheck shell=bash
# What tools/test, tools/demo and Harness/clients/run share; they source it.

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
# Installs the Debian packages whose check fails, and prints what it installs.
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
    case " ${missing[*]} " in *' postgresql '*) keep_postgres_from_starting ;; esac
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >&2 ||
        die "Could not install ${missing[*]}."
}

# Checks that there is a Swift toolchain that is new enough.
need_swift() {
    local version
    command -v swift >/dev/null ||
        die "No Swift toolchain found. Please install Swift $swift_needed or later (https://www.swift.org/install)."
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
    [ -n "$version" ] || die "The swift on the PATH does not print its version: $(command -v swift)"
    if [ "$(printf '%s\n' "$swift_needed" "$version" | sort -V | head -n 1)" != "$swift_needed" ]; then
        die "Swift $version is too old: $swift_needed or later is needed (https://www.swift.org/install)."
    fi
}

# For need_packages, by the scripts that source this.
# shellcheck disable=SC2034
need_sqlite_library='libsqlite3-dev:test -e /usr/include/sqlite3.h || pkg-config --exists sqlite3'
# shellcheck disable=SC2034
need_sqlite_shell='sqlite3:command -v sqlite3'
# shellcheck disable=SC2034
need_postgres_library='libpq-dev:test -e /usr/include/postgresql/libpq-fe.h || pkg-config --exists libpq'
# shellcheck disable=SC2034
need_postgres='postgresql:postgres_programs'

# Prints the directory of the newest PostgreSQL's programs.
postgres_programs() {
    local folder
    folder=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t / -k 5 -n | tail -n 1)
    [ -x "$folder/initdb" ] && [ -x "$folder/psql" ] && echo "$folder"
}

# Debian's package creates and starts a cluster unless this setting forbids it.
keep_postgres_from_starting() {
    local settings=/etc/postgresql-common/createcluster.conf root=()
    if postgres_programs >/dev/null || [ -e "$settings" ]; then return 0; fi
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" mkdir -p "${settings%/*}" && echo 'create_main_cluster = false' | "${root[@]}" tee "$settings" >/dev/null
}

# Starts a PostgreSQL server in a temporary directory, and sets postgres_uri. Other servers on the machine are not used. The
# server stops with this shell, or by stop_postgres.
start_postgres() {
    coproc POSTGRES { exec python3 -B "$(dirname "${BASH_SOURCE[0]}")" postgres; }
    postgres_process=$POSTGRES_PID
    # For the script that sources this.
    # shellcheck disable=SC2034
    read -r postgres_uri <&"${POSTGRES[0]}" || die "PostgreSQL does not start."
}

# Stops the server that start_postgres has started, and removes its files.
stop_postgres() {
    [ -n "${postgres_process:-}" ] || return 0
    kill "$postgres_process" 2>/dev/null || true
    wait "$postgres_process" 2>/dev/null || true
    postgres_process=''
}
