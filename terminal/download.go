package terminal

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/transport/dialect"
)

// What an acquirer loads into its terminals: CA public keys, applications, parameters. A download is asked for piece by piece, and
// only when all of it has come, and makes sense, it is durable, in one write, and in use. What was in the profile stays the ground
// on which it stands.

// loaded is all that was downloaded.
type loaded struct {
	CAKeys     []dialect.CAKey         `json:",omitempty"`
	AIDs       []dialect.AIDParameters `json:",omitempty"`
	Parameters []dialect.Parameter     `json:",omitempty"`
}

// maxPages bounds how often a list is asked for.
const maxPages = 100

// apply returns the profile with what was downloaded in it. The profile itself stays as it is.
func (l *loaded) apply(ground *Profile) (*Profile, error) {
	p := *ground
	if err := l.applyCAKeys(&p.EMV); err != nil {
		return nil, err
	}
	if len(l.AIDs) > 0 {
		l.applyAIDs(&p.EMV, ground.EMV.Applications)
	}
	for _, x := range l.Parameters {
		if err := applyParameter(&p, x); err != nil {
			return nil, err
		}
	}
	if err := p.EMV.Validate(); err != nil {
		return nil, err
	}
	return &p, nil
}

// applyCAKeys puts the downloaded keys in the place of all that the same authorities had. Of an authority that the acquirer says
// nothing of the profile's stay.
func (l *loaded) applyCAKeys(c *emv.Config) error {
	told := func(k *security.CAPublicKey) bool {
		return slices.ContainsFunc(l.CAKeys, func(x dialect.CAKey) bool { return x.RID == k.RID() })
	}
	keys := slices.DeleteFunc(slices.Clone(c.CAPublicKeys), told)
	for _, x := range l.CAKeys {
		k, err := security.NewCAPublicKey(x.RID, x.Index, x.Modulus, x.Exponent, x.Checksum)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	c.CAPublicKeys = keys
	return nil
}

// applyAIDs makes the downloaded applications those that the terminal has. What a download does not say of one that the profile has
// too stays as it was.
func (l *loaded) applyAIDs(c *emv.Config, before []emv.Application) {
	c.Applications = nil
	for _, x := range l.AIDs {
		a := emv.Application{}
		if i := slices.IndexFunc(before, func(b emv.Application) bool { return string(b.AID) == string(x.AID) }); i >= 0 {
			a = before[i]
		}
		a.AID, a.Partial, a.Version = x.AID, x.Partial, x.Version
		a.TACDefault, a.TACOnline, a.TACDenial = x.TACDefault, x.TACOnline, x.TACDenial
		a.FloorLimit, a.Threshold, a.TargetPercent, a.MaxTargetPercent = x.FloorLimit, x.Threshold, x.Target, x.MaxTarget
		if len(x.DefaultDDOL) > 0 {
			a.DefaultDDOL = x.DefaultDDOL
		}
		c.Applications = append(c.Applications, a)
	}
}

// applyParameter sets one parameter. What this terminal has no use for is left alone.
func applyParameter(p *Profile, x dialect.Parameter) error {
	number := func(least, most int) (int, error) {
		n, err := strconv.Atoi(x.Value)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("terminal: parameter %s is %q: want %d to %d", x.Tag, x.Value, least, most)
		}
		return n, nil
	}
	n, err := 0, error(nil)
	switch x.Tag {
	case dialect.ParameterAnswerWait:
		n, err = number(1, 99)
		p.AnswerWait = time.Duration(n) * time.Second
	case dialect.ParameterReversalWait:
		n, err = number(1, 99)
		p.ReversalWait = time.Duration(n) * time.Second
	case dialect.ParameterTip:
		p.TipPercent, err = number(0, 99)
	case dialect.ParameterAttempts:
		p.Attempts, err = number(1, 9)
	case dialect.ParameterBatchLimit:
		most := maxRecords
		if t, _ := dialect.TraitsOf(p.Dialect); t.MaxCount > 0 { // totals could not be told
			most = t.MaxCount
		}
		p.BatchLimit, err = number(1, most)
	case dialect.ParameterMerchant:
		if strings.TrimSpace(x.Value) == "" {
			return errors.New("terminal: parameter 22: want the merchant's name")
		}
		p.Merchant, p.MerchantZh = x.Value, x.Value
	case dialect.ParameterTerminalID:
		if len(x.Value) != 8 || !strings.HasPrefix(x.Value, SimulationPrefix) {
			return fmt.Errorf("terminal: parameter 32 is %q: want 8 characters that begin with %s", x.Value, SimulationPrefix)
		}
		p.TID, p.EMV.TerminalIdentification = x.Value, x.Value
	case dialect.ParameterMerchantID:
		if len(x.Value) != 15 || !strings.HasPrefix(x.Value, SimulationPrefix) {
			return fmt.Errorf("terminal: parameter 31 is %q: want 15 characters that begin with %s", x.Value, SimulationPrefix)
		}
		p.MID, p.EMV.MerchantIdentifier = x.Value, x.Value
	}
	return err
}

