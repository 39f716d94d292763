package sim_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/posim/posim/sim"
)

// onWall runs f as the owner of a wall, in fake time.
func onWall(t *testing.T, f func(t *testing.T, w *sim.Wall)) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.NewWall(t.Context())
		if err := w.Run(func(sim.Clock) { f(t, w) }); err != nil {
			t.Error(err)
		}
	})
}

// One programme, on both clocks: a World's and a Wall's histories are the same.
func TestClocksAreAlike(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(c sim.Clock, log func(string))
		want []string
	}{
		{"timers run in the order of their instants, ties in the order of entry", func(c sim.Clock, log func(string)) {
			done := false
			c.After(2*time.Second, func() { log("b") })
			c.After(time.Second, func() { log("a") })
			c.After(2*time.Second, func() { log("c") })
			c.After(3*time.Second, func() { done = true })
			log(fmt.Sprint(c.Wait(time.Time{}, func() bool { return done })))
		}, []string{"1s a", "2s b", "2s c", "3s true"}},
		{"a deadline passes", func(c sim.Clock, log func(string)) {
			log(fmt.Sprint(c.Wait(c.Now().Add(time.Minute), func() bool { return false })))
		}, []string{"1m0s false"}},
		{"a deadline long past lets what is due run first", func(c sim.Clock, log func(string)) {
			c.After(0, func() { log("now") })
			c.After(time.Nanosecond, func() { log("never") })
			log(fmt.Sprint(c.Wait(c.Now().Add(-time.Hour), func() bool { return false })))
		}, []string{"0s now", "0s false"}},
		{"at the deadline, what was entered before the Wait comes first", func(c sim.Clock, log func(string)) {
			ready := false
			c.After(time.Second, func() { ready = true })
			log(fmt.Sprint(c.Wait(c.Now().Add(time.Second), func() bool { return ready })))
		}, []string{"1s true"}},
		{"at the deadline, what was entered later comes too late", func(c sim.Clock, log func(string)) {
			ready := false
			c.After(0, func() { c.After(time.Second, func() { ready = true }) })
			log(fmt.Sprint(c.Wait(c.Now().Add(time.Second), func() bool { return ready })))
			log(fmt.Sprint(c.Wait(time.Time{}, func() bool { return ready })))
		}, []string{"1s false", "1s true"}},
		{"what is ready already waits for nothing", func(c sim.Clock, log func(string)) {
			c.After(0, func() { log("later") })
			log(fmt.Sprint(c.Wait(time.Time{}, func() bool { return true })))
			log(fmt.Sprint(c.Wait(c.Now(), func() bool { return false })))
		}, []string{"0s true", "0s later", "0s false"}},
		{"a Wait returns at the first event that makes it ready, and leaves the rest", func(c sim.Clock, log func(string)) {
			n := 0
			for range 3 {
				c.After(time.Second, func() { n++ })
			}
			for want := 1; want <= 3; want++ {
				c.Wait(time.Time{}, func() bool { return n > 0 })
				log(fmt.Sprint(n))
				n = 0
			}
		}, []string{"1s 1", "1s 1", "1s 1"}},
		{"a cancelled timer never runs and moves no time", func(c sim.Clock, log func(string)) {
			cancel := c.After(time.Second, func() { log("never") })
			c.After(2*time.Second, func() { log("kept") })
			cancel()
			cancel()
			c.Wait(c.Now().Add(3*time.Second), func() bool { return false })
			log("end")
		}, []string{"2s kept", "3s end"}},
		{"a timer cancels another that is due at the same instant", func(c sim.Clock, log func(string)) {
			var cancel func()
			c.After(time.Second, func() { cancel() })
			cancel = c.After(time.Second, func() { log("never") })
			c.Wait(c.Now().Add(2*time.Second), func() bool { return false })
			log("end")
		}, []string{"2s end"}},
		{"cancelling what has run is nothing", func(c sim.Clock, log func(string)) {
			cancel := c.After(time.Second, func() { log("ran") })
			c.After(2*time.Second, func() { log("other") })
			c.Wait(c.Now().Add(time.Second), func() bool { return false })
			cancel()
			c.Wait(c.Now().Add(time.Second), func() bool { return false })
		}, []string{"1s ran", "2s other"}},
		{"a timer begins a timer", func(c sim.Clock, log func(string)) {
			n := 0
			var again func()
			again = func() {
				if n++; n < 4 {
					c.After(time.Duration(n)*time.Second, again)
				}
			}
			again()
			c.Wait(time.Time{}, func() bool { return n == 4 })
			log("end")
		}, []string{"6s end"}},
		{"negative and endless durations", func(c sim.Clock, log func(string)) {
			c.After(1<<63-1, func() { log("never") })
			c.After(-1<<63, func() { log("now") })
			c.Wait(c.Now().Add(time.Hour), func() bool { return false })
			log("end")
		}, []string{"0s now", "1h0m0s end"}},
	} {
		run := func(c sim.Clock) (got []string) {
			t0 := c.Now()
			tt.f(c, func(s string) { got = append(got, fmt.Sprint(c.Now().Sub(t0), " ", s)) })
			return got
		}
		t.Run("World/"+tt.name, func(t *testing.T) {
			w := sim.NewWorld(time.Date(2026, 3, 2, 14, 5, 0, 0, time.UTC), 1)
			defer w.Close()
			var got []string
			a := w.Actor("a")
			a.PowerOn(func(c sim.Clock) { got = run(c) })
			w.Until(24*time.Hour, 1000, func() bool { return !a.On() })
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
		t.Run("Wall/"+tt.name, func(t *testing.T) {
			onWall(t, func(t *testing.T, w *sim.Wall) {
				if got := run(w); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestPostsRunInOrderInsideWait(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		var got []int // without a lock: the race detector watches
		for i := range 100 {
			w.Post(func() { got = append(got, i) })
		}
		if len(got) > 0 {
			t.Fatal("ran outside Wait")
		}
		go func() {
			for i := range 10_000 {
				w.Post(func() { got = append(got, 100+i) })
			}
		}()
		w.Wait(time.Time{}, func() bool { return len(got) == 10_100 })
		for i, v := range got {
			if i != v {
				t.Fatalf("%d at %d", v, i)
			}
		}
	})
}

func TestPostWakesAWaitAndAPastDeadlineDoesNot(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		n, t0 := 0, w.Now()
		go func() {
			time.Sleep(time.Second)
			w.Post(func() { n++ })
			time.Sleep(10 * time.Second)
			w.Post(func() { n++ })
		}()
		if !w.Wait(t0.Add(5*time.Second), func() bool { return n == 1 }) || w.Now().Sub(t0) != time.Second {
			t.Errorf("%v: %d", w.Now().Sub(t0), n)
		}
		if w.Wait(t0.Add(5*time.Second), func() bool { return n == 2 }) || w.Now().Sub(t0) != 5*time.Second {
			t.Errorf("%v: %d", w.Now().Sub(t0), n)
		}
		if !w.Wait(time.Time{}, func() bool { return n == 2 }) || w.Now().Sub(t0) != 11*time.Second {
			t.Errorf("%v: %d", w.Now().Sub(t0), n)
		}
	})
}

// An owner that was busy sees the world in the order in which it happened.
func TestALateOwnerSeesThingsInTheirOrder(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		var got []string
		add := func(s string) func() { return func() { got = append(got, s) } }
		t0 := w.Now()
		w.After(2*time.Second, add("timer 2s"))
		w.After(4*time.Second, add("timer 4s"))
		go func() {
			for i := 1; i <= 5; i += 2 {
				time.Sleep(time.Until(t0.Add(time.Duration(i) * time.Second)))
				w.Post(add(fmt.Sprintf("post %ds", i)))
			}
		}()
		time.Sleep(10 * time.Second)
		if !w.Wait(t0.Add(4500*time.Millisecond), func() bool { return len(got) == 4 }) {
			t.Errorf("a deadline that is past came before what had happened: %q", got)
		}
		if w.Wait(t0, func() bool { return false }) {
			t.Error("ready?")
		}
		if want := []string{"post 1s", "timer 2s", "post 3s", "timer 4s", "post 5s"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// What arrives after the deadline, while a post takes its time, does not rescue it.
func TestADeadlineInsideAWaitIsKept(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		ready := false
		w.Post(func() {
			go func() {
				time.Sleep(2 * time.Second)
				w.Post(func() { ready = true })
			}()
			time.Sleep(3 * time.Second)
		})
		if w.Wait(w.Now().Add(time.Second), func() bool { return ready }) {
			t.Error("too late, and counted")
		}
		if !w.Wait(w.Now(), func() bool { return ready }) {
			t.Error("lost")
		}
	})
}

func TestManyTimers(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		const n = 20_000
		ran, t0, last := 0, w.Now(), time.Duration(0)
		for i := range n {
			d := time.Duration(i*7919%n) * time.Millisecond
			cancel := w.After(d, func() {
				if at := w.Now().Sub(t0); at != d || at < last {
					t.Fatalf("%v: ran at %v, after %v", d, at, last)
				}
				last = d
				ran++
			})
			if i%2 == 1 {
				cancel()
			}
		}
		w.Wait(t0.Add(time.Hour), func() bool { return false })
		if ran != n/2 {
			t.Errorf("%d ran", ran)
		}
	})
}

var errStopped = errors.New("the plug was pulled")

func TestStopping(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(t *testing.T, w *sim.Wall, stop func())
	}{
		{"in a Wait with a deadline", func(t *testing.T, w *sim.Wall, stop func()) {
			go func() { time.Sleep(time.Second); stop() }()
			w.Wait(w.Now().Add(time.Minute), func() bool { return false })
		}},
		{"in an endless Wait", func(t *testing.T, w *sim.Wall, stop func()) {
			go func() { time.Sleep(time.Second); stop() }()
			w.Wait(time.Time{}, func() bool { return false })
		}},
		{"before a Wait that is ready", func(t *testing.T, w *sim.Wall, stop func()) {
			stop()
			w.Wait(time.Time{}, func() bool { return true })
		}},
		{"inside what was posted: nothing else runs", func(t *testing.T, w *sim.Wall, stop func()) {
			w.Post(stop)
			w.Post(func() { t.Error("ran") })
			w.After(0, func() { t.Error("ran") })
			w.Wait(time.Time{}, func() bool { return !w.Alive() })
		}},
		{"in a Check", func(t *testing.T, w *sim.Wall, stop func()) {
			w.Check()
			stop()
			w.Check()
		}},
		{"a deferred Wait unwinds again", func(t *testing.T, w *sim.Wall, stop func()) {
			defer func() {
				w.Wait(time.Time{}, func() bool { return true })
				t.Error("went on")
			}()
			stop()
			w.Wait(time.Time{}, func() bool { return false })
		}},
		{"while pumps post more than there is room for", func(t *testing.T, w *sim.Wall, stop func()) {
			for range 3 {
				go func() {
					for w.Alive() {
						w.Post(func() {})
					}
				}()
			}
			time.Sleep(time.Second) // all blocked
			stop()
			w.Wait(time.Time{}, func() bool { return false })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // ends only when no goroutine is left
				ctx, cancel := context.WithCancelCause(t.Context())
				w := sim.NewWall(ctx)
				hooks := 0
				w.OnStop(func() { hooks++ })
				w.OnStop(func() { t.Error("withdrawn") })()
				err := w.Run(func(sim.Clock) {
					tt.f(t, w, func() { cancel(errStopped) })
					t.Error("went on")
				})
				if err != errStopped || hooks != 1 || w.Alive() {
					t.Errorf("%v, %d hooks, alive: %v", err, hooks, w.Alive())
				}
				go func() {
					for range 3000 { // dropped: they fill nothing and block nobody
						w.Post(func() { t.Error("ran") })
					}
				}()
				w.After(0, func() { t.Error("ran") })()
				w.Check()
				w.OnStop(func() { hooks++ })
				if synctest.Wait(); hooks != 2 {
					t.Error("a hook too late did not run")
				}
			})
		})
	}
}

