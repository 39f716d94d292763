package scenario

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sort"
	"strings"
	"testing"
)

// This reader knows docs/records.md and nothing else: it shares no code with the rooms that write and trace. What it finds of place,
// amount and owner must be what the trace finds.

// told is one transaction as the logs have it.
type toldTransaction struct {
	key, original [6]string // merchant, terminal, STAN, date, time, batch
	owner         string    // of the last image's difference item
	item          int64
	amount        int64
	purse         bool                // its card has paid: a claim says so, or a posting from the pool
	items         map[string]toldItem // by party
	money         map[string]int64
}

type toldItem struct {
	owner  string
	amount int64
}

// bodies splits a log. It stops at the first record that is not whole, and leaves out what belongs to one that is not there.
func bodies(log []byte) (all [][]byte) {
	const more = 1 << 31
	whole := 0
	defer func() { all = all[:whole] }()
	for n := uint64(1); len(log) >= 16; n++ {
		length := binary.BigEndian.Uint32(log)
		goesOn := length&more != 0
		length &^= more
		if uint64(length)+16 > uint64(len(log)) || binary.BigEndian.Uint64(log[8:]) != n {
			return all
		}
		checked := append(append([]byte(nil), log[:4]...), log[8:16+length]...)
		if crc32.Checksum(checked, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(log[4:]) {
			return all
		}
		all = append(all, log[16:16+length])
		log = log[16+length:]
		if !goesOn {
			whole = len(all)
		}
	}
	return all
}

// fields reads the values of a part by the types of its fields: n number, t text, f flag, p part. It stops at a field that it does
// not know.
func fields(b []byte, types map[byte]byte, take func(field byte, number int64, value []byte)) error {
	for len(b) > 0 {
		field := b[0]
		b = b[1:]
		switch types[field] {
		case 'n':
			v, n := binary.Varint(b)
			if n <= 0 {
				return fmt.Errorf("field %d: no number", field)
			}
			take(field, v, nil)
			b = b[n:]
		case 't':
			v, n := binary.Uvarint(b)
			if n <= 0 || v > uint64(len(b)-n) {
				return fmt.Errorf("field %d: no text", field)
			}
			take(field, 0, b[n:n+int(v)])
			b = b[n+int(v):]
		case 'f':
			take(field, 1, nil)
		case 'p':
			if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
				return fmt.Errorf("field %d: no part", field)
			}
			n := binary.BigEndian.Uint32(b)
			take(field, 0, b[4:4+n])
			b = b[4+n:]
		default:
			return nil // ascending: what is wanted stands before it
		}
	}
	return nil
}

func fieldTypes(s string) map[byte]byte {
	m := map[byte]byte{}
	for _, word := range strings.Fields(s) {
		var kind byte
		var from, to int
		if n, _ := fmt.Sscanf(word, "%c%d-%d", &kind, &from, &to); n == 2 {
			to = from
		}
		for i := from; i <= to; i++ {
			m[byte(i)] = kind
		}
	}
	return m
}

var (
	recordTypes      = fieldTypes("n1 p2-6")
	transactionTypes = fieldTypes("t1-5 n6-7 t8 n9 t10-20 f21 t22-25 f26 n27 p28 t29 n30 t31-36")
	itemTypes        = fieldTypes("t1 n2 t3-4 n5-6 t7-8 p9")
	postingTypes     = fieldTypes("t1-2 n3")
)

// readLogs reads the logs of a house into transactions by their keys.
func readLogs(t *testing.T, logs []Store) map[[6]string]*toldTransaction {
	t.Helper()
	all := map[[6]string]*toldTransaction{}
	for _, l := range logs {
		for i, b := range bodies(l.Data) {
			if err := readRecord(l.Party, b, all); err != nil {
				t.Fatalf("%s, record %d: %v", l.Party, i+1, err)
			}
		}
	}
	return all
}

func readRecord(party string, b []byte, all map[[6]string]*toldTransaction) error {
	if len(b) == 0 || b[0] != 1 {
		return fmt.Errorf("version %x", b)
	}
	var now *toldTransaction
	var inner error
	err := fields(b[1:], recordTypes, func(field byte, _ int64, v []byte) {
		switch field {
		case 2:
			image, err := readTransaction(v)
			if err != nil {
				inner = err
				return
			}
			if now = all[image.key]; now == nil {
				now = image
				now.money, now.items = map[string]int64{}, map[string]toldItem{}
				all[image.key] = now
			}
			if image.original != ([6]string{}) {
				now.original = image.original
			}
			now.items[party] = toldItem{image.owner, image.item}
			if party == "issuer" {
				now.amount, now.purse = image.amount, now.purse || image.purse
			}
		case 6:
			var end [3]string
			var n int64
			inner = fields(v, postingTypes, func(field byte, number int64, v []byte) {
				if field == 3 {
					n = number
					return
				}
				end[field] = string(v)
			})
			now.money[end[1]] -= n
			now.money[end[2]] += n
			now.purse = now.purse || end[1] == "purse-pool"
		}
	})
	if err == nil {
		err = inner
	}
	return err
}

