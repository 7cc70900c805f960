# Sourced by tests/run and examples/run: what a machine needs, how to get it, how to build.
#
#   setup_packages build|test    finds what is missing; installs it where that is possible
#   setup_build DIR CC ARGS...   configures and builds into DIR
#   say TEXT                     a line of progress

say() { printf '== %s\n' "$*"; }

# One line per need: which set | how to see that it is there | Debian and Ubuntu | openEuler, Kylin
# A look is cmd:NAME, pc:MODULE or fn:SHELL_FUNCTION. docs/packages.md shows the same names.
setup_needs() {
    cat <<'NEEDS'
build|fn:has_cc|gcc|gcc
build|fn:has_libc|libc6-dev|glibc-devel
build|cmd:make|make|make
build|cmd:cmake|cmake|cmake
build|fn:has_pkg_config|pkg-config|pkgconf
build|pc:yaml-0.1|libyaml-dev|libyaml-devel
build|pc:sqlite3|libsqlite3-dev|sqlite-devel
build|pc:jansson|libjansson-dev|jansson-devel
build|pc:libsodium|libsodium-dev|libsodium-devel
build|fn:has_geos|libgeos-dev|geos-devel
build|pc:libpcre2-8|libpcre2-dev|pcre2-devel
build|pc:zlib|zlib1g-dev|zlib-devel
build|pc:libpq|libpq-dev|libpq-devel
build|fn:has_zones|tzdata|tzdata
test|pc:cmocka|libcmocka-dev|libcmocka-devel
test|cmd:python3|python3|python3
test|fn:has_cxx|g++|gcc-c++
test|cmd:clang|clang|clang
test|fn:has_clang_rt|@clang_rt|compiler-rt
test|fn:has_pg_server|postgresql|postgresql-server
test|cmd:swig|swig|swig
test|fn:has_python_dev|python3-dev|python3-devel
test|fn:has_pip|python3-pip|python3-pip
test|fn:has_setuptools|python3-setuptools|python3-setuptools
test|fn:has_venv|python3-venv|python3
test|fn:has_lua|lua5.4|lua
test|fn:has_lua_dev|liblua5.4-dev|lua-devel
test|cmd:luarocks|luarocks|luarocks
test|cmd:hledger|hledger|hledger
NEEDS
}

has() { command -v "$1" >/dev/null 2>&1; }
has_cc() { has gcc || has clang || has cc; }
has_cxx() { has g++ || has clang++ || has c++; }
has_pkg_config() { has pkg-config || has pkgconf; }
has_geos() { pkg-config --exists geos 2>/dev/null || has geos-config; }
has_zones() { test -e /usr/share/zoneinfo/Asia/Shanghai; }
has_pg_server() { "$setup_root/tests/support/postgres.sh" available >/dev/null 2>&1; }
has_lua() { has lua5.4 || { has lua && lua -e 'os.exit(_VERSION == "Lua 5.4" and 0 or 1)'; }; }
has_lua_dev() { pkg-config --exists lua5.4 2>/dev/null || pkg-config --exists 'lua >= 5.4' 2>/dev/null; }
has_python_dev() {
    python3 -c 'import os, sysconfig
p = os.path.join(sysconfig.get_paths()["include"], "Python.h")
raise SystemExit(not os.path.exists(p))' 2>/dev/null
}
has_pip() { python3 -m pip --version >/dev/null 2>&1; }
has_setuptools() { python3 -c 'import setuptools' 2>/dev/null; }
has_venv() { python3 -c 'import venv, ensurepip' 2>/dev/null; }
has_libc() {
    local cc
    for cc in gcc clang cc; do
        if has "$cc"; then
            printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
                "$cc" -x c - -o /dev/null 2>/dev/null
            return
        fi
    done
    return 1
}
has_clang_rt() {
    local out rc
    has clang || return 0
    out=$(mktemp) || return 1
    printf 'int main(void) { return 0; }\n' |
        clang -x c - -fsanitize=address,undefined -o "$out" 2>/dev/null
    rc=$?
    rm -f "$out"
    return "$rc"
}

