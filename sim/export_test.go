package sim

// Queued is how many events the queue holds, dead ones included.
func (w *World) Queued() int { return len(w.queue) }

// Hooks is how many functions wait for the actor's power to go.
func (a *Actor) Hooks() int { return len(a.off) }
