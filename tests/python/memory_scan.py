#!/usr/bin/env python3
"""Looks for secrets in everything that can be read of a process's memory.

    memory_scan.py PID [--context] < NEEDLES    NEEDLES is a JSON object: a name and a secret, each

Each secret is looked for as it is, by halves, in base64 (at all three alignments, both alphabets), URL-encoded, in
UTF-16 and in hexadecimal. Prints JSON: how much was read, what could not be, and every finding with its encoding and
where it is. The secrets come over standard input because arguments can be seen by everyone, and none is printed.
"""

import argparse
import base64
import collections
import json
import os
import pathlib
import re
import sys
import urllib.parse

# Halves show a secret that was half overwritten, by an allocator's list of free blocks for example. Those of a shorter
# one are found by chance in megabytes of other data.
SHORTEST_TO_HALVE = 16
PIECE = 16 * 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")
MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)")


def forms(secret):
    """What to look for, by the name of its encoding."""
    plain = secret.encode()
    made = {"plain": plain, "utf-16-le": secret.encode("utf-16-le"), "utf-16-be": secret.encode("utf-16-be")}
    made["hex"], made["hex upper"] = plain.hex().encode(), plain.hex().upper().encode()
    for name, quote in (("url", urllib.parse.quote), ("form", urllib.parse.quote_plus)):
        quoted = quote(secret, safe="")
        made[name], made[name + " lower"] = quoted.encode(), re.sub("%..", lambda m: m[0].lower(), quoted).encode()
    for before in range(3):
        # Only the characters that the secret alone decides: not those it shares with its neighbours.
        bits_before, bits = before * 8, (before + len(plain)) * 8
        inside = base64.b64encode(bytes(before) + plain)[(bits_before + 5) // 6 : bits // 6]
        made[f"base64 +{before}"] = inside
        made[f"base64url +{before}"] = inside.translate(bytes.maketrans(b"+/", b"-_"))
    if len(plain) >= SHORTEST_TO_HALVE:
        made["first half"], made["second half"] = plain[: len(plain) // 2], plain[len(plain) // 2 :]
    different = {}
    for name, form in made.items():
        different.setdefault(form, name)
    return {name: form for form, name in different.items()}


def mappings(pid):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        start, end, mode, name = MAPPING.fullmatch(line).groups()
        yield int(start, 16), int(end, 16), mode, name


def stack_pointers(pid):
    """Where each thread's stack ends at the moment, for telling what a mapping without a name is for."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            parts = (task / "syscall").read_text().split()
            found[int(parts[-2], 16)] = (task / "comm").read_text().strip()
        except (OSError, ValueError, IndexError):
            continue  # A thread that runs, or a kernel that does not tell.
    return found


def describe(start, end, mode, name, pointers, address):
    for pointer, thread in pointers.items():
        if start <= pointer < end:
            return f"stack of {thread}, {'in use' if address >= pointer else 'no longer in use'}"
    return name or f"anonymous {mode}"


def pieces(memory, start, end, overlap, unread):
    """A mapping's bytes in pieces that overlap. What cannot be read is left out by pages, and counted."""
    for piece in range(start, end, PIECE):
        try:
            yield piece, os.pread(memory, min(PIECE + overlap, end - piece), piece)
        except OSError:
            for page in range(piece, min(piece + PIECE, end), PAGE):
                try:
                    yield page, os.pread(memory, PAGE, page)
                except OSError:
                    unread.append(page)


def occurrences(text, form):
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + 1)


def context(text, at, length, secrets):
    """Some bytes before and behind, with everything secret masked, to tell what kind of structure holds it."""
    before, behind = text[max(0, at - 96) : at], text[at + length : at + length + 48]
    for secret in secrets:
        before, behind = before.replace(secret, b"*" * len(secret)), behind.replace(secret, b"*" * len(secret))
    return [re.sub(rb"[A-Za-z0-9+/]{20,}", lambda m: b"*" * len(m[0]), part).decode("latin-1") for part in (before, behind)]


def scan(pid, needles, with_context=False):
    """The findings in process `pid`; `needles` is a name and a secret, each."""
    wanted = [(name, encoding, form) for name, secret in needles.items() for encoding, form in forms(secret).items()]
    overlap = max(len(form) for _, _, form in wanted)
    secrets = [secret.encode() for secret in needles.values()]
    found, unreadable, read, contexts = collections.Counter(), {}, 0, []
    pointers = stack_pointers(pid)
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for start, end, mode, name in mappings(pid):
            if "r" not in mode:
                continue
            unread = []
            for piece, text in pieces(memory, start, end, overlap, unread):
                read += min(len(text), PIECE)
                for needle, encoding, form in wanted:
                    for at in occurrences(text, form):
                        if at >= PIECE:
                            break  # The next piece will find it.
                        place = describe(start, end, mode, name, pointers, piece + at)
                        found[needle, encoding, place] += 1
                        if with_context:
                            contexts.append([needle, encoding, place, hex(piece + at), context(text, at, len(form), secrets)])
            # A thread that ended in the meantime took its stack along.
            still_there = {page for page in unread if any(m[0] <= page < m[1] for m in mappings(pid))} if unread else ()
            if still_there:
                unreadable[name or f"anonymous {mode}"] = len(still_there) * PAGE
    finally:
        os.close(memory)
    rows = [{"needle": n, "encoding": e, "where": w, "count": count} for (n, e, w), count in sorted(found.items())]
    return {"bytes_read": read, "unreadable": unreadable, "found": rows} | ({"contexts": contexts} if with_context else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pid", type=int)
    parser.add_argument("--context", action="store_true")
    given = parser.parse_args()
    result = scan(given.pid, json.load(sys.stdin), given.context)
    json.dump(result, sys.stdout, indent=1)
    print()
    return 1 if result["found"] else 0


if __name__ == "__main__":
    sys.exit(main())
