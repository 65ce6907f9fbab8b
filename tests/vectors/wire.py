"""One of each packet and of what else travels, as docs/wire.md and docs/security.md have it, in `name hex` lines:

    python3 tests/vectors/wire.py > tests/vectors/wire.txt

It shares no code with src/. The test src/proto/links/link/wire/vectors.rs compares.
"""
from hashlib import sha1, sha256

from admission import Identity, hkdf
from cpace import decode, encode, multiply

# Postcard.


def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def u8(n):
    return bytes([n])


def some(value):
    return b'\1' + value


def maybe(value):
    return b'\0' if value is None else some(value)


def sequence(*items):
    return varint(len(items)) + b''.join(items)


def lengthy(data):
    return varint(len(data)) + data


def text(string):
    return lengthy(string.encode())


# XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03 and RFC 8439, on integers.


def rounds(state):
    x = list(state)

    def turn(a, b, c, d):
        for i, j, k, by in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
            x[i] = (x[i] + x[j]) & 0xFFFFFFFF
            x[k] ^= x[i]
            x[k] = (x[k] << by | x[k] >> 32 - by) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            turn(i, i + 4, i + 8, i + 12)
        for i in range(4):
            turn(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return x


def words(data):
    return [int.from_bytes(data[i:i + 4], 'little') for i in range(0, len(data), 4)]


def unwords(numbers):
    return b''.join(n.to_bytes(4, 'little') for n in numbers)


def initial(key, rest):
    return words(b'expand 32-byte k') + words(key) + words(rest)


def stream(key, nonce, counter, length):
    out = b''
    while len(out) < length:
        state = initial(key, counter.to_bytes(4, 'little') + nonce)
        out += unwords((a + b) & 0xFFFFFFFF for a, b in zip(rounds(state), state))
        counter += 1
    return out[:length]


def poly1305(key, data):
    r = int.from_bytes(key[:16], 'little') & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b'\1', 'little')) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], 'little')) % 2**128).to_bytes(16, 'little')


def seal(key, nonce, plain, context):
    mixed = rounds(initial(key, nonce[:16]))
    key, nonce_12 = unwords(mixed[:4] + mixed[12:]), bytes(4) + nonce[16:]
    cipher = bytes(a ^ b for a, b in zip(plain, stream(key, nonce_12, 1, len(plain))))

    def padded(data):
        return data + bytes(-len(data) % 16)

    lengths = len(context).to_bytes(8, 'little') + len(cipher).to_bytes(8, 'little')
    tag = poly1305(stream(key, nonce_12, 0, 32), padded(context) + padded(cipher) + lengths)
    return nonce + cipher + tag


# The swarm.


def derive(material, info, length):
    return hkdf(b'easypeers swarm 1', material, info, length)


SWARM = sha1(b'easypeers-t').digest()
TAG = derive(SWARM, b'messages', 32)

# Names.


def address(n):
    return bytes([n]) * 20


A, B = Identity(bytes([1]) * 32), Identity(bytes([2]) * 32)


def address_of(identity):
    return sha1(identity.key).digest()


# BLAKE3 of one chunk, which all payloads of these vectors fit (The BLAKE3 specification, 2.2 to 2.4).

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, ROOT = 1, 2, 8


def compress(chaining, block, length, flags):
    state = chaining + IV[:4] + [0, 0, length, flags]
    words = [int.from_bytes(block.ljust(64, b'\0')[at:at + 4], 'little') for at in range(0, 64, 4)]

    def turn(word, by):
        return (word >> by | word << 32 - by) & 0xFFFFFFFF

    def mix(a, b, c, d, x, y):
        for added, left, right in ((x, 16, 12), (y, 8, 7)):
            state[a] = state[a] + state[b] + added & 0xFFFFFFFF
            state[d] = turn(state[d] ^ state[a], left)
            state[c] = state[c] + state[d] & 0xFFFFFFFF
            state[b] = turn(state[b] ^ state[c], right)

    for _ in range(7):
        for place in range(4):
            mix(place, 4 + place, 8 + place, 12 + place, *words[2 * place:2 * place + 2])
        for place in range(4):
            mix(place, 4 + (place + 1) % 4, 8 + (place + 2) % 4, 12 + (place + 3) % 4, *words[8 + 2 * place:10 + 2 * place])
        words = [words[place] for place in PERMUTATION]
    return [low ^ high for low, high in zip(state[:8], state[8:])]


