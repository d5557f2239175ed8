#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shows the main job in an emulated machine with real vfio-pci: devices before, plan, start, what the guest sees on its PCI bus, status, stop,
# devices after. Installs what is missing first. Some minutes, most of them for building that machine the first time.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
build=${USHER_BUILD:-$top/build}

"$here/install-packages.sh"
[ -e "$build/build.ninja" ] || meson setup "$build" "$top" --prefix=/usr --sysconfdir=/etc --localstatedir=/var >/dev/null
ninja -C "$build" --quiet
exec "$here/lab/run.sh" --builddir "$build" demo