// useLoaded takes what the journal has of downloads into use.
func (t *Terminal) useLoaded() {
	if t.journal.loaded == nil {
		return
	}
	p, err := t.journal.loaded.apply(t.cfg.Profile)
	if err != nil { // another program's profile: what was loaded does not go with it
		t.remark("what was downloaded is not used: %v", err)
		return
	}
	t.profile = p
}

// load makes a change of what was downloaded durable and takes it into use. It refuses one that makes no sense.
func (t *Terminal) load(change func(*loaded)) error {
	l := loaded{}
	if t.journal.loaded != nil {
		l = *t.journal.loaded
	}
	change(&l)
	p, err := l.apply(t.cfg.Profile)
	if err != nil {
		return err
	}
	if err := t.journal.load(&l); err != nil {
		return err
	}
	t.profile = p
	return nil
}

func (j *Journal) load(l *loaded) error {
	if err := j.put(entryRecord{Loaded: l}); err != nil {
		return err
	}
	j.loaded = l
	return nil
}

// errDownload is a download that did not come, or not whole.
var errDownload = errors.New("terminal: download")

// piece asks for one piece of a download. Its error is errDownload's, or stops the terminal.
func (t *Terminal) piece(k dialect.Kind, request []byte) ([]byte, error) {
	m, err := t.service(k)
	if err != nil {
		return nil, err
	}
	m.ReservedPrivate62 = request
	answer, err := t.exchange(m)
	switch {
	case err != nil:
		return nil, err
	case answer == nil:
		return nil, fmt.Errorf("%w: no answer", errDownload)
	case answer.ResponseCode != "00":
		return nil, fmt.Errorf("%w: answered %s", errDownload, answer.ResponseCode)
	}
	return answer.ReservedPrivate62, nil
}

// download does one download and says how it ended.
func (t *Terminal) download(what Key, work func() error) (Ended, error) {
	t.show(say(what))
	err := work()
	if fatal(err) != nil {
		return Ended{}, err
	}
	if err != nil {
		t.remark("%v", err)
		t.show(say("download-failed"))
		return Ended{Outcome: OutcomeNoAnswer}, nil
	}
	t.show(say("download-done"))
	return Ended{Outcome: OutcomeDone}, nil
}

// listed asks for a whole list, page by page. take reads a page and says how many names it had, and whether there are more.
func (t *Terminal) listed(k dialect.Kind, take func([]byte) (int, bool, error)) error {
	n := 0
	for range maxPages {
		b, err := t.piece(k, dialect.ListRequest(n))
		if err != nil {
			return err
		}
		got, more, err := take(b)
		if err != nil || !more {
			return err
		}
		if got == 0 {
			return fmt.Errorf("%w: a list that says there is more and has nothing", errDownload)
		}
		n += got
	}
	return fmt.Errorf("%w: a list without end", errDownload)
}

func (t *Terminal) downloadCAKeys() (Ended, error) {
	return t.download(Key("loading-ca-keys"), func() error {
		var names []dialect.CAKeyName
		err := t.listed(dialect.KindCAKeyList, func(b []byte) (int, bool, error) {
			page, more, err := dialect.ParseCAKeyList(b)
			names = append(names, page...)
			return len(page), more, err
		})
		if err != nil {
			return err
		}
		var keys []dialect.CAKey
		for _, n := range names {
			b, err := t.piece(dialect.KindCAKey, dialect.CAKeyRequest(n))
			if err != nil {
				return err
			}
			k, err := dialect.ParseCAKey(b)
			switch {
			case err != nil:
				return err
			case k == nil || k.RID != n.RID || k.Index != n.Index:
				return fmt.Errorf("%w: CA public key %X %02X is listed and not there", errDownload, n.RID, n.Index)
			}
			keys = append(keys, *k)
		}
		if _, err := t.piece(dialect.KindCAKeysEnd, nil); err != nil {
			return err
		}
		return t.load(func(l *loaded) { l.CAKeys = keys })
	})
}

