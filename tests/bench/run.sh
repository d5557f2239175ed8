#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds usher, measures it natively and in the lab, and prints a table of figures, ratios and targets. Installs what is missing first. Fails if
# something could not be measured; never because of how long it took.

set -euo pipefail

usage() {
        cat <<'EOS'
usage: run.sh [native|lab]…

Without a word, both. About two minutes natively, ten in the lab. What was measured stays in $USHER_BENCH_BUILD (build-bench/), as
native.measures and lab.measures.
EOS
}

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
bench=${USHER_BENCH_BUILD:-$top/build-bench}

# compile PROGRAM
compile() {
        # shellcheck disable=SC2046 # flags
        cc -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wno-unused-parameter -o "$bench/$1" "$here/$1.c" \
                $(pkg-config --cflags --libs libsystemd)
}

# build NAME [OPTION…]
build() {
        local folder=$bench/$1
        shift
        [ -e "$folder/build.ninja" ] ||
                meson setup "$folder" "$top" --prefix=/usr --sysconfdir=/etc --localstatedir=/var -Dtests=false -Dman=false "$@" >/dev/null
        ninja -C "$folder" --quiet >&2
}

# The program that usherd starts as QEMU is chosen when it is built.
run_native() {
        build native "-Dqemu=$bench/stub-qemu"
        USHER_BUILD=$bench/native USHER_BENCH=$bench /usr/bin/python3 -B "$here/native.py" >"$bench/native.measures"
}

run_lab() {
        build lab
        rm -rf "$bench/stage"
        DESTDIR=$bench/stage meson install -C "$bench/lab" --no-rebuild --quiet >/dev/null
        install -D "$bench/caller" "$bench/stage/usr/lib/usher-bench/caller"
        "$top/tests/lab/run.sh" --destdir "$bench/stage" --timeout 1800 --logs "$bench/lab-logs" "$here/lab.sh" >"$bench/lab.measures" || {
                grep -v '^    measure ' "$bench/lab.measures" >&2
                return 1
        }
}

parts=("$@")
[ $# -gt 0 ] || parts=(lab native)
for part in "${parts[@]}"; do
        case $part in
                native | lab) ;;
                --help) usage; exit 0 ;;
                *) usage >&2; exit 2 ;;
        esac
done

"$top/tests/install-packages.sh"
mkdir -p "$bench"
compile stub-qemu
compile caller
files=()
for part in "${parts[@]}"; do
        "run_$part"
        files+=("$bench/$part.measures")
done
echo "$(date --utc +%F), $(nproc) processors, load before and now: $(cut -d' ' -f3 /proc/loadavg), $(cut -d' ' -f1 /proc/loadavg)"
"$here/table.py" "$(IFS=,; echo "${parts[*]}")" "${files[@]}"
