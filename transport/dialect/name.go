package dialect

import (
	"fmt"
	"slices"
	"strings"
)

// Options are what a profile may choose of a dialect; the zero value is the usual one.
type Options struct {
	Reason   ReasonRule // where the reason of a reversal is: iso87, iso87-128
	Restamp  bool       // a repeat has a time of transmission (DE 7) of its own: iso87-128
	Switches Switches   // what documents disagree about: cup
}

// maker makes a dialect. It refuses options that its dialect does not have.
type maker struct {
	name string
	make func(Options) (*Dialect, error)
}

// makers are all dialects that have a name.
var makers = []maker{
	{"iso87", func(o Options) (*Dialect, error) {
		if o.Restamp {
			return nil, fmt.Errorf("dialect: iso87 has no DE 7 (time of transmission) to stamp anew")
		}
		return standard(iso87Book, o)
	}},
	{"iso87-128", func(o Options) (*Dialect, error) { return standard(iso128Book, o) }},
	{"cup", func(o Options) (*Dialect, error) {
		switch {
		case o.Reason != 0 && o.Reason != ReasonIn39:
			return nil, fmt.Errorf("dialect: cup has the reason in DE 39, not by reason rule %v", o.Reason)
		case o.Restamp:
			return nil, fmt.Errorf("dialect: cup has no DE 7 (time of transmission) to stamp anew")
		}
		s := o.Switches.normal()
		if err := s.check(); err != nil {
			return nil, err
		}
		return CUP(s), nil
	}},
}

// standard makes a dialect of ISO 8583:1987.
func standard(of func(ReasonRule) book, o Options) (*Dialect, error) {
	if o.Reason >= reasonRules {
		return nil, fmt.Errorf("dialect: %v: want one of %s", o.Reason, strings.Join(reasonRuleNames[:], ", "))
	}
	b := of(o.Reason)
	if o.Switches.normal() != (Switches{}).normal() {
		return nil, fmt.Errorf("dialect: %s has no switches", b.name)
	}
	b.restamp = o.Restamp
	return newDialect(b), nil
}

// ByName makes a dialect by the name that configurations and scripts write, with options. An unknown name is an error that lists
// the names, and an option that the dialect does not have is one, too. Without options, iso87 and iso87-128 are the shared ones.
func ByName(name string, o Options) (*Dialect, error) {
	if o == (Options{}) {
		for _, d := range []*Dialect{iso87, iso128} {
			if d.name == name {
				return d, nil
			}
		}
	}
	for _, m := range makers {
		if m.name == name {
			return m.make(o)
		}
	}
	return nil, fmt.Errorf("dialect: %q: want one of %s", name, strings.Join(Names(), ", "))
}

// Has tells whether the dialect has a data element: whether it is worth while to fill in TransmissionDateTime (DE 7), for instance.
func (d *Dialect) Has(de int) bool {
	return slices.ContainsFunc(d.elements, func(e element) bool { return e.de == de })
}

// AsRepeat is m as it is sent again: with the MTI of a repeat, and otherwise the same message. Where the dialect's rule says so,
// its time of transmission is now (MMDDhhmmss) instead; the time by which the transaction is known never changes.
func (d *Dialect) AsRepeat(m *Message, now string) *Message {
	again := *m
	again.MTI = d.Repeat(m.MTI)
	if d.restamp && m.TransmissionDateTime != "" {
		again.TransmissionDateTime = now
	}
	return &again
}
