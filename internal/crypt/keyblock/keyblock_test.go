package keyblock

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// counting is a reader of 01 02 03 ...: padding that a test can tell.
type counting struct{ n byte }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

// testKey is n bytes, the parts of which differ.
func testKey(n int) []byte {
	key := make([]byte, n)
	for i := range key {
		key[i] = byte(0x11*i + 3)
	}
	return key
}

// protectionKey is the longest a version takes.
func protectionKey(version byte) []byte {
	if version == 'D' {
		return testKey(32)
	}
	return testKey(24)
}

func testHeader(version, algorithm byte, optional ...Optional) Header {
	return Header{Version: version, Usage: "M3", Algorithm: algorithm, Mode: 'G', KeyVersion: "01", Exportability: 'E',
		Context: '0', Optional: optional}
}

func mustWrap(t testing.TB, h Header, key []byte, pad Padding) string {
	t.Helper()
	block, err := Wrap(protectionKey(h.Version), h, key, pad)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// Blocks that others made, wrapped again with the padding found in them, come out the same.
func TestWrapAsPublished(t *testing.T) {
	again := 0
	for _, v := range readVectors(t) {
		if v.Op != "tr31.unwrap" || v.Out.Error {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			kbpk := unhexed(t, v.In.KBPK)
			h, key, err := Rules{SingleDES: true}.Unwrap(kbpk, v.In.Block)
			if err != nil {
				t.Fatal(err)
			}
			pad := Padding{Fixed: clearPayload(t, kbpk, v.In.Block)[2+len(key):]}
			block, err := Rules{SingleDES: singleDES[v.ID]}.Wrap(kbpk, h, key, pad)
			if v.ID == "tr31-013" || v.ID == "tr31-029" { // their KS is no serial number of 20 digits
				if !errors.Is(err, ErrFormat) {
					t.Fatalf("%v: want ErrFormat: we write no such KS", err)
				}
				return
			}
			if err != nil || block != v.In.Block {
				t.Errorf("%v\n%s\nwant\n%s", err, block, v.In.Block)
			}
			again++
		})
	}
	if again != 20 {
		t.Errorf("%d blocks wrapped again: want 20", again)
	}
}

// clearPayload decrypts a block's payload without asking the MAC.
func clearPayload(t testing.TB, kbpk []byte, block string) []byte {
	t.Helper()
	p, err := split(block)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := p.version.protect(kbpk)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, len(p.text)+len(p.payload)/2)
	payload := data[copy(data, p.text):]
	unhex(payload, p.payload)
	p.open(keys, data)
	return payload
}

// forge makes a block with a right MAC over any payload, which Wrap would not make.
func forge(t testing.TB, kbpk []byte, h Header, payload []byte) string {
	t.Helper()
	v, err := findVersion(h.Version)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := v.protect(kbpk)
	if err != nil {
		t.Fatal(err)
	}
	data := append(h.append(nil, h.size()+2*len(payload)+2*v.mac), payload...)
	return v.seal(keys, data, h.size())
}

// No character of a block can become another one without an error.
func TestEveryChange(t *testing.T) {
	for _, version := range []byte("ABCD") {
		t.Run(string(version), func(t *testing.T) {
			ks := NewKSN([10]byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x00})
			block := mustWrap(t, testHeader(version, 'T', ks), testKey(16), Padding{Random: &counting{}})
			if _, _, err := Unwrap(protectionKey(version), block); err != nil {
				t.Fatal(err)
			}
			p, err := split(block)
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(block) {
				for _, c := range alternatives(block, i) {
					altered := block[:i] + string(c) + block[i+1:]
					h, key, err := Unwrap(protectionKey(version), altered)
					if err == nil || key != nil || h.Version != 0 {
						t.Fatalf("position %d, %q for %q: accepted", i, c, block[i])
					}
					if _, digit := nibble(c); digit && i >= len(p.text) && !errors.Is(err, ErrMAC) {
						t.Fatalf("position %d, %q for %q: %v: want ErrMAC", i, c, block[i], err)
					}
				}
			}
		})
	}
}

