#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds what the lab boots: the lab host's disk, kernel and initrd, the same
# for the guests inside it, and an archive with the project as it is installed.
# All but the last comes from a cache keyed by what it is made of; the project
# travels as one more piece of the initrd, so a new build of it costs a second.

set -euo pipefail

usage() {
        cat <<'EOF'
usage: build.sh [--suite SUITE] [--kernel=NAME] [--output FILE]
                [--builddir DIR | --destdir DIR | --no-project]

  --suite SUITE    the Debian that the lab host is (bookworm)
  --kernel=NAME    also the kernel of kernels/NAME.config
  --builddir DIR   install the project from this configured meson build; for
                   another suite than this machine's, from DIR-SUITE, which is
                   compiled in a root of that suite (tests/suites.sh)
  --destdir DIR    take the project from this DESTDIR, installed already
  --no-project     a lab host without the project (as when neither is given)
  --output FILE    where the project's archive goes; without it, where run.sh
                   looks for it

Needs root and the packages in packages.outer. USHER_LAB_CACHE says where all
is kept, /var/cache/usher-lab by default; USHER_LAB_MIRROR names an apt source
(a URL, a line or a file) other than this machine's own.
EOF
}

here=$(cd "$(dirname "$0")" && pwd)
. "$here/initrd.sh"
. "$here/project.sh"
. "$here/base.sh"
. "$here/kernel.sh"

cache=${USHER_LAB_CACHE:-/var/cache/usher-lab}
suite=$base_suite kernel='' builddir='' destdir='' output=''
while [ $# -gt 0 ]; do
        case $1 in
                --suite) suite=$2; shift 2 ;;
                --kernel=*) kernel=${1#*=}; kernel_known "$here" "$kernel" || exit 2; shift ;;
                --builddir) builddir=$(realpath "$2"); shift 2 ;;
                --destdir) destdir=$(realpath "$2"); shift 2 ;;
                --no-project) builddir='' destdir=''; shift ;;
                --output) output=$2; shift 2 ;;
                --help) usage; exit 0 ;;
                *) usage >&2; exit 2 ;;
        esac
done

mkdir -p "$cache"
[ -z "$kernel" ] || kernel_keep "$here" "$kernel"
# Another suite need not wait.
exec 9>"$cache/lock-$suite"
flock 9

base=$(base_path "$here" "$suite")
if [ ! -e "$base/disk.img" ]; then
        echo "building the lab host into $base" >&2
        base_build "$here" "$suite" "$base"
        # Those of older trees, unless somebody goes back and forth.
        find "$cache" -maxdepth 1 -name 'base-*' -mtime +7 -exec rm -rf {} +
fi
touch "$base"

output=${output:-$cache/project-$suite.cpio}
project_pack "$suite" "$output.new" "$builddir" "$destdir"
mv "$output.new" "$output"
