#!/usr/bin/env python3
"""The golden fingerprints of tests/golden.rs, computed from the definitions alone, in another language.

usage: workloads/tests/golden.py     (prints one line per fingerprint)

Whoever ports events or schedules (the Java jobs, for example) can read the definitions here: integers of any size,
no floating point, nothing shared with the Rust code but workloads/data/flights.bin.
"""

import hashlib
import math
import pathlib
import struct

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
EVENT, ARRIVAL, LATENESS, PAYLOAD = 1, 2, 4, 5
SEED, RECORDS, SPLITS = 42, 100_000, 128
FEMTO = 10**15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def state(seed, purpose):
    return mix((mix(seed) + purpose * GAMMA) & MASK)


def part(state, number):
    return mix(state ^ mix((number + GAMMA) & MASK))


def bits(state, index):
    return mix((state + (index + 1) * GAMMA) & MASK)


# -ln((1024 + j) / 2048) in 1e-15: log2 by repeated squaring, as the Rust table, so that every digit agrees.
LN_2_ZEPTO = 693_147_180_559_945_309_417


def log2_fraction(x):
    mantissa, log = x << 53, 0
    for _ in range(56):
        mantissa = (mantissa * mantissa) >> 63
        log <<= 1
        if mantissa >> 64:
            mantissa >>= 1
            log |= 1
    return log


