"""DES and what payment terminals make of it, from FIPS 46-3, ANSI X9.19 and ANSI X9.8. Slow, and for tests.

It shares nothing with posim: whoever reads both has two readings of the same documents.
"""

IP = (58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
      57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7)
FP = (40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
      36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25)
E = (32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17,
     16, 17, 18, 19, 20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1)
P = (16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25)
PC1 = (57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
       63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4)
PC2 = (14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
       41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32)
SHIFTS = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
S = (
    (14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
     4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13),
    (15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
     0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9),
    (10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
     13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12),
    (7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
     10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14),
    (2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
     4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3),
    (12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
     9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13),
    (4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
     1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12),
    (13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
     7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11),
)


def permute(value, width, table):
    out = 0
    for bit in table:
        out = out << 1 | value >> (width - bit) & 1
    return out


def schedule(key):
    halves = permute(int.from_bytes(key, 'big'), 64, PC1)
    c, d, mask = halves >> 28, halves & 0xFFFFFFF, 0xFFFFFFF
    keys = []
    for n in SHIFTS:
        c, d = (c << n | c >> 28 - n) & mask, (d << n | d >> 28 - n) & mask
        keys.append(permute(c << 28 | d, 56, PC2))
    return keys


def des_block(key, block, decrypt=False):
    keys = schedule(key)
    if decrypt:
        keys.reverse()
    value = permute(int.from_bytes(block, 'big'), 64, IP)
    left, right = value >> 32, value & 0xFFFFFFFF
    for k in keys:
        x = permute(right, 32, E) ^ k
        y = 0
        for i in range(8):
            six = x >> 42 - 6 * i & 63
            y = y << 4 | S[i][(six >> 4 & 2 | six & 1) * 16 + (six >> 1 & 15)]
        left, right = right, left ^ permute(y, 32, P)
    return permute(right << 32 | left, 64, FP).to_bytes(8, 'big')


def tdes_block(key, block, decrypt=False):
    """One block under a key of 8 bytes (single DES) or 16 (EDE)."""
    if len(key) == 8:
        return des_block(key, block, decrypt)
    a, b = key[:8], key[8:16]
    return des_block(a, des_block(b, des_block(a, block, decrypt), not decrypt), decrypt)


def ecb(key, data, decrypt=False):
    return b''.join(tdes_block(key, data[i:i + 8], decrypt) for i in range(0, len(data), 8))


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def pad(data):
    """Padding method 1 of ISO 9797-1: zeros, and none if there need not be any."""
    return data + bytes(-len(data) % 8)


def x919(key, data):
    """ANSI X9.19: a chain of single DES, whose last block goes through the second half and the first again."""
    last = bytes(8)
    data = pad(data)
    for i in range(0, len(data), 8):
        last = des_block(key[:8], xor(last, data[i:i + 8]))
    return des_block(key[:8], des_block(key[8:16], last, True))


def cup_ecb(key, data):
    """The MAC of UnionPay terminals: the blocks' XOR as hexadecimal text, half of it encrypted, the other half mixed in."""
    data, mixed = pad(data), bytes(8)
    for i in range(0, len(data), 8):
        mixed = xor(mixed, data[i:i + 8])
    text = mixed.hex().upper().encode()
    second = tdes_block(key, xor(tdes_block(key, text[:8]), text[8:]))
    return second.hex().upper().encode()[:8]


def check_value(key, n):
    """The first n bytes of a block of zeros under the key. A double slot whose second half is zeros is a single-length key."""
    if len(key) == 16 and key[8:] == bytes(8):
        key = key[:8]
    return tdes_block(key, bytes(8))[:n]


def pin_block(key, pin, pan):
    """ANSI X9.8, ISO 9564-1 format 0, under the key."""
    pin_field = bytes.fromhex(('0%d%s' % (len(pin), pin)).ljust(16, 'F'))
    pan_field = bytes.fromhex('0000' + pan[-13:-1])
    return ecb(key, xor(pin_field, pan_field))


def pin_of(key, block, pan):
    """The way back; None: the block is none, or of another key or card."""
    clear = xor(ecb(key, block, True), bytes.fromhex('0000' + pan[-13:-1])).hex().upper()
    n = int(clear[1], 16)
    if clear[0] != '0' or not 4 <= n <= 12 or clear[2 + n:].strip('F') or not clear[2:2 + n].isdigit():
        return None
    return clear[2:2 + n]


if __name__ == '__main__':
    # FIPS 46's own example in many books, NIST SP 500-20's first line, and the examples of public documents on the terminals' MAC.
    assert des_block(bytes.fromhex('133457799BBCDFF1'), bytes.fromhex('0123456789ABCDEF')).hex() == '85e813540f0ab405'
    assert des_block(bytes.fromhex('0101010101010101'), bytes.fromhex('95F8A5E5DD31D900')).hex() == '8000000000000000'
    assert des_block(bytes.fromhex('133457799BBCDFF1'), bytes.fromhex('85E813540F0AB405'), True).hex() == '0123456789abcdef'
    print('ok')
