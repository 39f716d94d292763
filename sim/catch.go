package sim

import (
	"fmt"
	"runtime/debug"
)

// Panic is a panic that [Catch] caught: a bug.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Catch runs f and returns its panic, nil without one. It is for whoever runs many worlds and must say in which of them a
// bug was met; the world of that run is of no more use. Inside a world nobody may catch: a power cut unwinds as a panic.
func Catch(f func()) (caught *Panic) {
	defer func() {
		if v := recover(); v != nil {
			caught = &Panic{v, debug.Stack()}
		}
	}()
	f()
	return nil
}
