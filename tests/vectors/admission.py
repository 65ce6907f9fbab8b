"""An admission as docs/security.md has it, on integers: what is in the tests of src/proto/links/admission/tests.rs.

    python3 tests/vectors/admission.py
"""
import hmac
from hashlib import sha1, sha512

from cpace import L, add, encode, generator, lv, multiply

# The base point of ed25519, whose class is that of ristretto255 (RFC 9496, 4).
BASE = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
)


def number(*parts):
    return int.from_bytes(sha512(b''.join(parts)).digest(), 'little')


def u64(value):
    return value.to_bytes(8, 'little')


def hkdf(salt, material, info, length):
    root = hmac.digest(salt, material, 'sha512')
    return hmac.digest(root, info + b'\x01', 'sha512')[:length]


class Identity:
    def __init__(self, secret):
        self.x = number(b'easypeers identity 1', secret) % L
        self.nonces = sha512(b'easypeers nonces 1' + secret).digest()[:32]
        self.key = encode(multiply(self.x, BASE))

    def prove(self, domain, statement):
        r = number(self.nonces, u64(len(domain)), domain, self.key, statement) % L
        commitment = encode(multiply(r, BASE))
        c = number(b'easypeers proof 1', u64(len(domain)), domain, commitment, self.key, statement) % L
        return commitment + ((r + c * self.x) % L).to_bytes(32, 'little')


def associated(identity, nonce, claimed=b'', capabilities=0, clock=0, more=b'', version=5):
    numbers = bytes([version]) + capabilities.to_bytes(4, 'little') + u64(clock)
    return numbers + nonce + identity.key + lv(claimed, more)


if __name__ == '__main__':
    a, b = Identity(bytes([1]) * 32), Identity(bytes([2]) * 32)
    swarm = sha1(b'easypeers-t').digest()
    password = hkdf(b'easypeers swarm 1', swarm, b'admission', 32)
    sid = sha512(b'easypeers binding 1' + lv(b'\xaa' * 32, b'\xbb' * 32)).digest()[:32]
    g = generator(password, b'easypeers link 1', sid)
    shares = [encode(multiply(3, g)), encode(multiply(5, g))]
    shared = encode(multiply(15, g))
    ours = lv(shares[0], associated(a, bytes([1]) * 16, capabilities=5, clock=1_800_000_000_123, more=b'later'))
    theirs = lv(shares[1], associated(b, bytes([2]) * 16, claimed=bytes([7]) * 20))
    transcript = b'oc' + b''.join(sorted([ours, theirs], reverse=True))
    isk = sha512(lv(b'CPaceRistretto255_ISK', sid, shared) + transcript).digest()
    session = sha512(b'easypeers session 1' + sid + isk).digest()[:32]
    tag = hmac.digest(sha512(b'CPaceMac' + sid + isk).digest(), ours, 'sha512')[:32]
    print('share  ', shares[0].hex())
    print('session', session.hex())
    print('tag    ', tag.hex())
    print('proof  ', a.prove(b'admission', session + ours).hex())
