"""CPace on ristretto255 with SHA-512 in the symmetric setting, on integers: draft-irtf-cfrg-cpace over RFC 9496.

It shares no code with src/proto/links/admission/cpace.rs, and prints the vectors that are in its tests:

    python3 tests/vectors/cpace.py
"""
from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def odd(x):
    return x % P & 1


def absolute(x):
    return -x % P if odd(x) else x % P


def sqrt_ratio(u, v):
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    flipped = check in (-u % P, -u * SQRT_M1 % P)
    if flipped:
        r = r * SQRT_M1 % P
    return check in (u % P, -u % P), absolute(r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]
SQRT_AD_MINUS_ONE = -sqrt_ratio(-D - 1, 1)[1] % P  # The RFC takes the odd root.


def add(p, q):
    """Edwards points as (x, y), by the affine formulas."""
    (x1, y1), (x2, y2) = p, q
    t = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + y1 * x2) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


def multiply(n, p):
    total = (0, 1)
    for bit in bin(n)[2:]:
        total = add(total, total)
        if bit == '1':
            total = add(total, p)
    return total


def encode(p):
    """RFC 9496, 4.3.2, with Z = 1."""
    x, y = p
    u1, u2 = (1 + y) * (1 - y) % P, x * y % P
    invsqrt = sqrt_ratio(1, u1 * u2 * u2)[1]
    den1, den2 = invsqrt * u1 % P, invsqrt * u2 % P
    z_inv = den1 * den2 * x * y % P
    if odd(x * y * z_inv):
        x, y, den = y * SQRT_M1 % P, x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        den = den2
    if odd(x * z_inv):
        y = -y % P
    return absolute(den * (1 - y)).to_bytes(32, 'little')


def decode(data):
    """RFC 9496, 4.3.1."""
    s = int.from_bytes(data, 'little')
    assert s < P and not odd(s)
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, invsqrt = sqrt_ratio(1, v * u2 * u2)
    den_x = invsqrt * u2 % P
    x = absolute(2 * s * den_x)
    y = u1 * invsqrt * den_x * v % P
    assert square and not odd(x * y) and y
    return x, y


def element(t):
    """MAP of RFC 9496, 4.3.4."""
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = -1
    if not square:
        s, c = -absolute(s * t) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * pow(w1, -1, P) % P, w2 * pow(w3, -1, P) % P


def lv(*parts):
    joined = b''
    for part in parts:
        n = len(part)
        while n > 127:
            joined += bytes([n & 127 | 128])
            n >>= 7
        joined += bytes([n]) + part
    return joined


def generator(password, channel, sid):
    padding = max(0, 128 - 1 - len(lv(password)) - len(lv(b'CPaceRistretto255')))
    digest = sha512(lv(b'CPaceRistretto255', password, bytes(padding), channel, sid)).digest()
    low = (1 << 255) - 1
    halves = [int.from_bytes(half, 'little') & low for half in (digest[:32], digest[32:])]
    return add(*map(element, halves))


def run(password, channel, sid, a, b, ad_a, ad_b):
    a, b = (int.from_bytes(sha512(seed).digest(), 'little') % L for seed in (a, b))
    g = generator(password, channel, sid)
    share_a, share_b = encode(multiply(a, g)), encode(multiply(b, g))
    shared = encode(multiply(a, decode(share_b)))
    assert shared == encode(multiply(b, decode(share_a)))
    messages = sorted([lv(share_a, ad_a), lv(share_b, ad_b)], reverse=True)
    isk = sha512(lv(b'CPaceRistretto255_ISK', sid, shared) + b'oc' + b''.join(messages)).digest()
    return encode(g), share_a, share_b, shared, isk


if __name__ == '__main__':
    draft = generator(b'Password', b'\x0bA_initiator\x0bB_responder', bytes.fromhex('7e4b4791d6a8ef019b936c79fb7f2c57'))
    assert encode(draft).hex() == '222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56'
    for password, channel, sid, ad_a, ad_b in [
        (b'', b'', b'', b'', b''),
        (b'p' * 200, b'c' * 130, b's' * 16, b'ADa', b'ADb'),
        (bytes(range(32)), b'easypeers', bytes(range(64)), b'x' * 300, b''),
    ]:
        for value in run(password, channel, sid, b'a', b'b', ad_a, ad_b):
            print(value.hex())
        print()
