package transport

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/posim/posim/sim"
)

// A listener whose queue is full drops what asks to connect: a black hole that needs no network.
func TestABlackHole(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	good, _ := port(t, keep)
	onWall(t, func(ctx context.Context, w *sim.Wall) {
		d := &Dialer{Addresses: []string{addr}, Connect: 150 * ms}
		for n := 0; ; n++ {
			t0 := time.Now()
			_, err = connected(t, w, d)
			if err != nil {
				if took := time.Since(t0); took < 140*ms || took > 5*time.Second {
					t.Errorf("after %v", took)
				}
				break
			}
			if n == 100 {
				t.Fatal("the queue is never full")
			}
		}
		if want := "transport: no answer from " + addr + " within 150ms: is the address right, and does a firewall stand between?"; err.Error() != want || !is(err, ErrTimeout) {
			t.Error(err)
		}
		d.Addresses = append(d.Addresses, good)
		s, err := connected(t, w, d)
		if err != nil || !strings.HasSuffix(s.(*socket).c.RemoteAddr().String(), strings.TrimPrefix(good, "127.0.0.1")) {
			t.Errorf("%v %v", s, err)
		}
	})
}
