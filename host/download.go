package host

import (
	"slices"

	"github.com/posim/posim/transport/dialect"
)

// Downloads is what an acquirer has for a terminal to load. The zero value is nothing: the lists are empty.
type Downloads struct {
	Parameters   []dialect.Parameter
	CAKeys       []dialect.CAKey
	Applications []dialect.AIDParameters
}

// Rename makes another the merchant's name that a terminal loads.
func (d *Downloads) Rename(merchant string) {
	d.Parameters = slices.Clone(d.Parameters)
	for i := range d.Parameters {
		if d.Parameters[i].Tag == dialect.ParameterMerchant {
			d.Parameters[i].Value = merchant
		}
	}
}

// pageBytes is how much of a list one answer holds at most: less than the smallest place for it.
const pageBytes = 200

// download answers a terminal that loads what its acquirer has for it, and notes when it has all of one kind.
func (x *Relay) download(e Event, t *terminal) {
	m, d := e.Message, t.Downloads
	var body []byte
	var err error
	switch m.Kind {
	case dialect.KindParameters:
		body, err = page(m, d.Parameters, func(p dialect.Parameter) int { return 4 + len(p.Value) }, dialect.Parameters)
	case dialect.KindCAKeyList:
		names := make([]dialect.CAKeyName, len(d.CAKeys))
		for i := range d.CAKeys {
			names[i] = d.CAKeys[i].CAKeyName
		}
		body, err = page(m, names, func(dialect.CAKeyName) int { return 23 }, dialect.CAKeyList)
	case dialect.KindAIDList:
		aids := make([][]byte, len(d.Applications))
		for i := range d.Applications {
			aids[i] = d.Applications[i].AID
		}
		body, err = page(m, aids, func(a []byte) int { return 3 + len(a) }, dialect.AIDList)
	case dialect.KindCAKey:
		body, err = d.caKey(m.ReservedPrivate62)
	case dialect.KindAID:
		body, err = d.application(m.ReservedPrivate62)
	case dialect.KindParametersEnd:
		x.done(t, dialect.RequestParameters)
		x.done(t, dialect.RequestTMSParameters)
	case dialect.KindCAKeysEnd:
		x.done(t, dialect.RequestCAKeys)
	case dialect.KindAIDsEnd:
		x.done(t, dialect.RequestICParameters)
	}
	if err != nil {
		x.refuse(e.Conn, m, codeFormat)
		return
	}
	a := answerTo(m, codeApproved)
	a.ReservedPrivate62 = body
	x.send(e.Conn, a)
}

// page is the part of a list that one answer has room for: behind those that the terminal has already.
func page[T any](m *dialect.Message, all []T, size func(T) int, write func([]T, bool) []byte) ([]byte, error) {
	skip := 0
	if len(m.ReservedPrivate62) > 0 { // a terminal that asks without saying where to begin gets the beginning
		var err error
		if skip, err = dialect.ParseListRequest(m.ReservedPrivate62); err != nil {
			return nil, err
		}
	}
	rest := all[min(skip, len(all)):]
	room, n := pageBytes, 0
	for n < len(rest) && (n == 0 || room >= size(rest[n])) {
		room -= size(rest[n])
		n++
	}
	return write(rest[:n], n < len(rest)), nil
}

func (d *Downloads) caKey(request []byte) ([]byte, error) {
	n, err := dialect.ParseCAKeyRequest(request)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(d.CAKeys, func(k dialect.CAKey) bool { return k.RID == n.RID && k.Index == n.Index })
	if i < 0 {
		return (*dialect.CAKey)(nil).Download(), nil
	}
	return d.CAKeys[i].Download(), nil
}

func (d *Downloads) application(request []byte) ([]byte, error) {
	aid, err := dialect.ParseAIDRequest(request)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(d.Applications, func(p dialect.AIDParameters) bool { return string(p.AID) == string(aid) })
	if i < 0 {
		return (*dialect.AIDParameters)(nil).Download(), nil
	}
	return d.Applications[i].Download(), nil
}