TABLE = [((LN_2_ZEPTO * ((1 << 56) - log2_fraction(1024 + j))) >> 56) // 10**6 for j in range(1024)] + [0]


def exponential(b):
    b |= 1
    zeros = 64 - b.bit_length()
    mantissa = (b << zeros) & MASK
    j, fraction = (mantissa >> 53) & 1023, (mantissa >> 29) & 0xFFFFFF
    return zeros * (LN_2_ZEPTO // 10**6) + TABLE[j] - (((TABLE[j] - TABLE[j + 1]) * fraction) >> 24)


def lines():
    draws = state(SEED, EVENT)
    for k in range(RECORDS):
        b = bits(draws, k)
        yield f"{k:016x}{((b >> 32) * 1000) >> 32:08x}{b & 0xFFFFFFFF:08x}".encode()


# 2^(j / 1024) in 2^-40, by square roots in 2^-62.
ROOTS = [1 << 63]
for _ in range(10):
    ROOTS.append(math.isqrt(ROOTS[-1] << 62))


def power(j):
    power = 1 << 62
    for i in range(1, 11):
        if j >> (10 - i) & 1:
            power = (power * ROOTS[i]) >> 62
    return power >> 22


POWERS = [power(j) for j in range(1024)] + [2 << 40]
MS, SECOND = 10**6, 10**9


def pareto(b, shape_micro, scale, cap):
    exponent = (exponential(b) * ((10**6 << 96) // (shape_micro * (LN_2_ZEPTO // 10**6)))) >> 64
    whole, j, rest = exponent >> 32, exponent >> 22 & 1023, exponent & 0x3FFFFF
    if whole >= 40:
        return cap
    value = (POWERS[j] + (((POWERS[j + 1] - POWERS[j]) * rest) >> 22)) << whole
    return min((value - (1 << 40)) * scale >> 40, cap)


def between(b, least, most):
    return least + (b * (most - least + 1) >> 64)


# Usual lateness by bits; share, least and most of being very late beside that.
LATENESSES = {
    "none": (lambda b: 0, 0, 0, 0),
    "exponential": (lambda b: 50 * MS * exponential(b) // FEMTO, 0, 0, 0),
    "pareto": (lambda b: pareto(b, 1_160_000, 50 * MS, 20 * SECOND), 0, 0, 0),
    "yahoo": (lambda b: between(b, 0, 100 * MS) - 50 * MS, round(1e-5 * 2**32), 0, 60 * SECOND),
    "beam": (lambda b: 0, round(0.1 * 2**32), MS, 3 * SECOND),
}


def late_data(usual, threshold, least, most):
    events, latenesses = state(SEED, EVENT), state(SEED, LATENESS)
    step = 2**32 * 10_000  # nanoseconds from one record to the next, in 2^-32: 100,000 records per second
    for k in range(RECORDS):
        b = bits(latenesses, k)
        choice = mix(b)
        late = usual(b) + (between(mix(choice), least, most) if choice & 0xFFFFFFFF < threshold else 0)
        skew = SECOND * (k % 4) // 3
        b = bits(events, k)
        line = f"{k:016x}{((b >> 32) * 1000) >> 32:08x}{b & 0xFFFFFFFF:08x}".encode()
        yield struct.pack("<q", ((k * step >> 32) - skew - late) // MS) + line


def existing(split, index, new_share, preloaded=10_000, splits=4):
    mine = preloaded // splits + (split < preloaded % splits)
    return mine + (index * new_share + (split << 32) // splits >> 32)


def keys(recent_threshold, recent, new_share=round(0.1 * 2**32)):
    draws = state(SEED, EVENT)
    for k in range(RECORDS):
        b, split, index = bits(draws, k), k % 4, k // 4
        count = existing(split, index, new_share)
        is_new = existing(split, index + 1, new_share) > count
        if is_new:
            number = count
        elif mix(b) & 0xFFFFFFFF < recent_threshold:
            number = count - 1 - ((b >> 32) * min(recent, count) >> 32)
        else:
            number = (b >> 32) * count >> 32
        yield k, number * 4 + split, is_new, mix(b) >> 32


def profiles(*law, weights=(0.4, 0.7, 0.9)):
    thresholds = [round(weight * 2**32) for weight in weights]
    for k, key, is_new, choice in keys(*law):
        operation = 1 if is_new else sum(choice >= threshold for threshold in thresholds)
        yield f"{k:016x}{key:08x}{operation:08x}".encode()


def visits():
    latenesses = state(SEED, LATENESS)
    for k, key, _, _ in keys(0, 0):
        late = between(bits(latenesses, k), 0, 50 * MS)
        yield struct.pack("<q", (k * 10_000 - late) // MS) + f"{k:016x}{key:08x}{0:08x}".encode()


def payloads():
    for key in range(1000):
        draws = part(part(state(SEED, PAYLOAD), key), key // 2)
        size = 50 + ((bits(draws, MASK) >> 32) * 101 >> 32)
        yield b"".join(struct.pack("<Q", bits(draws, word)) for word in range(-(-size // 8)))[:size]


def flights():
    data = (pathlib.Path(__file__).parent.parent / "data" / "flights.bin").read_bytes()
    rows, carriers, destinations = struct.unpack_from("<IHH", data, 8)
    names = 16 + 2 * carriers
    at = names + 3 * destinations
    stream = []
    for row in range(rows):
        day, departure, arrival, delay, carrier, destination = struct.unpack_from("<HHHhBB", data, at + 10 * row)
        if delay == -32768:
            continue
        event = (day + (arrival < departure)) * 1440 + arrival // 100 * 60 + arrival % 100
        codes = data[16 + 2 * carrier :][:2] + data[names + 3 * destination :][:3]
        stream.append((event + delay, event, row, struct.pack("<IHHh", day, departure, arrival, delay) + codes))
    stream.sort()
    return stream


def reached(target):
    """First nanosecond with that exposure: 30,000 per second for one second, then 70,000.5; in 1e-15 records."""
    first, second = 30_000_000_000, 70_000_500_000  # per nanosecond
    if target < first * 10**9:
        return -(-target // first)
    return 10**9 + -(-(target - first * 10**9) // second)


def poisson():
    splits = [part(state(SEED, ARRIVAL), split) for split in range(SPLITS)]
    own = [0] * SPLITS
    for k in range(RECORDS):
        split = k % SPLITS
        own[split] += exponential(bits(splits[split], k // SPLITS))
        yield reached(own[split] * SPLITS)


def fingerprint(name, parts):
    digest = hashlib.sha256()
    for bytes in parts:
        digest.update(bytes)
    print(name, digest.hexdigest())


def times(values):
    return (struct.pack("<Q", value) for value in values)


stream = flights()
fingerprint("lines", lines())
fingerprint("flights", (struct.pack("<Q", k) + stream[k][3] for k in range(RECORDS)))
fingerprint("uniform", times(reached(k * FEMTO) for k in range(RECORDS)))
fingerprint("poisson", times(poisson()))
fingerprint("replay", times(-(-stream[k][0] * 60_000 * 10**9 // 86_400_000) for k in range(RECORDS)))
for name, law in LATENESSES.items():
    fingerprint(f"late-data, {name}", late_data(*law))
fingerprint("state-growth, uniform", profiles(0, 0))
fingerprint("state-growth, recent", profiles(round(0.9 * 2**32), 250))
fingerprint("state-growth, visits", visits())
fingerprint("state-growth, payloads", payloads())
fingerprint("checkpoint-pressure", profiles(0, 0, 0, weights=(0.75, 1, 1)))
