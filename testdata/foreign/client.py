"""A terminal that is not posim's, at a host: sign-on, echo, sales, reversal, void, settlement.

    client.py --dialect cup --addr 127.0.0.1:8583 --tid SIM00014 --mid SIM000000000001 --key HEX --track2 PAN=YYMM... --pin 1234
              [--tpdu 6000030000] [--cut whole|drip|merge|odd] [--trace FILE]

It writes what came of each step as a line of JSON and ends with status 0 if the host did everything as the documents say. Its bytes
leave in one piece, one by one (drip), two messages in one segment (merge), or in odd pieces.
"""
import argparse
import json
import socket
import sys
import time

import des
from iso8583 import Dialect, Frames, Wrong


class Terminal:
    def __init__(self, a):
        self.a, self.d = a, Dialect(a.dialect)
        self.stan, self.pik, self.mak = int(time.time()) % 900000, None, None
        self.batch = '000000' if self.d.cup else '%06d' % self.stan  # in iso87 the terminal counts, and the host is told at the end
        host, port = a.addr.rsplit(':', 1)
        self.sock = socket.create_connection((host, int(port)), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.frames = Frames(self.sock, self.d, bytes.fromhex(a.tpdu))
        self.trace = open(a.trace, 'w') if a.trace else None

    def send(self, *messages):
        """Puts messages on the line as --cut says; two of them are in one segment."""
        frames = [self.frames.frame(b) for b in messages]
        if self.trace:
            for f in frames:
                self.trace.write('> %s\n' % f.hex())
        data = b''.join(frames)
        pieces = {'whole': frames, 'merge': [data], 'drip': [bytes([c]) for c in data],
                  'odd': [data[i:i + 7] for i in range(0, len(data), 7)]}[self.a.cut]
        for p in pieces:
            self.sock.sendall(p)
            if len(pieces) > 2:
                time.sleep(0.0005)

    def receive(self, mac):
        """One answer, its MAC verified where there must be one: a refusal of keys may come without."""
        b = self.frames.next()
        if b is None:
            raise Wrong('the host has hung up')
        if self.trace:
            self.trace.write('< %s\n' % b.hex())
        m = self.d.unpack(b)
        return self.d.unpack(b, self.mak) if mac and m.get(39) not in ('A0', '99', '77') else m

    def ask(self, m, mac=True):
        self.send(self.d.pack(m, self.mak if mac else None))
        return self.match(m, self.receive(mac))

    def match(self, m, answer):
        want = m[0][:2] + '%02d' % (int(m[0][2:]) + 10)
        for de, value in ((0, want), (11, m[11]), (41, m[41]), (42, m[42])):
            if answer.get(de) != value:
                raise Wrong('answer to %s: DE %d is %s, want %s' % (m[0], de, answer.get(de), value))
        for de in (3, 4):
            if de in m and answer.get(39) == '00' and answer.get(de, m[de]) != m[de]:
                raise Wrong('answer to %s: DE %d is %s, want %s' % (m[0], de, answer.get(de), m[de]))
        return answer

    def message(self, mti, **more):
        self.stan += 1
        m = {0: mti, 11: '%06d' % self.stan, 41: self.a.tid, 42: self.a.mid}
        if not self.d.cup:
            now = time.localtime()
            m[12], m[13] = time.strftime('%H%M%S', now), time.strftime('%m%d', now)
        m.update({int(k[1:]): v for k, v in more.items()})
        return m

    def sixty(self, kind, code='000', tail=True):
        return kind + self.batch + code + ('00' if tail else '')

    def sign_on(self):
        if self.d.cup:
            m = self.message('0800', f60=self.sixty('00', '003', False), f62=b'Sequence No12POSIM0' + self.a.tid[3:8].encode(), f63='01 ')
        else:
            m = self.message('0800', f60='001')
        a = self.ask(m, mac=False)
        expect(a, '00')
        n = self.d.check
        keys = a[62]
        if len(keys) != 2 * (16 + n):
            raise Wrong('DE 62 has %d bytes' % len(keys))
        master, clear = bytes.fromhex(self.a.key), []
        for at in (0, 16 + n):
            cryptogram, check = keys[at:at + 16], keys[at + 16:at + 16 + n]
            key = des.ecb(master, cryptogram, True)
            if cryptogram[8:] == bytes(8):
                key = key[:8]
            if des.check_value(key, n) != check:
                raise Wrong('check value %s of key %d' % (check.hex(), at))
            clear.append(key)
        self.pik, self.mak = clear
        if self.d.cup:
            self.batch = a[60][2:8]
            if a[12] == '' or len(a[13]) != 4:
                raise Wrong('no time and date in the answer to a sign-on')
        return a

    def echo(self):
        if self.d.cup:
            return self.message('0820', f60=self.sixty('00', '301', False))
        return self.message('0800', f60='301')

    def sale(self, amount):
        pan = self.a.track2.split('=')[0]
        m = self.message('0200', f3='000000', f4='%012d' % amount, f25='00', f35=self.a.track2, f52=des.pin_block(self.pik, self.a.pin, pan))
        if self.d.cup:
            m.update({22: '021', 26: '12', 49: '156', 53: '2600000000000000', 60: self.sixty('22'), 63: '01 '})
        else:
            m.update({22: '0901', 49: '0156'})
        return m

    def void(self, sale, answer):
        m = self.message('0200', f3='200000' if self.d.cup else '020000', f4=sale[4], f25='00', f37=answer[37],
                         f2=self.a.track2.split('=')[0])
        if 38 in answer:
            m[38] = answer[38]
        if self.d.cup:
            m.update({22: '012', 49: '156', 60: self.sixty('23'), 61: self.batch + sale[11], 63: '01 '})
        else:
            m.update({22: '0012', 49: '0156', 60: '#------' + sale[11] + sale[13] + sale[12]})
        return m

    def reversal(self, m, reason='98'):
        """It has the original's trace number and, in iso87, its date and time; nothing of PIN and track."""
        r = {de: m[de] for de in (3, 4, 11, 12, 13, 22, 25, 41, 42, 49) if de in m}
        r[0] = '0400'
        if self.d.cup:
            r.update({39: reason, 60: m[60]})
            if 61 in m:
                r[61] = m[61]
        else:
            del r[25]
            r[60] = reason
        return r

    def settlement(self, debits, credits):
        """debits and credits are lists of amounts. The answer's result is 1 for equal and 2 for not."""
        if self.d.cup:
            half = '%012d%03d%012d%03d0' % (sum(debits), len(debits), sum(credits), len(credits))
            none = '0' * 30 + '0'
            m = self.message('0500', f48=half + none, f49='156', f60=self.sixty('00', '201', False), f63='01 ')
        else:
            m = self.message('0500', f3='920000', f60=self.batch, f63='%06d%012d%06d%012d' % (len(debits), sum(debits), len(credits), sum(credits)) + '0' * 36)
        a = self.ask(m, mac=not self.d.cup)
        if self.d.cup:
            return a, int(a[48][30]), int(a[48][61])
        return expect(a, '00', '95'), {'00': 1, '95': 2}[a[39]], 1

    def upload_end(self, equal, lines):
        if self.d.cup:
            m = self.message('0320', f48='%04d' % lines, f60=self.sixty('00', '207' if equal else '202', False))
            return self.ask(m, mac=False)
        return self.ask(self.message('0500', f3='960000', f60=self.batch + '%04d' % lines))

    def upload(self, sales):
        """The lines of stripe sales."""
        pan = self.a.track2.split('=')[0]
        if self.d.cup:
            lines = ''.join('00%s%s%s' % (s[11], pan.rjust(20, '0'), s[4]) for s in sales)
            return expect(self.ask(self.message('0320', f48='%02d' % len(sales) + lines, f60=self.sixty('00', '201', False)), mac=False), '00')
        for s in sales:
            expect(self.ask(self.message('0320', f2=pan, f3=s[3], f4=s[4], f25='00', f60=self.batch + s[0] + s[11] + 'D')), '00')


def expect(m, *codes):
    if m.get(39) not in codes:
        raise Wrong('%s %s is answered %s, want %s' % (m[0], m[11], m.get(39), ' or '.join(codes)))
    return m


def say(step, **more):
    print(json.dumps(dict(step=step, **more)), flush=True)


def run(t):
    t.sign_on()
    say('sign-on', batch=t.batch, check=des.check_value(t.mak, t.d.check).hex())

    # Two messages, in one segment if --cut is merge; the answers come in whatever order they come.
    echo, first = t.echo(), t.sale(1000)
    t.send(t.d.pack(echo), t.d.pack(first, t.mak))
    answers = [t.receive(False), t.receive(False)]
    answers.sort(key=lambda m: m[0] == '0210')
    expect(t.match(echo, answers[0]), '00')
    a1 = expect(t.match(first, answers[1]), '00')
    say('sale', stan=first[11], rrn=a1[37], date=first.get(13, ''), time=first.get(12, ''))

    # The same request again is the same sale: the same answer.
    again = t.ask(first)
    if again[37] != a1[37] or again[39] != '00':
        raise Wrong('the copy of a sale is answered %s %s, want %s' % (again[39], again[37], a1[37]))
    say('copy', rrn=again[37])

    second = t.sale(2500)
    a2 = expect(t.ask(second), '00')
    say('sale', stan=second[11], rrn=a2[37], date=second.get(13, ''), time=second.get(12, ''))
    v = t.void(second, a2)
    av = expect(t.ask(v), '00')
    say('void', stan=v[11], rrn=av[37])
    expect(t.ask(t.void(second, a2)), '12', '25', '64')  # it is voided already

    third = t.sale(4000)
    expect(t.ask(third), '00')
    for _ in range(2):  # the second one is a repeat
        expect(t.ask(t.reversal(third)), '00')
    say('reversal', stan=third[11])
    never = t.sale(700)
    expect(t.ask(t.reversal(never)), '25', '00')  # its original never came
    expect(t.ask(never), '25')  # and is refused now
    say('tombstone', stan=never[11])

    wrong = bytearray(t.d.pack(t.sale(300), t.mak))
    wrong[-1] ^= 1
    t.send(bytes(wrong))
    expect(t.receive(True), 'A0')
    say('wrong-mac')

    # A voided sale and its void count both; a reversed one not at all.
    answer, domestic, foreign = t.settlement([1000, 2500], [2500])
    if (domestic, foreign) != (1, 1):
        raise Wrong('settlement: results %s and %s, want equal' % (domestic, foreign))
    if t.d.cup:
        expect(t.upload_end(True, 0), '00')
    say('settlement', result=domestic, batch=t.batch)

    before = t.batch
    t.sign_on()
    if not t.d.cup:
        t.batch = '%06d' % (int(before) + 1)
    if int(t.batch) != int(before) + 1:
        raise Wrong('after batch %s comes %s' % (before, t.batch))
    fourth = t.sale(500)
    expect(t.ask(fourth), '00')
    answer, domestic, _ = t.settlement([500, 900], [])  # of which the host knows one
    if domestic != 2:
        raise Wrong('settlement with wrong totals: result %s' % domestic)
    if t.d.cup and answer[48][:15] != '000000000500001':
        raise Wrong('the host has %s' % answer[48])
    t.upload([fourth])
    expect(t.upload_end(False, 1), '00')
    say('mismatch', batch=t.batch)
    t.sign_on()
    say('end', batch=t.batch)


def main():
    p = argparse.ArgumentParser()
    for name in ('dialect', 'addr', 'tid', 'mid', 'key', 'track2', 'pin'):
        p.add_argument('--' + name, required=True)
    p.add_argument('--tpdu', default='')
    p.add_argument('--cut', choices=('whole', 'drip', 'merge', 'odd'), default='whole')
    p.add_argument('--trace', default='')
    try:
        run(Terminal(p.parse_args()))
    except (Wrong, OSError, ValueError, KeyError) as e:
        print('client: %s: %s' % (type(e).__name__, e), file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