func TestAReturnEndsTheWall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.NewWall(t.Context())
		stopped := false
		w.OnStop(func() { stopped = true })
		w.After(time.Hour, func() { t.Error("ran") })
		for range 2000 { // the one who makes it is the owner until Run
			w.Post(func() { t.Error("ran") })
		}
		if err := w.Run(func(sim.Clock) {}); err != nil || !stopped || w.Alive() {
			t.Error(err, stopped, w.Alive())
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestNothingRunsWithoutPower(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	w := sim.NewWall(ctx)
	cancel(errStopped)
	if err := w.Run(func(sim.Clock) { t.Error("ran") }); err != errStopped {
		t.Error(err)
	}
}

func TestRunRecoversItsOwnPowerCutOnly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	other := sim.NewWall(ctx)
	for _, tt := range []struct {
		name string
		f    func()
	}{
		{"a bug", func() { panic("bug") }},
		{"an actor's", func() { panic(sim.PowerCut{Actor: "terminal"}) }},
		{"another wall's", func() {
			_ = other.Run(func(sim.Clock) {
				cancel()
				w := sim.NewWall(t.Context())
				err := w.Run(func(sim.Clock) { other.Check() })
				t.Errorf("recovered another's: %v", err)
			})
			panic("unwound to its own Run")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("recovered")
				}
			}()
			w := sim.NewWall(t.Context())
			_ = w.Run(func(sim.Clock) { tt.f() })
		})
	}
}

