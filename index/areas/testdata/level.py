"""The survey's leveling of hectare tables, written from the rule alone.

Reads counties as JSON from standard input: a county is a list of villages, a
village a list of records, a record a list of [class code, area in 0.01 m2] sorted
in no way. Writes the leveled areas in 0.01 ha in the same shape.
"""
import json
import sys
from decimal import ROUND_HALF_UP, Decimal


def ha(area):
    return (Decimal(area) / 1000000).quantize(Decimal("0.01"), ROUND_HALF_UP)


def spread(control, areas, ranked):
    """Level rounded areas to control: e each and f one more, in ranked order."""
    out = [ha(a) for a in areas]
    c = control - sum(out, Decimal(0))
    d = int(c / Decimal("0.01"))
    if d == 0 or not ranked:
        return out
    sign = Decimal("0.01") if d > 0 else Decimal("-0.01")
    e, f = abs(d) // len(ranked), abs(d) % len(ranked)
    for k, i in enumerate(ranked):
        out[i] += sign * (e + 1 if k < f else e)
    # Nothing below zero: what one lacks is taken from the others, one step a turn.
    lack = -sum((min(v, Decimal(0)) for v in out), Decimal(0))
    out = [max(v, Decimal(0)) for v in out]
    rest = sorted((i for i in range(len(out)) if out[i] > 0), key=lambda i: (-out[i], i))
    for some in (ranked, rest):
        while lack > 0 and any(out[i] > 0 for i in some):
            for i in some:
                if lack > 0 and out[i] > 0:
                    out[i] -= Decimal("0.01")
                    lack -= Decimal("0.01")
    return out


def largest(areas):
    return sorted((i for i, a in enumerate(areas) if a > 0), key=lambda i: (-areas[i], i))


def classes_in_turn(record):
    codes = [c for c, _ in record]
    big = [i for i, (_, a) in enumerate(record) if a >= 1000000]
    some = big or [i for i, (_, a) in enumerate(record) if a > 0]
    return sorted(some, key=lambda i: codes[i], reverse=True)


def county(villages):
    totals = [sum(a for record in v for _, a in record) for v in villages]
    out = []
    for village, control in zip(villages, spread(ha(sum(totals)), totals, largest(totals))):
        records = [sum(a for _, a in r) for r in village]
        row = []
        for record, g in zip(village, spread(control, records, largest(records))):
            got = spread(g, [a for _, a in record], classes_in_turn(record))
            row.append([int(v * 100) for v in got])
        out.append(row)
    return out


json.dump([county(c) for c in json.load(sys.stdin)], sys.stdout)
