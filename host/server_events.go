package host

import (
	"sync"
	"time"

	"github.com/posim/posim/transport/dialect"
)

// maxEvents is how many observations a server remembers: those of the last thousand sales.
const maxEvents = 1 << 14

// LogEvent is one thing that happened at a party, as the admin view shows it: masked.
type LogEvent struct {
	Sequence uint64               `json:"sequence"` // from 1, in this run of the server
	At       time.Time            `json:"at"`
	Party    string               `json:"party"`
	Kind     string               `json:"kind"`             // as ObservationKind prints
	Up       bool                 `json:"up,omitempty"`     // on the line up
	MTI      string               `json:"mti,omitempty"`    // of the message
	Key      *dialect.Key         `json:"key,omitempty"`    // of the message
	Fields   []dialect.FieldValue `json:"fields,omitempty"` // of the message, masked
	Want     *dialect.Key         `json:"want,omitempty"`   // of an unmatched answer: what is in flight there
	State    State                `json:"state,omitempty"`  // of an unmatched answer: how its own record stands
	Order    string               `json:"order,omitempty"`  // of an order to a card: what it is and how it stands
	Error    string               `json:"error,omitempty"`  // why, where the kind does not say it
}

// LogPage is a part of what a server remembers.
type LogPage struct {
	Run    string     `json:"run"`    // a change means that the server was started again, and the numbers with it
	Lost   uint64     `json:"lost"`   // events after since that are forgotten already
	Next   uint64     `json:"next"`   // to go on with as since
	Events []LogEvent `json:"events"` // in order
}

// eventRing remembers the newest observations of all parties, without what must not be kept.
type eventRing struct {
	mu   sync.Mutex
	ring []remembered
	next uint64 // events so far
}

// remembered is an observation with its message beside it: every message of a busy host passes here, and costs no memory
// of its own.
type remembered struct {
	Observation
	message dialect.Message // if Observation has one
}

func newEventRing(n int) *eventRing { return &eventRing{ring: make([]remembered, n)} }

func (r *eventRing) add(o Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := &r.ring[r.next%uint64(len(r.ring))]
	slot.Observation = o
	if o.Message != nil {
		slot.message = *o.Message
		scrub(&slot.message)
		slot.Message = &slot.message // and not the party's
	}
	r.next++
}

const maxSecret = 255 // bytes of the longest element that is left out

// noText is as long as maxSecret.
const noText = "*************************************************************************************" +
	"*************************************************************************************" +
	"*************************************************************************************"

// noBytes is as long as maxSecret, and zero for ever.
var noBytes [maxSecret]byte

// scrub takes track data, PIN block and keys out of a message and leaves only their lengths: nothing keeps them when the
// authorisation is over.
func scrub(m *dialect.Message) {
	m.Track2Data = noText[:min(len(m.Track2Data), maxSecret)]
	m.PINData = noBytes[:min(len(m.PINData), maxSecret)]
	m.ReservedPrivate62 = noBytes[:min(len(m.ReservedPrivate62), maxSecret)]
}

// since returns at most n events after number since.
func (r *eventRing) since(since uint64, n int) (page LogPage) {
	r.mu.Lock()
	since = min(since, r.next)
	first := max(since, r.next-min(r.next, uint64(len(r.ring))))
	page.Lost, page.Next = first-since, min(r.next, first+uint64(n))
	found := make([]remembered, 0, page.Next-first)
	for i := first; i < page.Next; i++ {
		found = append(found, r.ring[i%uint64(len(r.ring))])
	}
	r.mu.Unlock()
	page.Events = make([]LogEvent, 0, len(found))
	for i := range found {
		page.Events = append(page.Events, found[i].event(first+uint64(i)+1))
	}
	return page
}

// about returns what is remembered of one transaction, the newest n events at most.
func (r *eventRing) about(k dialect.Key, n int) (events []LogEvent) {
	var found []remembered
	var numbers []uint64
	r.mu.Lock()
	for i := r.next - min(r.next, uint64(len(r.ring))); i < r.next; i++ {
		if o := &r.ring[i%uint64(len(r.ring))]; o.Message != nil && o.message.Key() == k {
			found, numbers = append(found, *o), append(numbers, i+1)
		}
	}
	r.mu.Unlock()
	for i := max(0, len(found)-n); i < len(found); i++ {
		events = append(events, found[i].event(numbers[i]))
	}
	return events
}

// event is the observation as the admin view shows it.
func (o *remembered) event(number uint64) LogEvent {
	e := LogEvent{Sequence: number, At: o.At, Party: o.Party, Kind: o.Kind.String(), Up: o.Up()}
	if m := &o.message; o.Message != nil {
		k := m.Key()
		e.MTI, e.Key, e.Fields = m.MTI, &k, dialect.ISO87().Fields(m)
	}
	if o.Kind == UnmatchedAnswer {
		want := o.Want
		e.Want, e.State = &want, o.State
	}
	if o.Order != nil {
		e.Order = o.Order.String()
	}
	if o.Err != nil {
		e.Error = o.Err.Error()
	}
	return e
}