// alternatives are characters to put in a place: all that is printable, and more, in the fixed header, where a character may mean
// something else; some beyond.
func alternatives(block string, i int) []byte {
	c := block[i]
	some := []byte{c ^ 1, c ^ 0x20, c ^ 0x80, '0', 'F', 'a', ' '}
	if i < headerSize {
		for c := byte(0); c < 0x80; c++ {
			some = append(some, c)
		}
	}
	return bytes.ReplaceAll(some, []byte{c}, nil)
}

func TestTruncatedAndExtended(t *testing.T) {
	for _, version := range []byte("ABCD") {
		block := mustWrap(t, testHeader(version, 'T'), testKey(16), Padding{Random: &counting{}})
		for n := range len(block) {
			if _, _, err := Unwrap(protectionKey(version), block[:n]); !errors.Is(err, ErrFormat) {
				t.Errorf("%c: first %d characters: %v: want ErrFormat", version, n, err)
			}
		}
		for _, more := range []string{"0", "00", strings.Repeat("0", 32), "\n"} {
			if _, _, err := Unwrap(protectionKey(version), block+more); !errors.Is(err, ErrFormat) {
				t.Errorf("%c: with %q behind: %v: want ErrFormat", version, more, err)
			}
		}
	}
}

func TestOtherProtectionKey(t *testing.T) {
	for _, version := range []byte("ABCD") {
		block := mustWrap(t, testHeader(version, 'T'), testKey(16), Padding{Random: &counting{}})
		kbpk := protectionKey(version)
		kbpk[7] ^= 0x10
		if _, _, err := Unwrap(kbpk, block); !errors.Is(err, ErrMAC) {
			t.Errorf("%c: %v: want ErrMAC", version, err)
		}
		if _, _, err := Unwrap(kbpk[:16], block); !errors.Is(err, ErrMAC) {
			t.Errorf("%c: half the key: %v: want ErrMAC", version, err)
		}
	}
}

func TestKindsOfProtectionKey(t *testing.T) {
	fits := map[byte][]int{'A': {16, 24}, 'B': {16, 24}, 'C': {16, 24}, 'D': {16, 24, 32}}
	for _, version := range []byte("ABCD") {
		block := mustWrap(t, testHeader(version, 'T'), testKey(16), Padding{Random: &counting{}})
		for n := range 34 {
			want := ErrKey
			for _, fit := range fits[version] {
				if n == fit {
					want = nil
				}
			}
			_, err := Wrap(testKey(n), testHeader(version, 'T'), testKey(16), Padding{Random: &counting{}})
			if !errors.Is(err, want) {
				t.Errorf("%c: wrap under %d bytes: %v: want %v", version, n, err, want)
			}
			if want != nil {
				if _, _, err := Unwrap(testKey(n), block); !errors.Is(err, ErrKey) {
					t.Errorf("%c: unwrap under %d bytes: %v: want ErrKey", version, n, err)
				}
			}
		}
	}
}