setup_look() {
    case $1 in
    cmd:*) has "${1#cmd:}" ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    fn:*) "${1#fn:}" ;;
    esac
}

# setup_missing SET COLUMN: package names of what is missing, on one line.
setup_missing() {
    local set look deb rpm name
    setup_needs | while IFS='|' read -r set look deb rpm; do
        if [ "$set" = test ] && [ "$1" = build ]; then continue; fi
        if setup_look "$look"; then continue; fi
        if [ "$2" = deb ]; then name=$deb; else name=$rpm; fi
        if [ "$name" = @clang_rt ]; then name=libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev; fi
        printf '%s\n' "$name"
    done | awk '!seen[$0]++ { printf "%s%s", n++ ? " " : "", $0 }'
}

# setup_apt ARGS...: apt-get as root, quietly, never asking, never waiting long for a network.
setup_apt() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=1 \
        -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@" </dev/null >/dev/null 2>&1
}

# Installs by name, and only here does a script of ours ever touch the network.
setup_install() {
    local as_root='' one some=() clang=no
    if [ "$(id -u)" != 0 ]; then
        if has sudo && sudo -n true 2>/dev/null; then as_root='sudo -n'; else return 1; fi
    fi
    say "installing: $*"
    # clang brings its sanitizers as a recommendation; the others' recommendations are not needed
    for one in "$@"; do
        if [ "$one" = clang ]; then clang=yes; else some+=("$one"); fi
    done
    if [ ${#some[@]} -gt 0 ] && ! setup_apt --no-install-recommends install "${some[@]}"; then
        setup_apt update || return 1
        # one that this release does not have shall not keep the others away
        setup_apt --no-install-recommends install "${some[@]}" ||
            for one in "${some[@]}"; do setup_apt --no-install-recommends install "$one"; done
    fi
    [ $clang = no ] || setup_apt install clang || { setup_apt update && setup_apt install clang; }
}

# setup_packages build|test: returns 0 also when something stays missing; what needs it is then
# left out or skipped by whoever comes next.
setup_packages() {
    local missing kind=deb
    has apt-get || kind=rpm
    missing=$(setup_missing "$1" $kind)
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    if [ $kind = deb ] && [ -z "${GOV_NO_INSTALL:-}" ]; then
        setup_install $missing || say "could not install them"
        missing=$(setup_missing "$1" $kind)
    fi
    [ -n "$missing" ] || return 0
    if [ $kind = deb ]; then
        say "missing: $missing"
        say "install them with: apt-get install $missing"
    else
        say "missing: $missing"
        say "install them with: dnf install $missing"
    fi
    say "going on with what is there"
}

setup_jobs() { echo "${GOV_JOBS:-$(nproc 2>/dev/null || echo 2)}"; }

setup_cc() {
    local cc
    for cc in "${CC:-gcc}" gcc clang cc; do
        if has "$cc"; then
            echo "$cc"
            return
        fi
    done
    return 1
}

# setup_build DIR CC ARGS...
setup_build() {
    local dir=$1 cc=$2
    shift 2
    mkdir -p "$dir" || return 1
    if [ -f "$dir/CMakeCache.txt" ] && ! grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$setup_root" \
        "$dir/CMakeCache.txt"; then
        rm -rf "$dir" && mkdir -p "$dir" # the checkout was moved
    fi
    if ! cmake -S "$setup_root" -B "$dir" -G 'Unix Makefiles' -DCMAKE_C_COMPILER="$cc" "$@" \
        >"$dir/configure.log" 2>&1 </dev/null; then
        cat "$dir/configure.log"
        return 1
    fi
    if ! cmake --build "$dir" -j "$(setup_jobs)" >"$dir/build.log" 2>&1 </dev/null; then
        grep -vE '^\[ *[0-9]+%\]' "$dir/build.log" | tail -n 60
        return 1
    fi
    grep -E 'warning:' "$dir/build.log" || true
}

setup_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
