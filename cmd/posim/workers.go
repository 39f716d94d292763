package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/posim/posim/scenario"
)

// report is the result of one script, and its story if anybody wants it.
type report struct {
	*scenario.Result
	story []scenario.Line
}

const (
	ahead    = 4                      // finished scripts a worker that wait to be printed: stories are long
	patience = time.Second            // before the progress line
	refresh  = 200 * time.Millisecond // of the progress line
)

// runAll runs scripts on all cores, each in one goroutine from beginning to end, because a world belongs to one. done is
// called in the scripts' order by the caller's goroutine.
func (a *app) runAll(l *scenario.Library, scripts []*scenario.Script, o scenario.Options, story bool, done func(*report)) {
	workers := min(runtime.GOMAXPROCS(0), len(scripts))
	finished := make([]chan *report, len(scripts))
	for i := range finished {
		finished[i] = make(chan *report, 1)
	}
	next := make(chan int)
	tickets := make(chan struct{}, max(1, ahead*workers))
	for range workers {
		go func() {
			for i := range next {
				finished[i] <- a.runOne(l, scripts[i], o, story)
			}
		}()
	}
	go func() {
		for i := range scripts {
			tickets <- struct{}{}
			next <- i
		}
		close(next)
	}()
	p := progress{app: a, began: a.now(), of: len(scripts)}
	if a.live {
		ticker := time.NewTicker(refresh)
		defer ticker.Stop()
		p.tick = ticker.C
	}
	for i, s := range scripts {
		r := p.await(finished[i], i, s.ID)
		p.clear()
		done(r)
		<-tickets
	}
}

func (a *app) runOne(l *scenario.Library, s *scenario.Script, o scenario.Options, story bool) *report {
	r := &report{}
	if story {
		o.Story = func(line scenario.Line) { r.story = append(r.story, line) }
	}
	began := a.now()
	r.Result = l.Run(s, o)
	r.Wall = a.now().Sub(began)
	return r
}

// progress is the line on standard error that a person sees while nothing else moves.
type progress struct {
	*app
	began time.Time
	of    int
	tick  <-chan time.Time // nil: nobody looks
	shown bool
}

func (p *progress) await(r <-chan *report, done int, id string) *report {
	for {
		select {
		case got := <-r:
			return got
		case <-p.tick:
			if p.now().Sub(p.began) < patience {
				continue
			}
			p.shown = true
			fmt.Fprintf(p.stderr, "\r %d of %d done, running %s ...\x1b[K", done, p.of, id)
		}
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.stderr, "\r\x1b[K")
		p.shown = false
	}
}
