package sim

// Queued is how many events the queue holds, dead ones included.
func (w *World) Queued() int { return len(w.queue) }
