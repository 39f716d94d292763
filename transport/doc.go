// Package transport carries messages between parties.
//
// A Stream is bytes in order: TCP, TLS, or a pair in memory on a World's clocks. Framing finds messages in it: a length
// header of two binary bytes or four ASCII digits, with or without a TPDU. A Link is the two together, and is where a
// frame can meet faults: message faults decide whether, when and as what it is delivered, byte faults how its bytes travel.
//
// In real time a Dialer connects, with fail-over, and a Server accepts. Their goroutines only read, send what a slow peer
// left, and post to the owner: all else happens on the owner's clock.
//
// Virtual and real time run the same framer and the same link. The room knows nothing of what a frame says.
package transport

import "errors"

// What ends a connection, a dial or a wait. Text names the place; these are what a caller tests.
var (
	ErrClosed  = errors.New("transport: connection closed")
	ErrReset   = errors.New("transport: connection reset")
	ErrRefused = errors.New("transport: connection refused")
	ErrTimeout = errors.New("transport: no answer in time")
)
