package terminal

import "fmt"

// queueState is what is durable about the queue as a whole.
type queueState struct {
	Paused bool
}

// tried is how often an advice that is still due has been tried.
type tried struct {
	identity
	Attempts int
}

func (j *Journal) applyTried(e *tried) error {
	r := j.find(e.identity)
	if r == nil || e.Attempts < 0 {
		return fmt.Errorf("%d tries of no sale, or fewer than none", e.Attempts)
	}
	r.Attempts = e.Attempts
	return nil
}

// tried keeps how often a record has been tried; 0 forgets it.
func (j *Journal) tried(r *Record, attempts int) error {
	if err := j.put(entryRecord{Tried: &tried{r.identity(), attempts}}); err != nil {
		return err
	}
	r.Attempts = attempts
	return nil
}

// pause stops the sending of what was approved offline, or lets it go on.
func (j *Journal) pause(paused bool) error {
	if err := j.put(entryRecord{SAF: &queueState{paused}}); err != nil {
		return err
	}
	j.paused = paused
	return nil
}