def blake3(data):
    assert len(data) <= 1024
    blocks = [data[at:at + 64] for at in range(0, len(data), 64)] or [b'']
    chaining = IV
    for place, block in enumerate(blocks):
        last = CHUNK_END | ROOT if place == len(blocks) - 1 else 0
        chaining = compress(chaining, block, len(block), (CHUNK_START if place == 0 else 0) | last)
    return b''.join(word.to_bytes(4, 'little') for word in chaining)


# Signatures.


def leaf(statement):
    return sha256(b'\0' + statement).digest()[:16]


def over(left, right):
    return sha256(b'\1' + left + right).digest()[:16]


def sign_all(who, domain, statements):
    """The signatures of what is said at once: the way of each up a tree, under the proof of its root."""
    level = [leaf(statement) for statement in statements]
    while len(level) & len(level) - 1:
        level.append(bytes(16))
    paths = [[] for _ in statements]
    while len(level) > 1:
        for place, path in enumerate(paths):
            path.append(level[place >> len(path) ^ 1])
        level = [over(*level[i:i + 2]) for i in range(0, len(level), 2)]
    proof = who.prove(domain, level[0])
    return [proof + u8(place) + sequence(*path) for place, path in enumerate(paths)]


# Messages.

PAGE, KEY_QUERY, PRESENCE, SUSPICION, WITHDRAWAL = 0, 1, 2, 3, 4
MESSAGE, ACKNOWLEDGEMENT = b'easypeers message 4', b'easypeers acknowledgement 3'


class Header:
    def __init__(self, maker, box, nonce, to=None, kind=PAGE, claimed=None, commitment=None, wanted=False):
        self.box, self.maker = box, address_of(maker)
        self.sender = claimed or self.maker
        self.id = sha1(nonce + maker.key + self.sender + (commitment or blake3(box))).digest()
        sent_at = 1_800_000_000_123
        self.statement = (
            TAG + self.id + self.sender + (b'\1' + to if to else bytes(21)) + u8(kind) + sent_at.to_bytes(8, 'little')
            + len(box).to_bytes(4, 'little') + blake3(box) + u8(commitment is not None)
        )
        assert len(self.statement) == 139
        self.proven = self.statement + u8(wanted)
        self.unsigned = (
            maker.key + maybe(claimed) + varint(sent_at) + nonce + maybe(to) + u8(wanted) + u8(kind) + varint(len(box))
            + blake3(box) + maybe(commitment)
        )
        self.bytes = self.unsigned + sign_all(maker, MESSAGE, [self.proven])[0]


def direct(maker, to, plain, nonce, blinding, wanted=False):
    """A sealed message: its name is known before its box is made."""
    commitment = blake3(blinding + plain)
    # One piece, which is the last one.
    context = Header(maker, b'', nonce, address_of(to), commitment=commitment).id + bytes(4) + u8(1)
    shared = encode(multiply(maker.x, decode(to.key)))
    box = seal(hkdf(b'easypeers seal 1', shared, maker.key + to.key, 32), bytes([6]) * 24, blinding + plain, context)
    return Header(maker, box, nonce, address_of(to), commitment=commitment, wanted=wanted)


def acknowledgement(header, recipient, hops, path, hops_left):
    statement = sha256(header.statement).digest() + address_of(recipient) + u8(hops)
    signed = sign_all(recipient, ACKNOWLEDGEMENT, [statement])[0]
    return header.id + header.maker + recipient.key + u8(hops) + signed + sequence(*path) + varint(hops_left)


def acceptance(who, request_id, offer, answer, hello):
    parts = [sha256(offer).digest(), sha256(answer).digest(), sha256(maybe(hello)).digest()]
    proof = who.prove(b'easypeers acceptance 2', TAG + request_id + b''.join(parts))
    return who.key + answer + proof + maybe(hello)


# Packets.


def hello(claimed=None, capabilities=0, more=b''):
    return (
        u8(5) + varint(capabilities) + varint(1_800_000_000_123) + bytes([3]) * 16 + A.key + maybe(claimed) + bytes([4]) * 32 + lengthy(more)
    )


