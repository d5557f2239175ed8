#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads what each source takes from which other, and holds that against the rules of docs/design.md.

An arrow goes from A to B where A includes a header of B's, or uses a function that B defines. These fail: an
arrow from a lower floor to a higher one, a circle of rooms (folders of one floor), and a circle of files that
docs/design.md does not name under "Circles". A circle that is named there and is gone fails as well, so that
the list stays true. So do a room that takes from others than the table "Rooms" of docs/design.md says, a room whose
meson.build does not begin with what that table says, long files, those of tests among them, structs of many fields,
functions whose median is long, and too many sources, tests as well, that include the whole definition. Prints what it
found; `--print` prints every circle and fails of none.
"""
import collections
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# From the lowest up. The programs' main files stand on top of what they link.
FLOORS = ['daemon/base', 'daemon/core', 'daemon/edge', 'daemon/engine', 'daemon/api', 'daemon']
CLIENT = ['daemon/base', 'daemon/core', 'client/screen', 'client/bus', 'client/view', 'client/definition', 'client/import', 'client/verb',
          'client']
LINES_MAX = 450
FIELDS_MAX = 25
MEDIAN_MAX = 12
# Of a room, in the table of rooms.
ALL = 'all rooms of its floor'
# The header of every section of a definition, and how many sources may reach it: each change compiles them all.
WHOLE = 'daemon/core/definition/definition.h'
REACHING_MAX = 59
# Text between these is no code: comments, strings, characters.
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
# clang-format puts the name of a function that is defined at the start of a line, and its brace alone on one.
# DEFINE_FREE(Type, name, object) names a function as well.
DEFINITION = re.compile(r'^(?!static\b)(?:DEFINE_FREE\(\w+, |[A-Za-z][\w \*]*?\b(?=\w+\())(\w+)[^;{}]*\)\n\{', re.M)


def sources(*folders, endings=('.c', '.h')):
    for folder in folders:
        for place, _, names in os.walk(os.path.join(TOP, folder)):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(place, name), TOP)


def read(path):
    return open(os.path.join(TOP, path), encoding='utf-8').read()


def floor_of(path):
    order = CLIENT if path.startswith('client') else FLOORS
    return max((i for i, floor in enumerate(order) if path.startswith(floor + '/')),
               key=lambda i: len(order[i]), default=None)


def includes_of(path, text):
    for name in re.findall(r'^#include "([^"]+)"', text, re.M):
        yield os.path.normpath(os.path.join(os.path.dirname(path), name))


def circles_of(arrows):
    """The strongly connected sets of more than one (Tarjan), each sorted."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            circle = []
            while not circle or circle[-1] != node:
                circle.append(stack.pop())
            if len(circle) > 1:
                found.append(sorted(circle))

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return sorted(found)


def named_circles():
    """The lists of files in backquotes below the heading "Circles" of docs/design.md, one an item."""
    text = read('docs/design.md')
    section = re.search(r'^#+ Circles.*?$(.*?)(?=^#|\Z)', text, re.M | re.S)
    items = re.split(r'^- ', section.group(1), flags=re.M)[1:] if section else []
    return [sorted(re.findall(r'`([\w/.-]+\.c)`', item)) for item in items]


def told_rooms():
    """The rows of the table "Rooms" of docs/design.md: of each room's folder what it holds, and from whom it takes."""
    rows = {}
    table = re.findall(r'^\| `([a-z-]+/[a-z-]+)` \| (.*?) \|(?: (.*?))? \|$', read('docs/design.md'), re.M)
    for room, holds, takes in table:
        floor = os.path.dirname(room) if room.startswith('client') else 'daemon/' + os.path.dirname(room)
        others = {'%s/%s' % (floor, name) for name in re.findall('`([a-z-]+)`', takes)}
        rows['%s/%s' % (floor, os.path.basename(room))] = holds, takes, others
    for room, (holds, takes, others) in rows.items():
        if takes == ALL:
            others.update(other for other in rows
                          if os.path.dirname(other) == os.path.dirname(room) and other != room)
    return rows


def header_of(holds, takes):
    """What the meson.build of such a room begins with, below its licence."""
    return '%s%s. Takes from %s.' % (holds[0].upper(), holds[1:], takes.replace('`', '') or 'no room of its floor')


def told_header(room):
    lines = read(room + '/meson.build').split('\n')[1:]
    end = next(i for i, line in enumerate(lines) if not line.startswith('# '))
    return ' '.join(line[2:] for line in lines[:end])


