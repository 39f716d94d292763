package reader

// maxEarly bounds what a line keeps for an owner who has not called Receive yet.
const maxEarly = 4096

// inbox is the receiving side of a Line; it belongs to the line's owner.
type inbox struct {
	receive func(p []byte, err error)
	early   []byte
	gone    error // not nil: the line ended
	told    bool  // the last call of receive was made, or nobody wants it
}

func (i *inbox) deliver(p []byte) {
	switch {
	case i.gone != nil:
	case i.receive != nil:
		i.receive(p, nil)
	case len(i.early)+len(p) <= maxEarly: // else lost: a receive buffer that overruns
		i.early = append(i.early, p...)
	}
}

func (i *inbox) Receive(f func(p []byte, err error)) {
	i.receive = f
	if p := i.early; p != nil {
		i.early = nil
		f(p, nil)
	}
	i.tell()
}

// hangUp ends the line and tells so; the first reason stays.
func (i *inbox) hangUp(err error) {
	if i.gone == nil {
		i.gone = err
	}
	i.tell()
}

// shut ends the line for an owner who knows. It tells whether the line was still there.
func (i *inbox) shut() bool {
	if i.gone != nil {
		return false
	}
	i.gone, i.told = ErrLineClosed, true
	return true
}

func (i *inbox) tell() {
	if i.gone != nil && !i.told && i.receive != nil {
		i.told = true
		i.receive(nil, i.gone)
	}
}