CONFIRM = bytes([5]) * 32 + bytes([6]) * 64


def entry(n, rtt):
    return address(n) + u8(rtt)


def view(free, *entries):
    return u8(free) + sequence(*entries)


def candidate(kind, priority, place, port):
    return varint(kind) + varint(priority) + text(place) + varint(port)


HOST = candidate(0, 2113667327, '192.168.1.7', 54321)
REFLEXIVE = candidate(1, 1677729535, '203.0.113.9', 54321)


def description(setup, *candidates):
    return text('abcd') + text('p' * 24) + bytes([10]) * 32 + varint(setup) + sequence(*candidates)


OFFER, ANSWER = description(0, HOST, REFLEXIVE), description(1, HOST)
ID, OTHER = bytes([8]) * 8, bytes([9]) * 8


def signature(tag, kind, name, offer):
    """Of A, who makes the offer."""
    made = 1_800_000_000_123
    statement = tag + u8(kind) + name + made.to_bytes(8, 'little') + bytes([7]) * 16 + sha256(offer).digest()
    return A.key, made, A.prove(b'easypeers offer 3', statement)


def signed(tag, kind, name, offer):
    key, made, proof = signature(tag, kind, name, offer)
    return key + varint(made) + proof


def request(goal, need, instead_of, offer, brought, path, hops_left):
    id, origin = ID, address(1)
    if offer:
        kind, name = 0, id
        if brought:
            kind, name = 1, brought[-20:]
            id = ID[:3] + name[:5]
        origin, offer = address_of(A), offer + signed(TAG, kind, name, offer)
    return (
        id + origin + bytes([7]) * 16 + goal + u8(need) + maybe(instead_of) + maybe(offer) + maybe(brought)
        + sequence(*path) + varint(hops_left)
    )


def mark(url):
    total = 0
    for byte in url.encode():
        total = (total * 31 + byte) % 2**32
    return total


def reply(signal):
    return u8(6) + u8(1) + ID + address(1) + sequence(address(2), address(3)) + varint(32) + lengthy(signal)


def forward(signal):
    return u8(6) + u8(2) + ID + lengthy(signal)


SDP = (
    'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n'
    'a=x-easypeers:1 {} {} 1 {} {} {} {}\r\n'
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n'
    'a=candidate:0 1 udp 2113667327 192.168.1.7 54321 typ host\r\n'
    'a=candidate:1 1 udp 1677729535 203.0.113.9 54321 typ srflx raddr 0.0.0.0 rport 0\r\n'
    'a=ice-ufrag:abcd\r\na=ice-pwd:' + 'p' * 24 + '\r\na=ice-options:trickle\r\n'
    'a=fingerprint:sha-256 ' + ':'.join(['0A'] * 32) + '\r\na=setup:actpass\r\n'
    'a=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n'
)


