#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the single tests in a meson test log: tally.py TESTLOG.json prints "PASSED FAILED".

Check and unittest say how many tests a program ran; a program that failed without saying so counts as one. A skip
counts as a failure."""

import json
import re
import sys


def tally(entry):
    text = entry.get("stdout", "") + entry.get("stderr", "")
    passed = failed = 0
    for checks, failures, errors in re.findall(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)", text):
        bad = int(failures) + int(errors)
        passed += int(checks) - bad
        failed += bad
    for ran in re.findall(r"^Ran (\d+) tests?", text, re.M):
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors|skipped|expected failures|unexpected successes)=(\d+)", text))
        passed += max(int(ran) - bad, 0)
        failed += bad
    for good, bad in re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M):
        passed += int(good)
        failed += int(bad)
    if entry["result"] != "OK" and failed == 0:
        failed = 1
    if entry["result"] == "OK" and passed + failed == 0:
        passed = 1
    return passed, failed


with open(sys.argv[1], encoding="utf-8") as log:
    results = [tally(json.loads(line)) for line in log if line.strip()]
print(sum(r[0] for r in results), sum(r[1] for r in results))