// A key length inside the payload that is wrong is refused, though the MAC is right.
func TestPayloadLength(t *testing.T) {
	tests := []struct {
		name      string
		algorithm byte
		bits      int
		want      error
	}{
		{"a two-key TDES key", 'T', 128, nil},
		{"a three-key TDES key", 'T', 192, nil},
		{"a TDES key of 17 bytes", 'T', 136, ErrPayload},
		{"no whole bytes", 'H', 129, ErrPayload},
		{"a byte longer than the payload", 'H', 8 * 31, ErrPayload},
		{"longer than the payload by its length", 'H', 8 * 32, ErrPayload},
		{"the longest there is", 'H', 0xFFF8, ErrPayload},
		{"all of the payload but its length", 'H', 8 * 30, nil},
		{"no key", 'T', 0, ErrPayload},
		{"no HMAC key", 'H', 0, ErrPayload},
		{"one byte for HMAC", 'H', 8, nil},
		{"single DES as TDES", 'T', 64, ErrSingleDES},
		{"single DES", 'D', 64, ErrSingleDES},
		{"TDES as single DES", 'D', 128, ErrPayload},
		{"an AES key", 'A', 192, nil},
		{"an AES key of 8 bytes", 'A', 64, ErrPayload},
		{"an AES key of 20 bytes", 'A', 160, ErrPayload},
	}
	for _, test := range tests {
		for _, version := range []byte("ABCD") {
			payload := append([]byte{byte(test.bits >> 8), byte(test.bits)}, testKey(30)...)
			block := forge(t, protectionKey(version), testHeader(version, test.algorithm), payload)
			h, key, err := Unwrap(protectionKey(version), block)
			if !errors.Is(err, test.want) {
				t.Errorf("%c, %s: %v: want %v", version, test.name, err, test.want)
			}
			if err == nil && !bytes.Equal(key, payload[2:2+test.bits/8]) || err != nil && (key != nil || h.Version != 0) {
				t.Errorf("%c, %s: key of %d bytes, %v", version, test.name, len(key), err)
			}
		}
	}
}

// Version E is read and not computed.
func TestVersionE(t *testing.T) {
	kbpk, h := testKey(32), testHeader('E', 'A')
	if _, err := Wrap(kbpk, h, testKey(16), Padding{Random: &counting{}}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("wrap: %v: want ErrUnsupported", err)
	}
	text, err := h.Encode(84)
	if err != nil {
		t.Fatal(err)
	}
	block := text + strings.Repeat("0A", 34)
	if got, n, err := Parse(block); err != nil || n != 84 || !cmp.Equal(got, h) {
		t.Errorf("parse: %+v, %d, %v", got, n, err)
	}
	if _, _, err := Unwrap(kbpk, block); !errors.Is(err, ErrUnsupported) || errors.Is(err, ErrFormat) {
		t.Errorf("unwrap: %v: want ErrUnsupported", err)
	}
}

func TestSingleDES(t *testing.T) {
	legacy := Rules{SingleDES: true}
	for _, algorithm := range []byte("TD") {
		h := testHeader('B', algorithm)
		if _, err := Wrap(testKey(16), h, testKey(8), Padding{Random: &counting{}}); !errors.Is(err, ErrSingleDES) {
			t.Errorf("%c: wrap: %v: want ErrSingleDES", algorithm, err)
		}
		block, err := legacy.Wrap(testKey(16), h, testKey(8), Padding{Random: &counting{}})
		if err != nil {
			t.Fatal(err)
		}
		if len(block) != 96 {
			t.Errorf("%c: %d characters: want 96, as of a longer key", algorithm, len(block))
		}
		if _, _, err := Unwrap(testKey(16), block); !errors.Is(err, ErrSingleDES) {
			t.Errorf("%c: unwrap: %v: want ErrSingleDES", algorithm, err)
		}
		if _, key, err := legacy.Unwrap(testKey(16), block); err != nil || !bytes.Equal(key, testKey(8)) {
			t.Errorf("%c: unwrap, allowed: %v", algorithm, err)
		}
	}
}

