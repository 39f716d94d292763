"""An acquirer that is not posim's: it signs terminals on, approves what it can read, and keeps books.

    server.py --dialect cup --key HEX --track2 PAN=YYMM... --pin 1234 [--tpdu 6000030000] [--cut whole|drip|merge|odd] [--lose AMOUNT]

It listens on a port of this machine and writes it as its first line; then every message that came as a line of JSON, and after
each what it believes: the sales that stand and the batches that closed. --lose swallows the answers of the first sale of that amount
in minor units, so that the terminal reverses it. --cut merge puts a copy of the answer before in the same segment: a terminal has to
drop it.
"""
import argparse
import json
import os
import socket
import sys
import threading
import time

import des
from iso8583 import Dialect, Frames, Wrong


class Host:
    def __init__(self, a):
        self.a, self.d, self.lock = a, Dialect(a.dialect), threading.Lock()
        self.master, self.pan = bytes.fromhex(a.key), a.track2.split('=')[0]
        self.pik, self.mak = None, None
        self.batch, self.rrn = 1, 0
        self.sales = {}      # key -> {amount, state: approved, voided, reversed, refused}
        self.answers = {}    # key and class -> the answer it got
        self.closed, self.uploaded, self.lost = [], 0, None

    def key(self, m):
        """How a transaction is known: by batch and trace number in cup, else by trace number, date and time."""
        if self.d.cup:
            return (m[41], m[60][2:8], m[11])
        return (m[41], m[13], m[12], m[11])

    def sessions(self):
        """New keys for a session, as DE 62 carries them. The first halves' parity is nobody's business."""
        self.pik, self.mak = os.urandom(16), os.urandom(16)
        n, out = self.d.check, b''
        for k in (self.pik, self.mak):
            out += des.ecb(self.master, k) + des.check_value(k, n)
        return out

    def answer(self, m, code, **more):
        r = {de: m[de] for de in (3, 4, 11, 12, 13, 25, 32, 41, 42, 49) if de in m}
        r.update({0: m[0][:2] + '%02d' % (int(m[0][2:]) // 10 * 10 + 10), 39: code})
        if self.d.cup:
            r[12], r[13] = time.strftime('%H%M%S'), time.strftime('%m%d')
            r[60] = m[60]
            if m[0] == '0800' and m[60][8:11] == '003':
                r[60] = m[60][:2] + '%06d' % self.batch + m[60][8:]  # a sign-on is told which batch is open
        elif m[0][1] in '58' and 60 in m:
            r[60] = m[60]
        if m[0][1] not in '58' and code == '00' and m[0] != '0320':
            self.rrn += 1
            r[37] = 'F%011d' % self.rrn
        r.update({int(k[1:]): v for k, v in more.items()})
        return r

    def pays(self, m):
        """Whether the cardholder is the one we know."""
        if 35 in m:
            if m[35] != self.a.track2:
                return '14'
        elif m.get(2) != self.pan:
            return '14'
        if 52 in m and des.pin_of(self.pik, m[52], self.pan) != self.a.pin:
            return '55'
        return '00'

    def standing(self):
        return sorted(s['amount'] for s in self.sales.values() if s['state'] == 'approved' and s['kind'] == 'sale')

    def totals(self):
        """A voided sale and its void count both in cup; here in iso87 too. What was reversed counts nowhere."""
        live = [s for s in self.sales.values() if s['batch'] == self.batch and s['state'] in ('approved', 'voided')]
        return ([s['amount'] for s in live if s['kind'] == 'sale'], [s['amount'] for s in live if s['kind'] == 'void'])

    def handle(self, m):
        """What the answer to a message is; None: none, and its sale is lost."""
        kind = m[0][1]
        if kind == '8':
            return self.network(m)
        if kind == '5' or kind == '3':
            return self.settle(m)
        k = self.key(m)
        if (k, kind) in self.answers and m[0][:2] != '04':
            return self.answers[k, kind]  # a copy
        if kind == '4':
            return self.reverse(m, k)
        a = self.void(m, k) if m[3][:2] in ('20', '02') else self.sale(m, k)
        self.answers[k, kind] = a
        return a

    def sale(self, m, k):
        code, amount = self.pays(m), int(m[4])
        if k in self.sales:
            code = '25'  # its reversal came first
        if self.d.cup and int(m[60][2:8]) != self.batch:
            code = '77'
        if code == '00':
            self.sales[k] = {'kind': 'sale', 'amount': amount, 'state': 'approved', 'batch': self.batch}
        return self.answer(m, code, f38='FOR%03d' % (self.rrn % 1000)) if code == '00' else self.answer(m, code)

    def original(self, m):
        if self.d.cup:
            return (m[41], m[61][:6], m[61][6:12])
        o = m[60]
        if o[0] != '#':
            raise Wrong('DE 60 of a void: %s' % o)
        return (m[41], o[13:17], o[17:23], o[7:13])

    def void(self, m, k):
        o = self.sales.get(self.original(m))
        if not o or o['state'] != 'approved' or o['amount'] != int(m[4]):
            return self.answer(m, '25')
        o['state'] = 'voided'
        self.sales[k] = {'kind': 'void', 'amount': o['amount'], 'state': 'approved', 'batch': self.batch, 'of': self.original(m)}
        return self.answer(m, '00')

    def reverse(self, m, k):
        reason = m[39] if self.d.cup else m[60][:2]
        if reason not in ('98', '96', 'A0', '06'):
            raise Wrong('reason %s' % reason)
        s = self.sales.get(k)
        if s is None:
            self.sales[k] = {'kind': 'sale', 'amount': int(m[4]), 'state': 'refused', 'batch': 0}
            return self.answer(m, '25')
        if s['state'] == 'refused':
            return self.answer(m, '25')
        if s['amount'] != int(m[4]):
            raise Wrong('a reversal of %s for %s' % (m[4], s['amount']))
        if s['kind'] == 'void' and s['state'] == 'approved':
            self.sales[s['of']]['state'] = 'approved'
        s['state'] = 'reversed'
        return self.answer(m, '00')

    def network(self, m):
        code = m[60][8:11] if self.d.cup else m[60]
        if code in ('003', '001') and m[0] == '0800':
            return self.answer(m, '00', f62=self.sessions())
        return self.answer(m, '00' if code in ('301', '002') else '12')

    def settle(self, m):
        debits, credits = self.totals()
        mine = (sum(debits), len(debits), sum(credits), len(credits))
        if m[0] == '0320':
            self.uploaded += 1 if not self.d.cup else int(m[48][:2]) if m[60][8:11] == '201' and 48 in m else 0
            if not self.d.cup or m[60][8:11] not in ('202', '207'):
                return self.answer(m, '00')
            if int(m[60][2:8]) == self.batch:  # a copy closes nothing
                self.close()
            return self.answer(m, '00')
        if self.d.cup:
            t = m[48]
            theirs = tuple(int(t[a:b]) + int(t[a + 31:b + 31]) for a, b in ((0, 12), (12, 15), (15, 27), (27, 30)))
            result = '1' if theirs == mine else '2'
            half = '%012d%03d%012d%03d' % mine
            return self.answer(m, '00', f48=half + result + '0' * 30 + '1')
        if m[3] == '960000':
            self.close()
            return self.answer(m, '00')
        t = m[63]
        n = [int(t[i:i + 18][:6]) for i in range(0, 72, 18)]
        v = [int(t[i:i + 18][6:]) for i in range(0, 72, 18)]
        theirs = (v[0] + v[2], n[0] + n[2], v[1] + v[3], n[1] + n[3])
        if theirs == mine:
            self.close()
        own = '%06d%012d%06d%012d' % (mine[1], mine[0], mine[3], mine[2]) + '0' * 36
        return self.answer(m, '00' if theirs == mine else '95', f63=own)

    def close(self):
        debits, credits = self.totals()
        self.closed.append({'batch': self.batch, 'debits': debits, 'credits': credits, 'uploaded': self.uploaded})
        self.batch, self.uploaded = self.batch + 1, 0

    def signed(self, mti):
        """Which messages have a MAC: in cup transactions alone, in iso87 all but those of the network."""
        return mti[1] in '1246' if self.d.cup else mti[1] != '8'

    def line(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        t = bytes.fromhex(self.a.tpdu)  # as terminals send it
        frames, before = Frames(sock, self.d, t[:1] + t[3:5] + t[1:3]), b''
        while True:
            b = frames.next()
            if b is None:
                return
            with self.lock:
                m = self.d.unpack(b)
                bad = False
                if self.signed(m[0]):
                    try:
                        self.d.unpack(b, self.mak or bytes(16))
                    except Wrong:
                        bad = True
                a = self.answer(m, 'A0') if bad else self.handle(m)
                if self.a.lose and not bad and m[0] == '0200' and int(m.get(4, '0')) == self.a.lose and self.lost in (None, self.key(m)):
                    self.lost = self.key(m)
                    a = None
                say(mti=m[0], stan=m[11], code=a[39] if a else '', bad_mac=bad, standing=self.standing(), closed=self.closed)
                if a is None:
                    continue
                out = frames.frame(self.d.pack(a, self.mak if self.signed(a[0]) and not bad else None))
            self.write(sock, before, out)
            before = out

    def write(self, sock, before, out):
        if self.a.cut == 'merge':
            sock.sendall(before + out)
            return
        step = {'whole': len(out), 'drip': 1, 'odd': 7}[self.a.cut]
        for i in range(0, len(out), step):
            sock.sendall(out[i:i + step])
            if step < len(out):
                time.sleep(0.0005)


def say(**more):
    print(json.dumps(more), flush=True)


def main():
    p = argparse.ArgumentParser()
    for name in ('dialect', 'key', 'track2', 'pin'):
        p.add_argument('--' + name, required=True)
    p.add_argument('--tpdu', default='')
    p.add_argument('--cut', choices=('whole', 'drip', 'merge', 'odd'), default='whole')
    p.add_argument('--lose', type=int, default=0)
    host = Host(p.parse_args())
    server = socket.create_server(('127.0.0.1', 0))
    say(listen='127.0.0.1:%d' % server.getsockname()[1])

    def serve(sock):
        try:
            host.line(sock)
        except (Wrong, ValueError, KeyError, IndexError) as e:
            say(wrong='%s: %s' % (type(e).__name__, e))
        except OSError:
            pass  # the terminal has hung up
        sock.close()
    while True:
        sock, _ = server.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == '__main__':
    sys.exit(main())