func TestMisuseOfAWallPanics(t *testing.T) {
	forever := func() bool { return false }
	for _, tt := range []struct {
		name, want string
		f          func(w *sim.Wall)
	}{
		{"Wait outside Run", "sim: Wait outside Run of a Wall", func(w *sim.Wall) { w.Wait(time.Time{}, forever) }},
		{"Wait inside a post", "sim: Wait inside what a Wait runs", func(w *sim.Wall) {
			_ = w.Run(func(sim.Clock) {
				w.Post(func() { w.Wait(time.Time{}, forever) })
				w.Wait(time.Time{}, forever)
			})
		}},
		{"Run twice", "sim: a Wall runs once", func(w *sim.Wall) {
			_ = w.Run(func(sim.Clock) {})
			_ = w.Run(func(sim.Clock) {})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); got != tt.want {
					t.Errorf("%s", got)
				}
			}()
			tt.f(sim.NewWall(t.Context()))
		})
	}
}

func TestASlowOwnerHoldsPumpsBack(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		var posted atomic.Int64
		n := 0
		for range 4 {
			go func() {
				for range 5000 {
					w.Post(func() { n++ })
					posted.Add(1)
				}
			}()
		}
		time.Sleep(time.Hour)
		held := posted.Load()
		if held > 1024 || held < 1000 {
			t.Errorf("%d posted while nobody waited", held)
		}
		for range 3000 {
			w.Post(func() { n++ }) // the owner never waits for itself
		}
		w.Wait(time.Time{}, func() bool { return n == 23_000 })
	})
}

