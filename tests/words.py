#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the prose of documents, comments and messages.

Documents have at most 110 columns a source line, tables aside, and one sentence a line. No text has a turn of
those below, which put the verb before its subject or leave the reader to find out what "that" is. A comment and a
message in C are read whole, however many lines they take.

A place or a function that a document names in backquotes is there: `core/plan/usb-wish`, `guest_ended`.
So is a place in a comment that begins with a floor.
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COLUMNS_MAX = 110
TURNS = [
    r'(?:^|[.:;] |/\* )(?:Refused|Told|Named|Shown|Asked|Left out|Read back|Meant|Looked at) (?:is|are)\b',
    r'\b(?:is|are) told (?:is|are)\b',
    r'\b(?:told|refused) (?:is|are) (?:where|what|who|one|a)\b',
    r'\b(?:who|what|which|whatever) (?:\w+ ){0,3}that of\b',
    r'\bWhat ids there are\b',
]
TERMS = [
    (r'\b[Pp]rocessors?\b', 'vCPU or host CPU'),
    (r'\bhot plug', 'hot-plug'),
    (r'\bforced rung', 'forced step'),
]
# In messages and comments alone: who or what is meant stands in no other word of them.
CODE_TURNS = [
    r'^(?:Of (?:one|those|that|them|whom)|The same of|Upon every|For what follows|As \w+ has it)\b',
    r'^(?:Whoever waits is|What is (?:asked|pending|told) is)\b',
    r"\b(?:kvmfr|QEMU|systemd|usherd?|VFIO)'s alone\b",
    r'\bsa(?:id|ys) no\b(?! more)',
    r'\bwho (?:asks|looks|writes)\b',
    r'\bis one too many\b',
    r'\bis what (?:it|this) is\b',
]
# A full stop and a capital on one line. "e.g. X", "1. X" and "… 5. X" are no ends of sentences.
TWO_SENTENCES = re.compile(r'[a-z)`*_"][.!?] +[A-Z*`_"]')


# `core/plan/plan.c`, `edge/hand`: a place below a floor. Not `tests/unit/core/golden/SECTION-KEY.guest`.
PLACE = re.compile(r'(?<![\w/.<-])((?:base|core|edge|engine|api|client|tests)/[a-z][a-z0-9_/-]*\w(?:\.[\w-]+)?)'
                   r'(?![\w/*])')
# `guest_ended`, `guest_stop()`: what may be a function's name, or a field's.
NAME = re.compile(r'`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\(\))?`')
# What the documents name of others' code, and of what was rejected.
OTHERS = {'sd_hwdb_get', 'rtnl_mutex'}


def files(*patterns):
    listed = subprocess.run(['git', 'ls-files', *patterns], cwd=TOP, stdout=subprocess.PIPE, check=True, text=True)
    return [name for name in listed.stdout.splitlines() if os.path.exists(os.path.join(TOP, name))]


def lines_of(name):
    with open(os.path.join(TOP, name), encoding='utf-8') as file:
        return list(enumerate(file.read().splitlines(), 1))


def prose_of(name):
    """The lines of a document that are neither code nor a table's."""
    fenced = False
    for number, line in lines_of(name):
        if line.startswith('```'):
            fenced = not fenced
        table = line.startswith('|') or (name.endswith('.scd') and line.startswith((':', '[[')))
        code = fenced or (name.endswith('.md') and line.startswith('    '))
        if not table and not code:
            yield number, line


def document_failures():
    for name in files('*.md', '*.scd'):
        for number, line in prose_of(name):
            if len(line) > COLUMNS_MAX:
                yield name, number, '%d columns, %d are allowed' % (len(line), COLUMNS_MAX)
            if TWO_SENTENCES.search(re.sub(r'\*\*.*?\*\*', '', line)):
                yield name, number, 'two sentences on one line: %s' % line.strip()
            for turn, term in TERMS if name.endswith('.scd') else []:
                if re.search(turn, line):
                    yield name, number, 'say %s: %s' % (term, line.strip())


def turn_failures():
    for name in files('*.md', '*.scd', 'dbus/*.xml', 'dbus/*.policy'):
        for number, line in lines_of(name):
            for turn in TURNS:
                if re.search(turn, line.strip()):
                    yield name, number, 'put the subject first: %s' % line.strip()


# A comment; or a literal with those that the compiler joins to it, and the macros of numbers between them.
CODE_TEXT = re.compile(r'''/\*.*?\*/|'(?:\\.|[^'\\])+'|"(?:\\.|[^"\\])*"(?:\s+(?:\w+\s+)?"(?:\\.|[^"\\])*")*''', re.DOTALL)


def code_texts(name):
    """The comments and literals of a C file, each in one line, with the number of its first line."""
    code = '\n'.join('' if line.startswith('#include') else line for _, line in lines_of(name))
    for match in CODE_TEXT.finditer(code):
        text = match.group()
        if text.startswith('/*'):
            text = re.sub(r'\s*\n\s*\*?\s*', ' ', text[2:-2]).strip()
        elif text.startswith('"'):
            text = re.sub(r'"\s+(?:\w+\s+)?"', '', text)[1:-1]
        else:
            continue
        yield code.count('\n', 0, match.start()) + 1, text


def code_failures():
    for name in files('daemon/*.[ch]', 'client/*.[ch]'):
        for number, text in code_texts(name):
            for turn in TURNS + CODE_TURNS:
                if re.search(turn, text):
                    yield name, number, 'put the subject first: %s' % text
            for turn, term in TERMS:
                if re.search(turn, text):
                    yield name, number, 'say %s: %s' % (term, text)


def place_failures():
    places = set()
    for name in files():
        parts = name.split('/')
        for end in range(1, len(parts) + 1):
            for begin in range(end):
                place = '/'.join(parts[begin:end])
                places.update((place, os.path.splitext(place)[0]))
    for name in files('*.md', 'daemon/*.[ch]', 'client/*.[ch]'):
        for number, line in lines_of(name):
            for place in PLACE.findall(line if name.endswith('.md') or not line.startswith('#include') else ''):
                if place not in places:
                    yield name, number, 'there is no %s' % place


def name_failures():
    code = set()
    for name in files('daemon/*.[ch]', 'client/*.[ch]', 'tests/*', 'dbus/*'):
        code.update(word for _, line in lines_of(name) for word in re.findall(r'\w+', line))
    for name in files('docs/design.md', 'CONTRIBUTING.md'):
        for number, line in lines_of(name):
            for word in NAME.findall(line):
                if word not in code | OTHERS:
                    yield name, number, 'nothing is called %s' % word


def main():
    failures = [*document_failures(), *turn_failures(), *code_failures(), *place_failures(), *name_failures()]
    for failure in failures:
        print('words: %s:%d: %s' % failure)
    print('the words are %s' % ('not in order' if failures else 'in order'))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
