#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# page.sh SCDOC <PAGE.scd
# The first line says that the page has tables for tbl(1), which scdoc leaves out (man(1), "Preprocessors").

printf '%s\n' "'\\\" t"
exec "$1"