func TestOthersThanTheOwnerMaySetTimers(t *testing.T) {
	onWall(t, func(t *testing.T, w *sim.Wall) {
		t0, at := w.Now(), time.Duration(0)
		w.After(time.Hour, func() {})
		go func() {
			time.Sleep(time.Second)
			w.After(time.Second, func() { at = w.Now().Sub(t0) }) // due before what the owner sleeps for
		}()
		w.Wait(t0.Add(time.Hour), func() bool { return at != 0 })
		if at != 2*time.Second {
			t.Error(at)
		}
	})
}

// The real thing: a goroutine that reads a socket and posts, echoed by the owner.
func TestAWallAndASocket(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	w := sim.NewWall(ctx)
	var heard strings.Builder
	err = w.Run(func(c sim.Clock) {
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.OnStop(func() { conn.Close() })
			b := make([]byte, 16)
			for {
				n, err := conn.Read(b)
				s := string(b[:n])
				w.Post(func() {
					heard.WriteString(s)
					_, _ = conn.Write([]byte(s))
				})
				if err != nil {
					return
				}
			}
		}()
		echoed := make(chan string, 1)
		go func() {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				echoed <- err.Error()
				return
			}
			defer conn.Close()
			_, _ = conn.Write([]byte("0800"))
			b := make([]byte, 4)
			n, _ := conn.Read(b)
			echoed <- string(b[:n])
			_, _ = conn.Read(b) // until the wall stops
		}()
		c.Wait(c.Now().Add(10*time.Second), func() bool { return heard.Len() == 4 })
		if got := <-echoed; got != "0800" {
			t.Error(got)
		}
		t0 := time.Now()
		if c.Wait(c.Now().Add(20*time.Millisecond), func() bool { return false }) || time.Since(t0) < 20*time.Millisecond {
			t.Error("a deadline in real time came early")
		}
		stop(errStopped)
		c.Wait(time.Time{}, func() bool { return false })
	})
	l.Close()
	if err != errStopped || heard.String() != "0800" {
		t.Errorf("%v %q", err, heard.String())
	}
	noneLeft(t, before)
}

// noneLeft fails when goroutines are left.
func noneLeft(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, had %d:\n%s", runtime.NumGoroutine(), before, b[:runtime.Stack(b, true)])
		}
	}
}

// BenchmarkWallPostWake is a question to a pump over a channel, its Post, and the owner that sleeps until then.
func BenchmarkWallPostWake(b *testing.B) {
	w := sim.NewWall(b.Context())
	questions := make(chan struct{})
	defer close(questions)
	n := 0
	go func() {
		for range questions {
			w.Post(func() { n++ })
		}
	}()
	_ = w.Run(func(c sim.Clock) {
		for b.Loop() {
			want := n + 1
			questions <- struct{}{}
			c.Wait(time.Time{}, func() bool { return n == want })
		}
	})
}

// BenchmarkWallPost is a post to an owner that is awake, and its run.
func BenchmarkWallPost(b *testing.B) {
	w := sim.NewWall(b.Context())
	n := 0
	f := func() { n++ }
	_ = w.Run(func(c sim.Clock) {
		for b.Loop() {
			want := n + 1
			w.Post(f)
			c.Wait(time.Time{}, func() bool { return n == want })
		}
	})
}

// BenchmarkWallTimer is a time-out that is set and cancelled, as nearly all are, among a thousand others.
func BenchmarkWallTimer(b *testing.B) {
	w := sim.NewWall(b.Context())
	for range 1000 {
		w.After(time.Hour, func() {})
	}
	for b.Loop() {
		w.After(time.Minute, func() {})()
	}
	_ = w.Run(func(sim.Clock) {})
}
