package reader

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledge has the kernel acknowledge at once what comes next. vpcd writes the length of a message and then the
// message; its kernel holds the second until the first is acknowledged, which takes 40 ms otherwise: 20 commands a second
// instead of thousands. The option does not last, so it is set before every read. A failure costs time only.
func acknowledge(c net.Conn) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
}