func (t *Terminal) downloadAIDs() (Ended, error) {
	return t.download(Key("loading-aids"), func() error {
		var names [][]byte
		err := t.listed(dialect.KindAIDList, func(b []byte) (int, bool, error) {
			page, more, err := dialect.ParseAIDList(b)
			names = append(names, page...)
			return len(page), more, err
		})
		if err != nil {
			return err
		}
		var aids []dialect.AIDParameters
		for _, n := range names {
			b, err := t.piece(dialect.KindAID, dialect.AIDRequest(n))
			if err != nil {
				return err
			}
			p, err := dialect.ParseAIDParameters(b)
			switch {
			case err != nil:
				return err
			case p == nil || string(p.AID) != string(n):
				return fmt.Errorf("%w: application %X is listed and not there", errDownload, n)
			}
			aids = append(aids, *p)
		}
		if _, err := t.piece(dialect.KindAIDsEnd, nil); err != nil {
			return err
		}
		return t.load(func(l *loaded) { l.AIDs = aids })
	})
}

func (t *Terminal) downloadParameters() (Ended, error) {
	return t.download(Key("loading-parameters"), func() error {
		var all []dialect.Parameter
		err := t.listed(dialect.KindParameters, func(b []byte) (int, bool, error) {
			page, more, err := dialect.ParseParameters(b)
			all = append(all, page...)
			return len(page), more, err
		})
		if err != nil {
			return err
		}
		if _, err := t.piece(dialect.KindParametersEnd, nil); err != nil {
			return err
		}
		return t.load(func(l *loaded) { l.Parameters = all })
	})
}

func (t *Terminal) chooseCAKeys() (Ended, error) { return t.downloadCAKeys() }

func (t *Terminal) chooseAIDs() (Ended, error) { return t.downloadAIDs() }

// chooseParameters refuses while something done under the old parameters is still to be settled or sent (W38).
func (t *Terminal) chooseParameters() (Ended, error) {
	if !t.mayChange() {
		t.show(say("download-later"), say("please-settle"))
		return Ended{Outcome: OutcomeNotAllowed}, nil
	}
	return t.downloadParameters()
}

// sendStatus tells the host how the terminal is.
func (t *Terminal) sendStatus() (Ended, error) {
	m, err := t.service(dialect.KindStatus)
	if err != nil {
		return Ended{}, err
	}
	m.ReservedPrivate62 = fmt.Appendf(nil, "B%s R%05d Q%05d", t.journal.batch.number, len(t.journal.inBatch()), len(t.journal.queue(t.round)))
	return t.notify(m, "status-sent")
}

// notify is the end of what needs no more than a yes.
func (t *Terminal) notify(m *dialect.Message, done Key) (Ended, error) {
	answer, err := t.exchange(m)
	switch {
	case err != nil:
		return Ended{}, err
	case answer == nil:
		t.show(say("host-silent"))
		return Ended{Outcome: OutcomeNoAnswer}, nil
	case answer.ResponseCode != "00":
		t.showDeclined(answer.ResponseCode)
		return Ended{Outcome: OutcomeDeclined, Code: answer.ResponseCode}, nil
	}
	t.show(say(done))
	return Ended{Outcome: OutcomeDone, Code: answer.ResponseCode}, nil
}

// chooseEcho asks whether the host is there.
func (t *Terminal) chooseEcho() (Ended, error) {
	m, err := t.service(dialect.KindEcho)
	if err != nil {
		return Ended{}, err
	}
	return t.notify(m, "host-there")
}

// chooseSignOff tells the host that the terminal goes. Its session keys are forgotten when the host has said yes: the next
// transaction signs on.
func (t *Terminal) chooseSignOff() (Ended, error) {
	m, err := t.service(dialect.KindSignOff)
	if err != nil {
		return Ended{}, err
	}
	e, err := t.notify(m, "signed-off")
	if err == nil && e.Outcome == OutcomeDone {
		t.stale = true
		t.operator = ""
	}
	return e, err
}
