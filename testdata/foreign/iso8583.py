"""ISO 8583:1987 as posim's documents describe it: iso87, and cup as public derivatives of UnionPay's specification have it.

A message is a dict: its key 0 is the MTI, 2 to 63 are data elements, all of them text but those of kind b. Packing is strict about
lengths, unpacking is strict about everything.
"""
import des

# kind, length, digits of the length prefix (0: fixed)
ISO87 = {
    2: ('n', 19, 2), 3: ('n', 6, 0), 4: ('n', 12, 0), 11: ('n', 6, 0), 12: ('n', 6, 0), 13: ('n', 4, 0), 14: ('n', 4, 0), 15: ('n', 4, 0),
    22: ('n', 4, 0), 23: ('n', 4, 0), 25: ('n', 2, 0), 32: ('n', 11, 2), 35: ('z', 37, 2), 37: ('an', 12, 0), 38: ('an', 6, 0),
    39: ('an', 2, 0), 41: ('an', 8, 0), 42: ('an', 15, 0), 44: ('an', 25, 2), 49: ('n', 4, 0), 52: ('b', 8, 0), 54: ('an', 120, 3),
    55: ('b', 255, 3), 59: ('an', 120, 3), 60: ('an', 99, 3), 62: ('b', 999, 3), 63: ('an', 99, 3), 64: ('b', 8, 0),
}
CUP = {
    2: ('n', 19, 2), 3: ('n', 6, 0), 4: ('n', 12, 0), 11: ('n', 6, 0), 12: ('n', 6, 0), 13: ('n', 4, 0), 14: ('n', 4, 0), 15: ('n', 4, 0),
    22: ('n', 3, 0), 23: ('nr', 3, 0), 25: ('n', 2, 0), 26: ('n', 2, 0), 32: ('n', 11, 2), 35: ('z', 37, 2), 36: ('z', 104, 3),
    37: ('an', 12, 0), 38: ('an', 6, 0), 39: ('an', 2, 0), 41: ('an', 8, 0), 42: ('an', 15, 0), 44: ('an', 25, 2), 48: ('n', 322, 3),
    49: ('an', 3, 0), 52: ('b', 8, 0), 53: ('n', 16, 0), 54: ('an', 40, 3), 55: ('b', 255, 3), 57: ('an', 999, 3), 59: ('an', 999, 3),
    60: ('n', 17, 3), 61: ('n', 29, 3), 62: ('b', 999, 3), 63: ('an', 163, 3), 64: ('b', 8, 0),
}


class Wrong(Exception):
    """What is not as the documents say."""


class Dialect:
    def __init__(self, name):
        self.name, self.cup = name, name == 'cup'
        self.table = CUP if self.cup else ISO87
        self.mac = des.cup_ecb if self.cup else des.x919
        self.check = 4 if self.cup else 3  # bytes of a check value
        self.header = bytes.fromhex('603100311100') if self.cup else b''

    def bcd(self, digits, kind):
        """iso87 fills an odd count in front, cup behind, and cup's 'nr' in front; z ends with D's filler."""
        if len(digits) % 2:
            if kind == 'z':
                digits += 'F' if self.cup else '0'
            elif self.cup and kind == 'n':
                digits += '0'
            else:
                digits = '0' + digits
        return bytes.fromhex(digits)

    def unbcd(self, data, n, kind):
        digits = data.hex().upper()
        if len(digits) == n:
            return digits
        if kind == 'z':
            return digits[:n]
        if self.cup and kind == 'n':
            if digits[n:] != '0':
                raise Wrong('a filler that is not 0')
            return digits[:n]
        if digits[0] != '0':
            raise Wrong('a leading filler that is not 0')
        return digits[1:]

    def field(self, de, value):
        kind, length, prefix = self.table[de]
        n = len(value)
        if n > length or not prefix and n != length:
            raise Wrong('DE %d: %d of %d' % (de, n, length))
        head = bytes.fromhex(str(n).rjust(2 if prefix == 2 else 4, '0')) if prefix else b''
        if kind == 'b':
            return head + value
        if kind == 'an':
            return head + value.encode()
        return head + self.bcd(value.replace('=', 'D'), kind)

    def pack(self, m, mak=None):
        """The message without TPDU and header; with a key, DE 64 is its MAC."""
        out = {de: self.field(de, v) for de, v in m.items() if de}
        bits = sum(1 << 64 - de for de in out) | (1 if mak else 0)
        body = bytes.fromhex(m[0]) + bits.to_bytes(8, 'big') + b''.join(out[de] for de in sorted(out))
        return body + self.mac(mak, body) if mak else body

    def unpack(self, data, mak=None):
        """A message; with a key its MAC is verified, and it must have one."""
        whole, m = data, {0: data[:2].hex()}
        bits, data = int.from_bytes(data[2:10], 'big'), data[10:]
        if bits >> 63:
            raise Wrong('a second bitmap')

        def take(n):
            nonlocal data
            if len(data) < n:
                raise Wrong('%d bytes are left of %d' % (len(data), n))
            part, data = data[:n], data[n:]
            return part
        for de in range(2, 65):
            if not bits >> 64 - de & 1:
                continue
            if de not in self.table:
                raise Wrong('DE %d is not known' % de)
            kind, length, prefix = self.table[de]
            n = int(take(1 if prefix == 2 else 2).hex()) if prefix else length
            if n > length or n == 0:
                raise Wrong('DE %d: length %d' % (de, n))
            if kind == 'b':
                m[de] = take(n)
            elif kind == 'an':
                m[de] = take(n).decode()
            else:
                m[de] = self.unbcd(take((n + 1) // 2), n, kind).replace('D', '=')
        if data:
            raise Wrong('%d bytes too many' % len(data))
        if mak:
            if 64 not in m:
                raise Wrong('%s has no MAC' % m[0])
            if self.mac(mak, whole[:-8]) != m[64]:
                raise Wrong('%s has a wrong MAC' % m[0])
        return m


class Frames:
    """Messages on a socket: two bytes of length, a TPDU if there is one, the dialect's header, the message."""

    def __init__(self, sock, dialect, tpdu=b''):
        self.sock, self.dialect, self.tpdu, self.buffer = sock, dialect, tpdu, b''

    def frame(self, message, request=0):
        header = bytearray(self.dialect.header)
        if header:
            header[2] |= request
        whole = self.tpdu + bytes(header) + message
        return len(whole).to_bytes(2, 'big') + whole

    def next(self):
        """The next message; None: the other side has hung up."""
        while True:
            if len(self.buffer) >= 2:
                n = int.from_bytes(self.buffer[:2], 'big')
                if len(self.buffer) >= 2 + n:
                    whole, self.buffer = self.buffer[2:2 + n], self.buffer[2 + n:]
                    return self.bare(whole)
            more = self.sock.recv(3)  # few bytes at a time: messages come in pieces
            if not more:
                return None
            self.buffer += more

    def bare(self, whole):
        if self.tpdu:
            theirs = whole[:5]
            if theirs[:1] != b'\x60' or theirs[1:3] != self.tpdu[3:5] or self.tpdu[1:3] not in (theirs[3:5], b'\0\0'):
                raise Wrong('TPDU %s is not for %s' % (theirs.hex(), self.tpdu.hex()))
            if self.tpdu[1:3] == b'\0\0':
                self.tpdu = b'\x60' + theirs[3:5] + theirs[1:3]
            whole = whole[5:]
        n = len(self.dialect.header)
        if n and whole[:1] not in (b'\x60', b'\x61'):
            raise Wrong('header %s' % whole[:n].hex())
        return whole[n:]
