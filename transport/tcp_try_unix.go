//go:build unix

package transport

import (
	"errors"
	"syscall"
)

const canTry = true

// attempt is one write that does not wait for the socket.
func (o *outbox) attempt(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), o.p)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if errors.Is(err, syscall.EAGAIN) {
			err = nil
		}
		o.n, o.tryErr = max(n, 0), err
		return true
	}
}