func readTransaction(b []byte) (*toldTransaction, error) {
	t := &toldTransaction{}
	var inner error
	err := fields(b, transactionTypes, func(field byte, number int64, v []byte) {
		switch {
		case field <= 5:
			t.key[field-1] = string(v)
		case field == 9:
			t.amount = number
		case field == 29:
			t.key[5] = string(v)
		case field >= 31 && field <= 36:
			t.original[field-31] = string(v)
		case field == 28:
			inner = fields(v, itemTypes, func(field byte, n int64, v []byte) {
				switch field {
				case 5:
					t.purse = n == 19
				case 6:
					if n == 1 || n == 3 || n == 9 { // adjusted, accepted, closed: nobody has it in hand
						t.item, t.owner = 0, ""
					}
				case 1:
					t.owner = string(v)
				case 2:
					t.item = n
				}
			})
		}
	})
	if err == nil {
		err = inner
	}
	return t, err
}

// rootKey follows the names to the transaction that began it all.
func rootKey(all map[[6]string]*toldTransaction, k [6]string) [6]string {
	for range 5 {
		t := all[k]
		if t == nil || t.original == ([6]string{}) || all[t.original] == nil {
			break
		}
		k = t.original
	}
	return k
}

// TestTraceIsWhatTheLogsSay compares place, amount and owner of every transaction of every scenario with what the other reader finds.
func TestTraceIsWhatTheLogsSay(t *testing.T) {
	l, scripts := merchants(t)
	compared := 0
	for _, s := range scripts {
		stores := kept(t, l, s)
		d, err := stores.Read()
		if err != nil {
			t.Fatal(err)
		}
		all := readLogs(t, stores.Logs)
		money, items := map[[6]string]map[string]int64{}, map[[6]string]map[string]int64{}
		for k, x := range all {
			root := rootKey(all, k)
			if money[root] == nil {
				money[root], items[root] = map[string]int64{}, map[string]int64{}
			}
			for p, n := range x.money {
				money[root][p] += n
			}
			if x.purse {
				money[root]["purse"] -= x.amount
				money[root]["purse-pool"] += x.amount
			}
			for _, i := range x.items {
				if i.amount > 0 {
					items[root][i.owner] += i.amount
				}
			}
		}
		found := 0
		for _, f := range d.Find(Query{}) {
			k := [6]string{f.Key.MID, f.Key.TID, f.Key.STAN, f.Key.Date, f.Key.Time, f.Key.Batch}
			if all[k] == nil || !f.known() {
				if len(f.Money) > 0 {
					t.Errorf("%s %v: the trace knows of money and no log does", s.ID, f.Key)
				}
				continue
			}
			found++
			compared++
			root := rootKey(all, k)
			f.agrees(t, s.ID, money[root], items[root])
		}
		if found != len(all) {
			t.Errorf("%s: the logs have %d transactions, the trace %d of them", s.ID, len(all), found)
		}
	}
	if compared < 100 {
		t.Errorf("only %d transactions were compared", compared)
	}
}

// known tells whether a host has it.
func (f *Finding) known() bool {
	for _, b := range f.Beliefs {
		if b.Party != partyTerminal && b.Party != "merchant" && b.Says.ID != "h-unknown" {
			return true
		}
	}
	return false
}

// agrees compares a finding with the positions and items of its family.
func (f *Finding) agrees(t *testing.T, id string, money, items map[string]int64) {
	t.Helper()
	var positions []string
	for p, n := range money {
		if n != 0 {
			positions = append(positions, p)
		}
	}
	sort.Strings(positions)
	got := map[string]int64{}
	for _, h := range f.Money {
		got[h.Position] = h.Amount
	}
	for _, p := range positions {
		if got[p] != money[p] {
			t.Errorf("%s %v: %s holds %d, and the logs say %d", id, f.Key, p, got[p], money[p])
		}
		delete(got, p)
	}
	if len(got) > 0 {
		t.Errorf("%s %v: the trace has %v, and the logs nothing of that", id, f.Key, got)
	}
	place, most := "cardholder", int64(0)
	for _, p := range positions {
		if money[p] > most && p != "fees" && p != "cardholder" && p != "wallet" {
			place, most = p, money[p]
		}
	}
	if f.Place.Position != place || most > 0 && f.Place.Amount != most {
		t.Errorf("%s %v: the money is with %s (%d), and the logs say %s (%d)", id, f.Key, f.Place.Position, f.Place.Amount, place, most)
	}
	owners := map[string]int64{}
	for _, i := range f.Items {
		owners[i.Owner] += i.Amount
	}
	if fmt.Sprint(owners) != fmt.Sprint(items) {
		t.Errorf("%s %v: items of %v, and the logs say %v", id, f.Key, owners, items)
	}
}