class House:
    def __init__(self):
        self.texts = {path: read(path) for path in sources('daemon', 'client')}
        self.code = {path: NO_CODE.sub(' ', text) for path, text in self.texts.items()}
        self.defined = {}
        for path, code in self.code.items():
            if path.endswith('.c'):
                self.defined.update({name: path for name in DEFINITION.findall(code) if name != 'main'})

    def inclusions(self):
        for path, text in self.texts.items():
            for other in includes_of(path, text):
                if other in self.texts:
                    yield path, other

    def declared_to(self, path):
        """The names that its headers say to a source, those that they include among them: a function may be declared by
        a typedef."""
        seen, todo, names = set(), [path], set()
        while todo:
            place = todo.pop()
            for header in includes_of(place, self.texts[place]):
                if header in self.texts and header not in seen:
                    seen.add(header)
                    todo.append(header)
                    names.update(re.findall(r'\b[a-z]\w+\b', self.code[header]))
        return names

    def uses(self):
        """Arrows between .c files: who uses a function of whose. A namesake that is static is nobody else's."""
        arrows = collections.defaultdict(set)
        for path, code in self.code.items():
            if not path.endswith('.c'):
                continue
            for word in set(re.findall(r'\b[a-z]\w+\b', code)) & self.declared_to(path):
                owner = self.defined.get(word)
                if owner and owner != path and owner.split('/')[0] == path.split('/')[0]:
                    arrows[path].add(owner)
        return arrows

    def reaching(self, header):
        """The sources that include a header, by others as well; those of the tests too."""
        texts = dict(self.texts, **{path: read(path) for path in sources('tests')})
        includers = collections.defaultdict(set)
        for path, text in texts.items():
            for other in includes_of(path, text):
                includers[other].add(path)
        found, todo = set(), [header]
        while todo:
            new = includers[todo.pop()] - found
            found |= new
            todo += new
        return [path for path in found if path.endswith('.c')]

    def upward(self):
        for path, other in self.inclusions():
            if floor_of(other) is None or floor_of(path) is None or floor_of(other) > floor_of(path):
                yield path, other

    def rooms(self):
        """Arrows between folders, headers and uses alike."""
        arrows = collections.defaultdict(set)
        pairs = list(self.inclusions()) + [(a, b) for a, others in self.uses().items() for b in others]
        for path, other in pairs:
            here, there = os.path.dirname(path), os.path.dirname(other)
            # What stands in a floor's own folder is between its rooms.
            if here != there:
                arrows[here].add(there)
        return arrows

    def untrue_rooms(self):
        """What the table of rooms, or a room's own header, says and the code does not."""
        arrows, told = self.rooms(), told_rooms()
        for room in sorted({os.path.dirname(path) for path in self.texts}):
            if os.path.dirname(room) not in FLOORS + ['client'] or room in FLOORS:
                continue
            if room not in told:
                yield '%s has no row in the table of rooms' % room
        for room, (holds, takes, others) in told.items():
            neighbours = {other for other in arrows[room]
                          if other in told and os.path.dirname(other) == os.path.dirname(room)}
            for other in sorted(neighbours - others):
                yield '%s takes from %s, and the table of rooms does not say so' % (room, other)
            for other in sorted(others - neighbours) if takes != ALL else []:
                yield '%s takes nothing from %s, and the table of rooms says so' % (room, other)
            if told_header(room) != header_of(holds, takes):
                yield '%s/meson.build should begin with: %s' % (room, header_of(holds, takes))

    def long_files(self):
        texts = dict(self.texts, **{path: read(path) for path in sources('tests', endings=('.c', '.h', '.py'))})
        return [(path, text.count('\n')) for path, text in texts.items() if text.count('\n') > LINES_MAX]

    def wide_structs(self):
        """Structs of more fields than are allowed. What is inside of an inner struct or union counts as one."""
        for path, code in self.code.items():
            for match in re.finditer(r'^(?:typedef )?(struct \w+) \{\n(.*?)^\}', code, re.M | re.S):
                body = re.sub(r'^(    ) *\{.*?^\1\}', '', match.group(2), flags=re.M | re.S)
                body = re.sub(r'\{[^{}]*\}', '', body)
                fields = sum(1 + line.count(',') for line in re.findall(r'[^;]+;', re.sub(r'\([^()]*\)', '', body)))
                if fields > FIELDS_MAX:
                    yield path, match.group(1), fields

    def median(self):
        """Of the lines of all functions, from the line after the brace to the one before the last."""
        lines = sorted(body.count('\n') for code in self.code.values()
                       for body in re.findall(r'^[A-Za-z][^;{}]*\)\n\{\n(.*?)^\}', code, re.M | re.S))
        return lines[len(lines) // 2]


def main():
    house = House()
    failures = ['%s takes from %s, which is above it' % pair for pair in house.upward()]
    rooms = circles_of(house.rooms())
    failures += ['these folders take from each other in a circle: %s' % ', '.join(circle) for circle in rooms]
    failures += house.untrue_rooms()
    failures += ['%s has %d lines, %d are allowed' % (path, n, LINES_MAX) for path, n in house.long_files()]
    failures += ['%s: %s has %d fields, %d are allowed' % (path, name, n, FIELDS_MAX)
                 for path, name, n in house.wide_structs()]
    median = house.median()
    if median > MEDIAN_MAX:
        failures.append('half of all functions have more than %d lines' % MEDIAN_MAX)
    reaching = house.reaching(WHOLE)
    if len(reaching) > REACHING_MAX:
        failures.append('%d sources include %s, %d are allowed' % (len(reaching), WHOLE, REACHING_MAX))
    files, named = circles_of(house.uses()), named_circles()
    if '--print' in sys.argv:
        for circle in rooms + files:
            print('%3d: %s' % (len(circle), ' '.join(circle)))
        return 0
    failures += ['these files take from each other in a circle that docs/design.md does not name: %s'
                 % ', '.join(circle) for circle in files if circle not in named]
    failures += ['docs/design.md names a circle that is not there: %s' % ', '.join(circle)
                 for circle in named if circle not in files]
    for failure in failures:
        print('house:', failure)
    print('%d files, %d rooms, %d circles of files named, half of all functions in %d lines, '
          '%d sources include the whole definition: %s'
          % (len(house.texts), len(house.rooms()), len(named), median, len(reaching),
             'not in order' if failures else 'in order'))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