func TestMaskedLength(t *testing.T) {
	tests := []struct {
		version, algorithm byte
		key, length        int
		want               int // characters
		random             int // bytes
	}{
		{'A', 'T', 16, 0, 88, 14}, {'A', 'T', 24, 0, 88, 6},
		{'B', 'T', 16, 0, 96, 14}, {'B', 'T', 24, 0, 96, 6},
		{'C', 'T', 16, 0, 88, 14}, {'C', 'T', 16, 16, 72, 6},
		{'D', 'T', 16, 0, 112, 14}, {'D', 'T', 24, 0, 112, 6},
		{'D', 'A', 16, 0, 144, 30}, {'D', 'A', 24, 0, 144, 22}, {'D', 'A', 32, 0, 144, 14},
		{'D', 'A', 16, 16, 112, 14}, {'D', 'A', 16, 128, 336, 126},
		{'D', 'H', 20, 0, 112, 10}, {'D', 'H', 32, 64, 208, 46},
	}
	for _, test := range tests {
		random := &counting{}
		h := testHeader(test.version, test.algorithm)
		block := mustWrap(t, h, testKey(test.key), Padding{Random: random, Length: test.length})
		if len(block) != test.want || random.n != byte(test.random) {
			t.Errorf("%+v: %d characters, %d random bytes", test, len(block), random.n)
		}
		payload := clearPayload(t, protectionKey(test.version), block)
		for i, c := range payload[2+test.key:] {
			if c != byte(i+1) {
				t.Errorf("%+v: padding %X is not what was read", test, payload[2+test.key:])
				break
			}
		}
	}
}

func TestPaddingRefused(t *testing.T) {
	broken := errors.New("no entropy")
	tests := []struct {
		name string
		pad  Padding
		want error
	}{
		{"nothing where padding must be", Padding{}, ErrPayload},
		{"fixed, a byte short", Padding{Fixed: make([]byte, 5)}, ErrPayload},
		{"fixed and random", Padding{Fixed: make([]byte, 6), Random: &counting{}}, ErrPayload},
		{"fixed with a length", Padding{Fixed: make([]byte, 6), Length: 24}, ErrPayload},
		{"shorter than the key", Padding{Random: &counting{}, Length: 15}, ErrPayload},
		{"negative", Padding{Random: &counting{}, Length: -1}, ErrPayload},
		{"longer than any block", Padding{Random: &counting{}, Length: 1 << 40}, ErrPayload},
		{"just longer than a block", Padding{Random: &counting{}, Length: 4990}, ErrFormat},
		{"a reader that fails", Padding{Random: iotest.ErrReader(broken)}, broken},
		{"a reader that ends", Padding{Random: bytes.NewReader(make([]byte, 3))}, io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		if block, err := Wrap(testKey(16), testHeader('B', 'T'), testKey(16), test.pad); block != "" || !errors.Is(err, test.want) {
			t.Errorf("%s: %v: want %v", test.name, err, test.want)
		}
	}
	for _, fixed := range []int{6, 14, 22} { // any number of whole blocks
		mustWrap(t, testHeader('B', 'T'), testKey(16), Padding{Fixed: make([]byte, fixed)})
	}
}

// A block has four digits of length: 9984 characters are the most that whole blocks make in version B.
func TestLongestBlock(t *testing.T) {
	h, key := testHeader('B', 'T'), testKey(24)
	block := mustWrap(t, h, key, Padding{Random: &counting{}, Length: 4974})
	if len(block) != 9984 {
		t.Errorf("%d characters: want 9984", len(block))
	}
	if _, got, err := Unwrap(protectionKey('B'), block); err != nil || !bytes.Equal(got, key) {
		t.Error(err)
	}
	if _, err := Wrap(protectionKey('B'), h, key, Padding{Random: &counting{}, Length: 4975}); !errors.Is(err, ErrFormat) {
		t.Errorf("a block more: %v: want ErrFormat", err)
	}
	if _, _, err := Parse("B9999" + strings.Repeat("0", 9995)); !errors.Is(err, ErrFormat) {
		t.Errorf("10000 characters: %v: want ErrFormat", err)
	}
}

// The bytes of a failed unwrapping are zeros afterwards, and so is what a good one worked on.
func TestWiped(t *testing.T) {
	for _, version := range []byte("ABCD") {
		good := mustWrap(t, testHeader(version, 'T'), testKey(24), Padding{Random: &counting{}})
		last := byte('0')
		if good[len(good)-1] == last {
			last = '1'
		}
		short := forge(t, protectionKey(version), testHeader(version, 'T'), append([]byte{0, 24}, testKey(30)...))
		for _, block := range []string{good, good[:len(good)-1] + string(last), short} {
			p, err := split(block)
			if err != nil {
				t.Fatal(err)
			}
			keys, err := p.version.protect(protectionKey(version))
			if err != nil {
				t.Fatal(err)
			}
			data := make([]byte, len(p.text)+len(p.payload)/2)
			key, err := Rules{}.take(&p, keys, data)
			if (err == nil) != (block == good) || (err == nil) != bytes.Equal(key, testKey(24)) {
				t.Fatalf("%c: %v", version, err)
			}
			if !bytes.Equal(data, make([]byte, len(data))) {
				t.Errorf("%c: %v: not wiped", version, err)
			}
		}
	}
}

// The caller's bytes are only read.
func TestInputsKept(t *testing.T) {
	for _, version := range []byte("ABCD") {
		kbpk, key, fixed := protectionKey(version), testKey(16), testKey(14)
		optional := make([]Optional, 1, 4)
		optional[0] = Optional{"LB", "x"}
		block, err := Wrap(kbpk, testHeader(version, 'T', optional...), key, Padding{Fixed: fixed})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Unwrap(kbpk, block); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kbpk, protectionKey(version)) || !bytes.Equal(key, testKey(16)) || !bytes.Equal(fixed, testKey(14)) {
			t.Errorf("%c: bytes of the caller were changed", version)
		}
		if spare := optional[:4]; spare[1] != (Optional{}) {
			t.Errorf("%c: the caller's optional blocks were changed: %v", version, spare)
		}
	}
}

