#!/usr/bin/env python3
"""Verifies an export of the audit with nothing but this file: docs/audit-format.md in another language.

    verify-audit.py EXPORT [PUBLIC.pem]     checkpoints stand in the export, or are added to it
"""
import base64, hashlib, json, sys

P = 2**255 - 19  # Ed25519, RFC 8032
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def x_of(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or y >= P or (x == 0 and sign):
        raise ValueError("not a point")
    return P - x if x & 1 != sign else x


def point(data):
    n = int.from_bytes(data, "little")
    y = n & (2**255 - 1)
    return x_of(y, n >> 255), y


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    m = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + m, P - 2, P)
    return x % P, (y1 * y2 + x1 * x2) * pow(1 - m, P - 2, P) % P


def times(n, a):
    out = (0, 1)
    while n:
        out, a, n = (add(out, a) if n & 1 else out), add(a, a), n >> 1
    return out


def vouches(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % L
    base = x_of(4 * pow(5, P - 2, P) % P, 0), 4 * pow(5, P - 2, P) % P
    return s < L and times(s, base) == add(point(r), times(h, point(key)))


def main(export, pem=None):
    lines = [(n, json.loads(t)) for n, t in enumerate(open(export, encoding="utf-8"), 1) if t.strip()]
    hashes = ["0" * 64]
    for n, entry in ((n, line["entry"]) for n, line in lines if "entry" in line):
        body = {name: value for name, value in entry.items() if name != "hash"}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if (entry["number"], entry["previous"], entry["hash"]) != (len(hashes), hashes[-1], digest):
            sys.exit(f"line {n}: entry {entry['number']} is not the one that belongs there")
        hashes.append(digest)
    key = pem and base64.b64decode("".join(open(pem).read().split("\n")[1:-2]))[-32:]
    for n, c in ((n, line["checkpoint"]) for n, line in lines if "checkpoint" in line):
        text = f"caretaker-checkpoint-1\n{c['number']}\n{c['hash']}\n{c['at']}\n".encode()
        if key and not vouches(key, text, bytes.fromhex(c["signature"])):
            sys.exit(f"line {n}: the checkpoint at entry {c['number']} was not signed by this key")
        if not 0 < c["number"] < len(hashes) or hashes[c["number"]] != c["hash"]:
            sys.exit(f"line {n}: the checkpoint at entry {c['number']} does not fit this chain")
    print(f"{len(hashes) - 1} entries, unbroken, head {hashes[-1]}")


main(*sys.argv[1:3])