def vectors():
    yield 'hello', u8(0) + hello()
    yield 'hello_claimed', u8(0) + hello(address(7), 300, b'later')
    yield 'confirm', u8(1) + CONFIRM + u8(1)
    yield 'close_leaving', u8(2) + u8(0)
    yield 'close_evicted', u8(2) + u8(1) + maybe(None)
    yield 'close_evicted_hint', u8(2) + u8(1) + maybe(address(7))
    yield 'close_duplicate', u8(2) + u8(2)
    yield 'close_full', u8(2) + u8(3)
    yield 'close_refused', u8(2) + u8(4)
    yield 'ping', u8(3) + varint(300)
    yield 'pong', u8(4) + varint(2**32 - 1)

    yield 'view_own', u8(5) + u8(0) + view(4, entry(1, 10), entry(2, 255))
    relayed = sequence(address(1) + view(0, entry(2, 20)), address(3) + view(6))
    yield 'view_relayed', u8(5) + u8(1) + relayed
    yield 'view_nearer', u8(5) + u8(2) + sequence(entry(9, 128))

    brought = varint(mark('wss://tracker.example')) + bytes([11]) * 20 + bytes([12]) * 20
    exact = request(varint(3) + address(2), 1, address(4), OFFER, brought, [address(5)], 1200)
    yield 'request_exact', u8(6) + u8(0) + exact
    yield 'request_point', u8(6) + u8(0) + request(varint(2) + address(2), 0, None, OFFER, None, [], 5)
    yield 'request_successor', u8(6) + u8(0) + request(varint(0), 0, None, None, None, [], 5)
    yield 'request_predecessor', u8(6) + u8(0) + request(varint(1), 0, None, None, None, [], 5)
    yield 'reply_accept', reply(u8(0) + acceptance(B, ID, OFFER, ANSWER, hello()))
    yield 'reply_accept_bare', reply(u8(0) + acceptance(B, ID, OFFER, ANSWER, None))
    yield 'reply_found', reply(u8(1) + address(2))
    for number, reason in enumerate(['full', 'busy', 'duplicate', 'not_found', 'failed']):
        yield 'reply_reject_' + reason, reply(u8(2) + u8(number))
    yield 'reply_candidate', reply(u8(3) + REFLEXIVE)
    yield 'reply_cancel', reply(u8(4))
    yield 'reply_decline', reply(u8(5) + address(1) + bytes([5]) * 8)
    yield 'reply_greet', reply(u8(6) + OTHER + hello() + CONFIRM)
    key = hkdf(b'easypeers restart 1', bytes([13]) * 32, b'', 32)
    words = [('ask', u8(0)), ('offer', u8(1) + OFFER), ('answer', u8(2) + ANSWER), ('candidate', u8(3) + REFLEXIVE)]
    for number, (name, word) in enumerate(words):
        box = seal(key, bytes([14 + number]) * 24, varint(300) + word, address(2))
        yield 'reply_restart_' + name, reply(u8(7) + address(2) + lengthy(box))
    yield 'reply_later', reply(u8(42) + b'later')
    yield 'forward_candidate', forward(u8(3) + HOST)
    yield 'forward_cancel', forward(u8(4))

    said = Header(A, b'hello', bytes([1]) * 16)
    named = Header(A, b'hello', bytes([2]) * 16, claimed=address(7))
    for name, header in [('said', said), ('named', named)]:
        yield name + '_id', header.id
    yield 'data', u8(7) + u8(0) + u8(1) + said.bytes + lengthy(said.box)
    yield 'data_claimed', u8(7) + u8(0) + u8(1) + named.bytes + lengthy(named.box)
    # The third of five that are said at once.
    five = [said, named] + [Header(A, b'hello', bytes([n]) * 16) for n in (3, 4, 5)]
    signatures = sign_all(A, MESSAGE, [header.proven for header in five])
    yield 'data_along', u8(7) + u8(0) + u8(1) + five[2].unsigned + signatures[2] + lengthy(five[2].box)
    yield 'header', u8(7) + u8(1) + u8(3) + said.bytes
    yield 'have', u8(7) + u8(2) + sequence(said.id, named.id)
    yield 'graft', u8(7) + u8(3) + said.id
    yield 'prune', u8(7) + u8(4) + said.maker
    bucket, fold = 1_800_000_000_123 // 4000, int.from_bytes(said.id[:8], 'big') ^ int.from_bytes(named.id[:8], 'big')
    yield 'digest', u8(7) + u8(5) + varint(bucket) + varint(fold)
    yield 'resume', u8(7) + u8(6) + said.maker

    sealed = direct(A, B, b'only you', bytes([3]) * 16, bytes([4]) * 32)
    query = Header(A, b'', bytes([5]) * 16, address_of(B), KEY_QUERY, commitment=blake3(bytes([6]) * 32))
    wanted = direct(A, B, b'only you', bytes([3]) * 16, bytes([4]) * 32, wanted=True)
    assert wanted.id == sealed.id and wanted.statement == sealed.statement
    yield 'header_wanted', u8(7) + u8(1) + u8(0) + wanted.bytes
    yield 'sealed_id', sealed.id
    path = sequence(sealed.maker, address(3))
    yield 'message', u8(8) + u8(0) + sealed.bytes + lengthy(sealed.box) + path + u8(2)
    yield 'message_query', u8(8) + u8(0) + query.bytes + lengthy(b'') + sequence(query.maker) + u8(1)
    yield 'taken', u8(8) + u8(1) + sealed.id + u8(2)
    yield 'stuck', u8(8) + u8(2) + sealed.id + u8(2)
    marks = varint(2) + varint(7) + varint(mark('wss://tracker.example'))
    yield 'trackers', u8(12) + marks + u8(1)
    shown = Header(A, b'here', bytes([7]) * 16, kind=PRESENCE)
    first = [int.from_bytes(whole[:8], 'big') for whole in (shown.id, said.id, shown.maker)]
    yield 'shown_id', shown.id
    yield 'data_presence', u8(7) + u8(0) + u8(1) + shown.bytes + lengthy(shown.box)
    suspects = sequence(said.maker + varint(1_800_000_000_123))
    suspicion = Header(A, suspects, bytes([8]) * 16, kind=SUSPICION)
    yield 'data_suspicion', u8(7) + u8(0) + u8(1) + suspicion.bytes + lengthy(suspicion.box)
    yield 'presence_sum', u8(13) + u8(0) + varint(first[0] ^ first[1])
    yield 'presence_held', u8(13) + u8(1) + sequence(varint(first[2]) + varint(1_800_000_000_123))
    yield 'presence_records', u8(13) + u8(2) + sequence(shown.bytes + lengthy(shown.box))
    yield 'presence_near', u8(13) + u8(3) + shown.bytes + lengthy(shown.box)
    yield 'dropped', u8(14) + varint(200)
    withdrawal = Header(A, said.id, bytes([9]) * 16, kind=WITHDRAWAL)
    yield 'data_withdrawal', u8(7) + u8(0) + u8(1) + withdrawal.bytes + lengthy(withdrawal.box)
    yield 'clock', u8(9) + varint(1_800_000_000_123) + u8(1)
    yield 'rival', u8(10) + bytes([8]) * 16
    held = bytes([3]) * 16 + bytes([8]) * 16
    proof = A.prove(b'easypeers holding 2', TAG + held + (60_000).to_bytes(8, 'big'))
    yield 'holds', u8(11) + held + varint(60_000) + proof
    path = [sealed.maker, address(3)]
    yield 'acknowledgement', u8(8) + u8(3) + acknowledgement(sealed, B, 2, path, 512)

    yield 'frame_whole', u8(0) + lengthy(u8(3) + varint(300))
    yield 'frame_several', u8(2) + lengthy(b''.join(lengthy(u8(kind) + varint(300)) for kind in (3, 4)))
    yield 'frame_part', u8(1) + varint(200) + u8(0) + lengthy(b'part')
    yield 'frame_part_last', u8(1) + varint(200) + u8(1) + lengthy(b'part')

    offer = bytes([12]) * 20
    maker, made, proof = signature(TAG, 1, offer, OFFER)
    words = [address_of(A).hex(), bytes([7]).hex() * 16, address(4).hex(), maker.hex(), made, proof.hex()]
    public = SDP.format(*words)
    yield 'envelope_public', public.encode()
    key = derive(SWARM + bytes([7]) * 32, b'descriptions', 32)
    hour = varint(1_800_000_000_123 // 3_600_000)
    plain = bytes([7]) * 16 + u8(1) + maybe(address(4)) + OFFER
    private = signed(derive(SWARM + bytes([7]) * 32, b'messages', 32), 1, offer, OFFER)
    for name, half, who, by in [
        ('envelope_sealed', 0, address_of(A), maybe(private)), ('envelope_sealed_answer', 1, address(1), maybe(None))
    ]:
        box = seal(key, bytes([13 + half]) * 24, hour + who + plain + by, offer + u8(half))
        yield name, b'x-easypeers-sealed:3 ' + box.hex().encode()


if __name__ == '__main__':
    # The draft's appendix A.3.1.
    draft = seal(bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58)), b'Ladies and Gentlemen of the class of \'99: If I could '
                 b'offer you only one tip for the future, sunscreen would be it.', bytes.fromhex('50515253c0c1c2c3c4c5c6c7'))
    assert draft[-16:].hex() == 'c0875924c1c7987947deafd8780acf49'
    # The paper's repository, test_vectors.json: no bytes, and 1,023 of those that count up to 250.
    assert blake3(b'').hex().startswith('af1349b9f5f9a1a6a0404dea36dcc949')
    assert blake3(bytes(at % 251 for at in range(1023))).hex().startswith('10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11')
    assert len(hello()) == 90 and len(hello(address(7))) == 110
    for name, data in vectors():
        print(name, data.hex())
