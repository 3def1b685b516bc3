#!/usr/bin/env python3
"""Whether C++ keeps to what Vitis HLS can make hardware of.

    vitis_rules.py FILE...       exit code 1 with a line for each breach
    vitis_rules.py --self-test   breaches of each rule are found

Rules: no dynamic memory, no recursion, no `while`, `do` or `goto`, no standard
library but <stdint.h>; every `for` counts upwards to a bound that does not
change, and its body leaves the counter alone. The bound is a constant or, once,
the number of samples of a transfer.
"""
import re
import sys

FORBIDDEN = r"\b(malloc|calloc|realloc|free|new|delete|while|do|goto|alloca|" \
            r"std|virtual|throw|try|setjmp|longjmp|thread)\b"
FOR = re.compile(r"\bfor\s*\(")
HEAD = re.compile(
    r"\s*(int|uint32_t)\s+(\w+)\s*=\s*(\d+)\s*;\s*(\w+)\s*<\s*([^;]+);\s*"
    r"(?:(\w+)\+\+|(\w+)\s*\+=\s*(L::[A-Z]+|\d+))\s*$")
BOUND = re.compile(r"^[\sA-Z0-9_:*/()+-]+$")  # constants are in capitals
KEYWORDS = {"if", "for", "switch", "return", "sizeof", "defined", "catch"}


def strip(text):
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    return re.sub(r"^\s*#[^\n]*", " ", text, flags=re.M)


def closing(text, at, pair):
    depth = 0
    for i in range(at, len(text)):
        depth += text[i] == pair[0]
        depth -= text[i] == pair[1]
        if depth == 0:
            return i
    return len(text) - 1


def check_loops(text, where):
    bad, samples = [], 0
    for match in FOR.finditer(text):
        open_ = match.end() - 1
        close = closing(text, open_, "()")
        head = text[open_ + 1:close]
        m = HEAD.match(head)
        if not m or not m[2] == m[4] == (m[6] or m[7]):
            bad.append(f"{where}: for ({head}) does not count up")
            continue
        if m[5].strip() == "samples":
            samples += 1
        elif m[5].strip() == "SHIFT" or BOUND.match(m[5]):
            pass
        else:
            bad.append(f"{where}: for ({head}): the bound is no constant")
        body = text[close + 1:]
        end = closing(body, body.index("{"), "{}") if "{" in body else 0
        name = m[2]
        if re.search(rf"(?<!\w){name}\s*([-+*/]?=(?!=)|\+\+|--)|"
                     rf"(\+\+|--){name}\b|&{name}\b", body[:end]):
            bad.append(f"{where}: for ({head}): the body changes {name}")
    if samples > 1:
        bad.append(f"{where}: {samples} loops over samples")
    return bad


def functions(text):
    """(name, body) of every definition; a struct's are called by its name."""
    found = []
    for m in re.finditer(r"\b(\w+)\s*\(", text):
        if m[1] in KEYWORDS:
            continue
        close = closing(text, m.end() - 1, "()")
        rest = re.match(r"\s*(const)?\s*\{", text[close + 1:])
        if rest:
            start = close + rest.end()
            found.append((m[1], text[start:closing(text, start, "{}")]))
    return found


def check_recursion(texts):
    calls = {}
    for text in texts:
        for name, body in functions(text):
            # `apply` exists once a struct, and only convert functions below it
            called = set(re.findall(r"\b(\w+)\s*(?:<[^;(){}]*>)?\s*\(", body))
            calls.setdefault(name, set()).update(called)
    bad = []

    def visit(name, path):
        if name in path:
            cycle = " -> ".join(path[path.index(name):] + [name])
            bad.append(f"recursion: {cycle}")
            return
        for called in sorted(calls[name]):
            if called in calls and not bad:
                visit(called, path + [name])

    for name in sorted(calls):
        visit(name, [])
    return bad[:1]


def check(files):
    """files: {name: text}"""
    bad = []
    texts = {name: strip(text) for name, text in files.items()}
    for name, text in texts.items():
        for word in re.findall(FORBIDDEN, text):
            bad.append(f"{name}: {word}")
        bad += check_loops(text, name)
    for name, text in files.items():
        for include in re.findall(r"^\s*#\s*include\s*<([^>]+)>", text, re.M):
            if include != "stdint.h":
                bad.append(f"{name}: <{include}>")
    return bad + check_recursion(texts.values())


GOOD = """
#include <stdint.h>
template <class L> int f(int x) { for (int i = 0; i < L::N; i++) { x += i; }
    for (int r = 0; r < 8; r += L::PE) { x--; } return x; }
int g(int n, uint32_t samples) {
    for (uint32_t s = 0; s < samples; s++) { n = f<int>(n); } return n; }
"""
BAD = {
    "dynamic memory": "int *h() { return new int; }",
    "malloc": "void h() { p = malloc(4); }",
    "while": "void h() { while (1) { } }",
    "library": "#include <vector>",
    "no bound": "void h(int n) { for (int i = 0; i < n; i++) { } }",
    "never ends": "void h() { for (;;) { } }",
    "counts down": "void h() { for (int i = 9; i > 0; i--) { } }",
    "counter": "void h() { for (int i = 0; i < 9; i++) { i = 0; } }",
    "counter again": "void h() { for (int i = 0; i < 9; i++) { i--; } }",
    "recursion": "int h(int x) { return x ? h(x) : 0; }",
    "mutual": "int a(int x) { return b(x); } int b(int x) { return a<3>(x); }",
    "two sample loops": "void h(int samples) { for (uint32_t s = 0; s < samples;"
                        " s++) { } }",
}


def self_test():
    failed = check({"good": GOOD})
    for name, text in BAD.items():
        if not check({"bad": GOOD + text}):
            failed.append(f"not found: {name}")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        bad = self_test()
    else:
        bad = check({p: open(p, encoding="utf-8").read() for p in sys.argv[1:]})
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
