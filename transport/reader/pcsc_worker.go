package reader

import (
	"sync"

	"github.com/posim/posim/sim"
)

// pcscWorker calls pcscd on a goroutine of its own and posts what came of it. It does one job at a time; an owner that
// will not wait for one leaves the worker behind.
type pcscWorker struct {
	socket string
	poster sim.Poster
	jobs   chan *pcscJob

	mu   sync.Mutex
	conn *pcscConn
	left bool

	card pcscHandle // of the card we hold; the goroutine's own
}

// pcscHandle is a card as a connection holds it.
type pcscHandle struct {
	held             bool
	handle, protocol uint32
}

// pcscJob is one piece of work; done and err belong to the owner.
type pcscJob struct {
	do   func(w *pcscWorker, c *pcscConn) error
	done bool
	err  error
}

func newPCSCWorker(socket string, p sim.Poster) *pcscWorker {
	w := &pcscWorker{socket: socket, poster: p, jobs: make(chan *pcscJob, 1)}
	go w.run()
	return w
}

// leave ends the worker, in the middle of a job or not. pcscd lets go of the card then.
func (w *pcscWorker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left {
		return
	}
	w.left = true
	close(w.jobs)
	if w.conn != nil {
		w.conn.Close()
	}
}

// give has the worker do a job; false: it has been left.
func (w *pcscWorker) give(j *pcscJob) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left {
		return false
	}
	w.jobs <- j // there is room: one job at a time
	return true
}

func (w *pcscWorker) run() {
	for j := range w.jobs {
		c, err := w.connection()
		if err == nil {
			err = j.do(w, c)
		}
		w.poster.Post(func() { j.err, j.done = err, true })
	}
}

// connection is the one in use, or a new one.
func (w *pcscWorker) connection() (*pcscConn, error) {
	if w.conn != nil && !w.conn.dead {
		return w.conn, nil
	}
	w.card = pcscHandle{}
	c, err := dialPCSC(w.socket)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = c
	if w.left {
		c.Close()
	}
	return c, nil
}
