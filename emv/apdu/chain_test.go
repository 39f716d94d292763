package apdu

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

type exchange struct{ Command, Response string }

// scriptedCard answers strictly in order.
type scriptedCard struct {
	t         testing.TB
	exchanges []exchange
	at        int
}

func (c *scriptedCard) Transmit(command []byte) ([]byte, error) {
	got := strings.ToUpper(hex.EncodeToString(command))
	if c.at >= len(c.exchanges) {
		return nil, fmt.Errorf("command %s after the last exchange", got)
	}
	e := c.exchanges[c.at]
	c.at++
	if got != e.Command {
		return nil, fmt.Errorf("command %d is %s: want %s", c.at, got, e.Command)
	}
	return unhex(c.t, e.Response), nil
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestChain(t *testing.T) {
	const selectCommand = "00A4040007A000000003101000"
	long := strings.Repeat("AB", 128)
	tests := []struct {
		name      string
		command   string
		exchanges []exchange
		want      string
		err       error
	}{
		{name: "an answer in one piece goes through", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6F009000"}}, want: "6F009000"},
		{name: "several 61xx are joined", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6102"}, {"00C0000002", "01026101"}, {"00C0000001", "039000"}}, want: "0102039000"},
		{name: "data beside 61xx counts", command: selectCommand,
			exchanges: []exchange{{selectCommand, "AA6101"}, {"00C0000001", "BB9000"}}, want: "AABB9000"},
		{name: "6100 asks for 256", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6100"}, {"00C0000000", "BB9000"}}, want: "BB9000"},
		{name: "6Cxx corrects the command once", command: "80CA9F3600",
			exchanges: []exchange{{"80CA9F3600", "6C05"}, {"80CA9F3605", "9F360200079000"}}, want: "9F360200079000"},
		{name: "6Cxx twice is a violation", command: "80CA9F3600",
			exchanges: []exchange{{"80CA9F3600", "6C05"}, {"80CA9F3605", "6C06"}}, err: ErrProtocol},
		{name: "a warning with data is the answer", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6F006283"}}, want: "6F006283"},
		{name: "a warning without data fetches it and stays", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6283"}, {"00C0000000", "6C02"}, {"00C0000002", "6F009000"}}, want: "6F006283"},
		{name: "a warning of a card that has no data stands alone", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6283"}, {"00C0000000", "6D00"}}, want: "6283"},
		{name: "a warning to a command without Le is the answer", command: "0020008008241234FFFFFFFFFF",
			exchanges: []exchange{{"0020008008241234FFFFFFFFFF", "63C2"}}, want: "63C2"},
		{name: "a second warning is not followed", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6283"}, {"00C0000000", "6282"}}, want: "6283"},
		{name: "9xxx is a warning", command: selectCommand,
			exchanges: []exchange{{selectCommand, "9104"}, {"00C0000000", "6F009000"}}, want: "6F009104"},
		{name: "an error after 61xx is the answer", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6126"}, {"00C0000026", "6581"}}, want: "6581"},
		{name: "GET RESPONSE leaves secure messaging and keeps the channel", command: "84B2010C00",
			exchanges: []exchange{{"84B2010C00", "6101"}, {"00C0000001", "BB9000"}}, want: "BB9000"},
		{name: "more than 256 bytes are a violation", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6180"}, {"00C0000080", long + "6180"}, {"00C0000080", long + "6101"}, {"00C0000001", "AA9000"}}, err: ErrProtocol},
		{name: "257 bytes of data are a violation", command: selectCommand, exchanges: []exchange{{selectCommand, long + long + "AA9000"}}, err: ErrProtocol},
		{name: "256 bytes of data are not", command: selectCommand, exchanges: []exchange{{selectCommand, long + long + "9000"}}, want: long + long + "9000"},
		{name: "one byte is no response", command: selectCommand, exchanges: []exchange{{selectCommand, "90"}}, err: ErrProtocol},
		{name: "one byte after GET RESPONSE is none", command: selectCommand,
			exchanges: []exchange{{selectCommand, "6102"}, {"00C0000002", "90"}}, err: ErrProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := &scriptedCard{t: t, exchanges: tt.exchanges}
			got, err := Chain(card).Transmit(unhex(t, tt.command))
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v: want %v", err, tt.err)
			}
			if err == nil && !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("response %X: want %s", got, tt.want)
			}
			if card.at != len(card.exchanges) {
				t.Errorf("%d of %d exchanges", card.at, len(card.exchanges))
			}
		})
	}
}

type cardFunc func(command []byte) ([]byte, error)

func (f cardFunc) Transmit(command []byte) ([]byte, error) { return f(command) }

func TestChainEnds(t *testing.T) {
	sent := 0
	endless := cardFunc(func([]byte) ([]byte, error) { sent++; return []byte{0x61, 0x00}, nil })
	if _, err := Chain(endless).Transmit(unhex(t, "00A4040007A000000003101000")); !errors.Is(err, ErrProtocol) {
		t.Errorf("error %v: want %v", err, ErrProtocol)
	}
	if sent > maxExchanges+1 {
		t.Errorf("%d exchanges: want at most %d", sent, maxExchanges+1)
	}
	gone := cardFunc(func(c []byte) ([]byte, error) {
		if c[1] == InsGetResponse {
			return nil, fmt.Errorf("slot 1: %w", ErrCardRemoved)
		}
		return []byte{0x61, 0x10}, nil
	})
	if _, err := Chain(gone).Transmit(unhex(t, "00B2010C00")); !errors.Is(err, ErrCardRemoved) {
		t.Errorf("error %v: want %v", err, ErrCardRemoved)
	}
	if c := Chain(gone); Chain(c) != c {
		t.Error("a chained card is chained again")
	}
}

// Whatever a card answers, Chain gives one response that is no 61xx or 6Cxx, or an error.
func FuzzChain(f *testing.F) {
	f.Add([]byte{0x61, 0x02, 0xFF, 0x6C, 0x02}, []byte{0, 0xA4, 4, 0, 1, 2, 0})
	f.Add([]byte{0x62, 0x83, 0xFF, 0x6C, 0x02, 0xFF, 1, 2, 0x90, 0}, []byte{0, 0xA4, 4, 0, 1, 2, 0})
	f.Fuzz(func(t *testing.T, answers, command []byte) {
		parts := bytes.Split(answers, []byte{0xFF})
		card := cardFunc(func(c []byte) ([]byte, error) {
			if len(c) < 4 {
				return nil, ErrMute
			}
			if len(parts) == 0 {
				return nil, ErrMute
			}
			p := parts[0]
			parts = parts[1:]
			return p, nil
		})
		got, err := Chain(card).Transmit(command)
		if err != nil {
			return
		}
		r, err := Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if r.SW>>8 == 0x61 || r.SW>>8 == 0x6C {
			t.Fatalf("status word %v is for the transport", r.SW)
		}
	})
}
