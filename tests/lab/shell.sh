#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Boots a lab host with its console on this terminal and root logged in. The
# scenarios are in /usr/lib/usher-lab/scenarios, to be run by hand with bash;
# `poweroff -f`, or C-a x, ends it, and all that was changed is forgotten.

set -euo pipefail

usage() {
        cat <<'EOF'
usage: shell.sh [--machine NAME] [--append ARGS] [--suite SUITE] [--kernel=NAME]
                [--builddir DIR | --destdir DIR | --no-project]

  --machine NAME   the machine to boot, a function of machine.sh (default)
  --append ARGS    more of the kernel's command line
  the others       as build.sh; without one, the project it packed last
EOF
}

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/usher-lab.XXXXXX")
trap 'rm -rf "$work"' EXIT
. "$here/boot.sh"

name=default append='' suite=$base_suite kernel='' build=()
while [ $# -gt 0 ]; do
        case $1 in
                --machine) name=$2; shift 2 ;;
                --append) append=$2; shift 2 ;;
                --suite) suite=$2; shift 2 ;;
                --kernel=*) kernel=${1#*=}; kernel_known "$here" "$kernel" || exit 2; shift ;;
                --builddir | --destdir) build=("$1" "$2"); shift 2 ;;
                --no-project) build=("$1"); shift ;;
                --help) usage; exit 0 ;;
                *) usage >&2; exit 2 ;;
        esac
done

boot_prepare "${build[@]}"
boot_initrd project
machine_command "$name" "$work" "$base" "$boot" "$append"
"${machine[@]}" -serial mon:stdio -serial null -serial null
