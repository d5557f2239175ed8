#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs what is missing of the packages named in tests/packages and tests/lab/packages.outer.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=suites.sh
. "$here/suites.sh"

missing=()
while read -r package; do
        dpkg-query -W -f '${db:Status-Abbrev}\n' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done < <(suite_packages "$(suite_here)" "$here/packages" "$here/lab/packages.outer")

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
        echo "missing: ${missing[*]}; become root, or install them" >&2
        exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=600 -qq update
apt-get -o DPkg::Lock::Timeout=600 -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
