#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the table of a benchmark: table.py FILE… reads lines "measure FIGURE WHO VALUE" and prints medians with the range, ratios and targets.
Fails if a figure was not measured; never because of its value."""

import statistics
import sys

# What a target is held against: the daemon over a connection, or else the process of usherctl.
OWN = ("usher", "bus")
COLUMNS = ("floor", "script", "usher", "bus")


class Figure:
    """limit(medians) is what may not be exceeded; target is that in words."""

    def __init__(self, name, words, target="", limit=None, unit="ms", held="usher", most=False):
        self.name, self.words, self.target, self.limit, self.unit, self.held, self.most = name, words, target, limit, unit, held, most


def at_most(value):
    return lambda medians: value


def near_floor(medians):
    return medians["floor"] * 1.05 + 5


def twice_floor(medians):
    return medians["floor"] * 2


def five_times_quiet(medians):
    return medians["quiet"] * 5


def near_script(medians):
    return medians["script"] * 1.6


LAB = [
    Figure("bind", "bind a function", "floor + 5 % + 5 ms", near_floor, held="bus"),
    Figure("restore", "restore it", "floor + 5 % + 5 ms", near_floor, held="bus"),
    Figure("bind-cold", "bind, no helper running yet"),
    Figure("start", "request to vCPUs running, GPU and audio", "1.6 × script", near_script),
    Figure("start-prepare", "of that: devices bound, unit up"),
    Figure("start-qemu", "of that: QEMU until it runs"),
    Figure("kill", "force stop until QEMU is gone", held="bus"),
    Figure("kill-restored", "force stop until the devices are back"),
    Figure("stuck-call-p99", "ListGuests, 99th percentile, while a device is stuck", "2 × without", twice_floor, held="bus"),
    Figure("stuck-restart", "restart of usherd, while a device is stuck", "1000 ms", at_most(1000), held="bus"),
    Figure("process", "for comparison: `usherctl --version`"),
    Figure("empty-call", "for comparison: an empty call to usherd"),
    Figure("unit-rss", "resident, in its unit, after work", "5 MB", at_most(5), "MB", "bus"),
    Figure("unit-threads", "threads, in its unit", "1", at_most(1), "", "bus"),
    Figure("unit-wakeups", "wakeups in 60 s of idleness, in its unit", "0", at_most(0), "", "bus"),
]
NATIVE = [
    Figure("ready", "start of usherd to READY=1", "15 ms", at_most(15)),
    Figure("client-list", "`usherctl list`, the whole process", "5 ms", at_most(5)),
    Figure("call-list", "ListGuests"),
    Figure("call-list-p99", "ListGuests, 99th percentile"),
    Figure("call-list-rate", "ListGuests", unit="/s", most=True),
    Figure("call-get", "GetGuest"),
    Figure("call-get-p99", "GetGuest, 99th percentile"),
    Figure("call-get-rate", "GetGuest", unit="/s", most=True),
    Figure("call-property", "property State"),
    Figure("call-property-p99", "property State, 99th percentile"),
    Figure("call-property-rate", "property State", unit="/s", most=True),
    Figure("stub-start", "request to running, stub", "15 ms", at_most(15)),
    Figure("stub-kill", "force stop until the stub is gone", "15 ms", at_most(15)),
    Figure("stub-kill-job", "force stop until its job has ended", "15 ms", at_most(15)),
    Figure("silent-call", "a call to a QEMU that does not answer", "5000 ms", at_most(5000)),
    Figure("silent-again", "another one"),
    Figure("silent-list-p99", "ListGuests, 99th percentile, meanwhile"),
    Figure("silent-kill", "force stop, until it is gone", "100 ms", at_most(100)),
    Figure("flood-quiet", "ListGuests, 99th percentile, without a flood; floor: a call to a peer that does nothing"),
    Figure("flood-calls", "the same, in a flood: calls of each kind", "5 × quiet", five_times_quiet),
    Figure("flood-mute", "the same: calls that want no answer", "5 × quiet", five_times_quiet),
    Figure("flood-connections", "the same: over 200 connections", "5 × quiet", five_times_quiet),
    Figure("flood-names", "the same: names of 9 MB", "5 × quiet", five_times_quiet),
    Figure("flood-definitions", "the same: definitions of 240 KB and 1.4 MB", "5 × quiet", five_times_quiet),
    Figure("flood-rights", "the same: 64 requests that polkit does not answer", "5 × quiet", five_times_quiet),
    Figure("flood-helper", "the same: helper.sock crowded", "5 × quiet", five_times_quiet),
    Figure("flood-refused", "of that user's series of 500 calls, those that met a refusal", "0", at_most(0), ""),
    Figure("flood-start", "root's start in a flood, stub"),
    Figure("flood-kill", "root's force stop in a flood, until the stub is gone"),
    Figure("flood-memory", "what usherd has grown by a flood", "2 MB", at_most(2), "MB"),
    Figure("adopt", "restart to 64 guests found running", "100 ms", at_most(100)),
    Figure("size-rss", "resident, one guest defined", "5 MB", at_most(5), "MB"),
    Figure("size-pss", "its share of that (Pss)", unit="MB"),
    Figure("size-private", "its own alone", unit="MB"),
    Figure("size-used-rss", "resident, after work", "5 MB", at_most(5), "MB"),
    Figure("size-used-pss", "its share of that (Pss)", unit="MB"),
    Figure("size-used-private", "its own alone", unit="MB"),
    Figure("size-many-rss", "resident, 64 guests running", unit="MB"),
    Figure("size-many-private", "its own alone", unit="MB"),
    Figure("threads", "threads", "1", at_most(1), ""),
    Figure("wakeups", "wakeups in 60 s of idleness", "0", at_most(0), ""),
    Figure("wakeups-guest", "the same, with a guest running", "0", at_most(0), ""),
]
PARTS = {"lab": ("In the lab", LAB), "native": ("Natively, with a stub QEMU", NATIVE)}


def read(paths):
    values = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if len(words) == 4 and words[0] == "measure":
                    values.setdefault(words[1], {}).setdefault(words[2], []).append(float(words[3]))
    return values


def number(value):
    if value == int(value) or value >= 1000:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def cell(values):
    if not values:
        return ""
    text = number(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({number(min(values))}–{number(max(values))})"


def ratio(figure, medians):
    own = medians.get("usher", medians.get("bus"))
    against = next((medians[who] for who in ("script", "floor") if medians.get(who)), None)
    return f"{own / against:.2f}" if own is not None and against else ""


def verdict(figure, medians):
    if not figure.limit:
        return ""
    own = medians.get(figure.held, medians.get("usher", medians.get("bus")))
    return "met" if own <= figure.limit(medians) else "**missed**"


def row(figure, of):
    medians = {who: statistics.median(values) for who, values in of.items()}
    name = f"{figure.words}, {figure.unit}" if figure.unit else figure.words
    return [name, *(cell(of.get(who)) for who in COLUMNS), ratio(figure, medians), figure.target, verdict(figure, medians)]


def print_table(rows):
    rows = [["", "floor", "script", "usher", "over the bus", "ratio", "target", ""], *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    for line in rows:
        print("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |")


def main():
    values = read(sys.argv[2:])
    missing = []
    for part in sys.argv[1].split(","):
        heading, figures = PARTS[part]
        missing += [f.name for f in figures if not any(who in values.get(f.name, {}) for who in OWN)]
        print(f"\n{heading}:\n")
        print_table([row(f, values[f.name]) for f in figures if f.name not in missing])
    if missing:
        print(f"\nnot measured: {', '.join(missing)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
