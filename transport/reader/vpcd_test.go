package reader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/posim/posim/emv/apdu"
)

// vpcdCard plays a card to the test, which is vpcd.
func vpcdCard(t *testing.T, card EmulatedCard, cfg VPCDConfig) (vpcd net.Conn, end <-chan error) {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := serveVPCD(context.Background(), far, card, cfg)
		done <- err
	}()
	t.Cleanup(func() { near.Close() })
	if err := near.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return near, done
}

// ask writes a message of vpcd and reads the card's, without its length.
func ask(t *testing.T, vpcd net.Conn, message []byte) []byte {
	t.Helper()
	if _, err := vpcd.Write(message); err != nil {
		t.Fatal(err)
	}
	return hear(t, vpcd)
}

func hear(t *testing.T, vpcd net.Conn) []byte {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(vpcd, head[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, int(head[0])<<8|int(head[1]))
	if _, err := io.ReadFull(vpcd, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVPCDVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			ID         string
			Transcript []struct{ Dir, Hex string }
		}
	}
	vectors(t, "vpcd.json", &file)
	vpcd, _ := vpcdCard(t, newCard(t, atrT0), VPCDConfig{})
	for _, v := range file.Vectors {
		for _, m := range v.Transcript {
			b := unhex(t, m.Hex)
			if m.Dir == "vpcd->card" {
				if _, err := vpcd.Write(b); err != nil {
					t.Fatal(err)
				}
			} else if got := hear(t, vpcd); !bytes.Equal(got, b[2:]) {
				t.Errorf("%s: %X: want %X", v.ID, got, b[2:])
			}
		}
	}
}

func TestVPCD(t *testing.T) {
	on, atr := []byte{0, 1, 1}, []byte{0, 1, 4}
	command := appendVPCD(nil, unhex(t, ppse))
	answer := unhex(t, fci+"9000")
	fault := func(f Fault) VPCDConfig { return VPCDConfig{Fault: nth("SELECT", 1, f)} }
	t.Run("commands before power are not answered", func(t *testing.T) {
		vpcd, _ := vpcdCard(t, newCard(t, atrT0), VPCDConfig{})
		if got := ask(t, vpcd, command); len(got) != 0 {
			t.Errorf("%X: want nothing", got)
		}
		if _, err := vpcd.Write(on); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, vpcd, command); !bytes.Equal(got, answer) {
			t.Errorf("%X: want %X", got, answer)
		}
		if got := ask(t, vpcd, append([]byte{0, 1, 0}, command...)); len(got) != 0 {
			t.Errorf("%X after power off: want nothing", got)
		}
	})
	t.Run("a message in pieces is one", func(t *testing.T) {
		vpcd, _ := vpcdCard(t, newCard(t, atrT0), VPCDConfig{})
		for _, b := range append(on, command...) {
			if _, err := vpcd.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if got := hear(t, vpcd); !bytes.Equal(got, answer) {
			t.Errorf("%X: want %X", got, answer)
		}
	})
	t.Run("a reset resets, the question for the ATR does not", func(t *testing.T) {
		card := newCard(t, atrT0)
		vpcd, _ := vpcdCard(t, card, VPCDConfig{})
		ask(t, vpcd, atr)
		ask(t, vpcd, atr)
		ask(t, vpcd, append([]byte{0, 1, 2}, atr...))
		if card.resets != 2 {
			t.Errorf("%d resets: want 2", card.resets)
		}
	})
	t.Run("a command longer than a short one is refused by the card", func(t *testing.T) {
		vpcd, _ := vpcdCard(t, newCard(t, atrT0), VPCDConfig{})
		if got := ask(t, vpcd, append(on, appendVPCD(nil, make([]byte, 262))...)); !bytes.Equal(got, []byte{0x67, 0}) {
			t.Errorf("%X: want 6700", got)
		}
	})
	t.Run("mute lasts until the next reset", func(t *testing.T) {
		vpcd, _ := vpcdCard(t, newCard(t, atrT0), fault(Fault{Kind: FaultMute}))
		for _, m := range [][]byte{append(on, command...), command} {
			if got := ask(t, vpcd, m); len(got) != 0 {
				t.Errorf("%X: want nothing", got)
			}
		}
		if got := ask(t, vpcd, append([]byte{0, 1, 2}, command...)); !bytes.Equal(got, answer) {
			t.Errorf("%X: want %X", got, answer)
		}
	})
	t.Run("another answer", func(t *testing.T) {
		vpcd, _ := vpcdCard(t, newCard(t, atrT0), fault(Fault{Kind: FaultAnswer, Answer: []byte{0x6A, 0x82}}))
		if got := ask(t, vpcd, append(on, command...)); !bytes.Equal(got, []byte{0x6A, 0x82}) {
			t.Errorf("%X: want 6A82", got)
		}
	})
	t.Run("torn", func(t *testing.T) {
		card := newCard(t, atrT0)
		vpcd, end := vpcdCard(t, card, fault(Fault{Kind: FaultTear}))
		if _, err := vpcd.Write(append(on, command...)); err != nil {
			t.Fatal(err)
		}
		if err := <-end; !errors.Is(err, apdu.ErrCardRemoved) || card.ran != 0 {
			t.Errorf("%v after %d commands: want %v after 0", err, card.ran, apdu.ErrCardRemoved)
		}
	})
	t.Run("unplugged", func(t *testing.T) {
		vpcd, end := vpcdCard(t, newCard(t, atrT0), fault(Fault{Kind: FaultUnplug}))
		if _, err := vpcd.Write(append(on, command...)); err != nil {
			t.Fatal(err)
		}
		if err := <-end; !errors.Is(err, ErrUnplugged) {
			t.Errorf("%v: want %v", err, ErrUnplugged)
		}
	})
}

func TestServeVPCDWithoutVPCD(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	err = ServeVPCD(context.Background(), addr, newCard(t, atrT0), VPCDConfig{Patience: time.Nanosecond})
	if !errors.Is(err, ErrUnplugged) || !strings.Contains(err.Error(), "install vsmartcard-vpcd and start pcscd") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ServeVPCD(ctx, addr, newCard(t, atrT0), VPCDConfig{}); err != nil {
		t.Errorf("stopped: %v", err)
	}
}

// The card goes back into a reader that broke the connection.
func TestServeVPCDAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- ServeVPCD(ctx, l.Addr().String(), newCard(t, atrT0), VPCDConfig{}) }()
	for range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, c, []byte{0, 1, 4}); !bytes.Equal(got, unhex(t, atrT0)) {
			t.Errorf("ATR %X", got)
		}
		c.Close()
	}
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func FuzzVPCD(f *testing.F) {
	f.Add([]byte{0, 1, 4, 0, 1, 1, 0, 4, 0, 0xA4, 4, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		v := vicc{card: newCard(t, atrT0), wait: func(time.Duration) {}}
		for len(b) >= 2 {
			n := min(int(b[0])<<8|int(b[1]), len(b)-2)
			answer, talks, err := v.obey(b[2 : 2+n])
			if err != nil || !talks && answer != nil || len(answer) > apdu.MaxLe+2 {
				t.Fatalf("message % X: answer %X, talks %v, %v", b[2:2+n], answer, talks, err)
			}
			b = b[2+n:]
		}
	})
}
