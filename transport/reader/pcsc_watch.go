package reader

import (
	"sync"
	"time"

	"github.com/posim/posim/sim"
)

const (
	// watchTime is how long a watcher waits for one change before it makes sure that pcscd still lives.
	watchTime = 30 * time.Second
	// watchAgain is how long it leaves a pcscd alone that is not there.
	watchAgain = time.Second
)

// WatchPCSC posts the readers of pcscd to p: at once and after every change. Without a pcscd it posts an error that wraps
// ErrNoService or ErrUnplugged, once, and goes on trying. It ends with stop, or when the clock behind p stops.
func WatchPCSC(socket string, p sim.Poster, f func([]PCSCReader, error)) (stop func()) {
	w := &pcscWatcher{socket: socketOf(socket), poster: p, tell: f, done: make(chan struct{})}
	unhook := onStop(p, w.stop)
	go w.run()
	return func() {
		unhook()
		w.stop()
	}
}

type pcscWatcher struct {
	socket string
	poster sim.Poster
	tell   func([]PCSCReader, error) // on the owner's goroutine
	done   chan struct{}

	mu      sync.Mutex
	conn    *pcscConn
	stopped bool
}

func (w *pcscWatcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.stopped = true
	close(w.done)
	if w.conn != nil {
		w.conn.Close()
	}
}

// hold makes c the connection that stop closes; it tells whether there was a stop.
func (w *pcscWatcher) hold(c *pcscConn) (stopped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = c
	return w.stopped
}

func (w *pcscWatcher) run() {
	told := false
	for {
		err := w.follow(func() { told = false })
		if !told {
			told = true
			w.post(nil, err)
		}
		select {
		case <-w.done:
			return
		case <-time.After(watchAgain):
		}
	}
}

// follow tells of every change until something fails.
func (w *pcscWatcher) follow(connected func()) error {
	c, err := dialPCSC(w.socket)
	if err != nil {
		return err
	}
	defer c.Close()
	if w.hold(c) {
		return nil
	}
	for {
		readers, err := c.watch()
		if err != nil {
			return err
		}
		connected()
		w.post(readers, nil)
		if err := c.changed(watchTime); err != nil {
			return err
		}
	}
}

func (w *pcscWatcher) post(readers []PCSCReader, err error) {
	w.poster.Post(func() {
		select {
		case <-w.done:
		default:
			w.tell(readers, pcscFailed(err))
		}
	})
}