// Parity is not adjusted: the key comes back as it went in.
func TestParityKept(t *testing.T) {
	for _, key := range [][]byte{bytes.Repeat([]byte{0xEE, 0x10, 0x23, 0x46, 0x57, 0x68, 0x7A, 0x8C}, 2), testKey(16)} {
		block := mustWrap(t, testHeader('B', 'T'), key, Padding{Random: &counting{}})
		if _, got, err := Unwrap(protectionKey('B'), block); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%X, %v: want %X", got, err, key)
		}
	}
}

// Errors say where and what, and hold nothing of a key, clear or encrypted.
func TestErrorsTellNoKeys(t *testing.T) {
	for _, v := range readVectors(t) {
		if v.Op != "tr31.unwrap" || len(v.In.Block) > 200 {
			continue
		}
		kbpk := unhexed(t, v.In.KBPK)
		for i := range len(v.In.Block) {
			_, _, err := Unwrap(kbpk, v.In.Block[:i]+"g"+v.In.Block[i+1:])
			if err == nil {
				continue // a label or padding may hold a g; the MAC says no
			}
			text := err.Error()
			if !strings.HasPrefix(text, "keyblock: ") {
				t.Fatalf("%q does not say where it comes from", text)
			}
			body := v.In.Block[max(0, len(v.In.Block)-56):]
			for j := 0; j+6 <= len(body); j++ {
				if strings.Contains(text, body[j:j+6]) {
					t.Fatalf("%s, position %d: %q quotes the payload", v.ID, i, text)
				}
			}
		}
	}
}

func ExampleWrap() {
	kbpk := bytes.Repeat([]byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}, 4) // test keys only
	key := bytes.Repeat([]byte{0xA1, 0xB2, 0xC3, 0xD4}, 4)
	h := Header{Version: 'D', Usage: "P0", Algorithm: 'A', Mode: 'E', KeyVersion: "00", Exportability: 'N'}
	block, err := Wrap(kbpk, h, key, Padding{Random: &counting{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(block[:16], len(block))
	back, unwrapped, err := Unwrap(kbpk, block)
	fmt.Println(back.Usage, len(unwrapped), err)
	_, _, err = Unwrap(kbpk, strings.Replace(block, "P0", "D0", 1))
	fmt.Println(err)
	// Output:
	// D0144P0AE00N0000 144
	// P0 16 <nil>
	// keyblock: wrong MAC: the block was altered, or is under another protection key
}
