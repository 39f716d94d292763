package transcript

import (
	"errors"
	"fmt"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// Report is what a transcript came to when it ran again.
type Report struct {
	Outcome     emv.Outcome
	Got         Expected // all of it, as it was
	Exchanges   int      // how many of the transcript's were used
	Differences []Difference
}

// Difference is a command, or a value of the end, that is not what the transcript has.
type Difference struct{ Place, Got, Want string }

// String is one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: got %s, want %s", d.Place, d.Got, d.Want)
}

// errDiffers ends a run whose next command the transcript does not know.
var errDiffers = errors.New("transcript: the command is not the transcript's next one")

// Run has the kernel go through the transaction again; trace, if not nil, is told its decisions. What differs is in the report.
// An error means that the transcript cannot be run.
func (t *Transcript) Run(trace func(emv.Decision)) (*Report, error) {
	config, err := t.config()
	if err != nil {
		return nil, fmt.Errorf("transcript: %w", err)
	}
	txn, err := t.transaction()
	if err != nil {
		return nil, fmt.Errorf("transcript: %w", err)
	}
	r := &Report{}
	config.Rand = &randomness{t.Transaction.Tags["9F37"], t.Terminal.RandomSelection.Draws}
	config.Trace = trace
	card := &strict{t: t, report: r}
	player := &player{t: t}
	out, err := emv.Run(card, player, config, txn)
	r.Outcome, r.Exchanges = out, card.at
	switch {
	case errors.Is(err, errDiffers):
		return r, nil // the report has the command
	case err != nil:
		return r, err
	}
	card.finish()
	r.Got = expectedOf(out)
	r.compare(&t.Expected)
	if (t.Host != nil) != player.asked {
		r.differ("host", pick(player.asked, "asked", "not asked"), pick(t.Host != nil, "asked", "not asked"))
	}
	if player.pins != len(t.PINs) {
		r.differ("pins", fmt.Sprintf("%d typed", player.pins), fmt.Sprint(len(t.PINs)))
	}
	if player.choices != len(t.Choices) {
		r.differ("choices", fmt.Sprintf("%d made", player.choices), fmt.Sprint(len(t.Choices)))
	}
	return r, nil
}

func pick(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

func (r *Report) differ(place, got, want string) {
	r.Differences = append(r.Differences, Difference{place, got, want})
}

// strict answers each command with the response beside it, and fails on the first that differs.
type strict struct {
	t      *Transcript
	report *Report
	at     int
}

var _ apdu.Card = (*strict)(nil)

// Transmit finds the command, after optional exchanges that may have been left out.
func (c *strict) Transmit(command []byte) ([]byte, error) {
	for next := c.at; next < len(c.t.Exchanges); next++ {
		e := &c.t.Exchanges[next]
		if e.matches(command) {
			c.at = next + 1
			return e.Response, nil
		}
		if !e.Optional {
			c.report.differ(fmt.Sprintf("command %d (%s)", next+1, e.Phase), shown(command), shown(e.Command))
			return nil, errDiffers
		}
	}
	c.report.differ(fmt.Sprintf("command %d", len(c.t.Exchanges)+1), shown(command), "none")
	return nil, errDiffers
}

// shown is a command for a report: the data of VERIFY are a PIN.
func shown(command []byte) string {
	if len(command) > 5 && command[1] == apdu.InsVerify {
		return fmt.Sprintf("%X ** redacted", command[:5])
	}
	return fmt.Sprintf("%X", command)
}

// finish reports commands that never came.
func (c *strict) finish() {
	for i := c.at; i < len(c.t.Exchanges); i++ {
		if e := &c.t.Exchanges[i]; !e.Optional {
			c.report.differ(fmt.Sprintf("command %d (%s)", i+1, e.Phase), "none", shown(e.Command))
			return
		}
	}
}

// expectedOf is how a transaction ended.
func expectedOf(out emv.Outcome) Expected {
	s := out.Session
	e := Expected{Outcome: out.Result.String()}
	if s == nil {
		return e
	}
	tvr, tsi := s.TVR(), s.TSI()
	e.TVR, e.TSI = tvr[:], tsi[:]
	e.CVMResults = s.Data(tlv.CVMResults)
	e.AuthorisationResponseCode = s.Data(tlv.AuthorisationResponseCode)
	e.IssuerScriptResults = s.Data(tlv.IssuerScriptResults)
	failed := tlv.TVRSDAFailed.In(tvr[:]) || tlv.TVRDDAFailed.In(tvr[:]) || tlv.TVRCDAFailed.In(tvr[:])
	e.ODA = &ODA{Method: s.ODAMethod(), OK: tlv.TSIOfflineDataAuthenticationPerformed.In(tsi[:]) && !failed}
	first, arqc := s.FirstGenerateAC()
	e.TVRAtFirstGenerateAC, e.ARQC = first, arqc
	if first != nil {
		e.CID = Hex{s.CryptogramInformationData()}
		e.ApplicationCryptogram = s.Data(tlv.ApplicationCryptogram)
	}
	return e
}

// compare looks at every value that the transcript has.
func (r *Report) compare(want *Expected) {
	got := &r.Got
	if got.Outcome != want.Outcome {
		r.differ("outcome", got.Outcome, want.Outcome)
	}
	if want.ODA != nil && *got.ODA != *want.ODA {
		r.differ("oda", fmt.Sprint(*got.ODA), fmt.Sprint(*want.ODA))
	}
	for _, v := range [...]struct {
		name      string
		got, want Hex
	}{
		{"tvr", got.TVR, want.TVR}, {"tvr_at_first_generate_ac", got.TVRAtFirstGenerateAC, want.TVRAtFirstGenerateAC}, {"tsi", got.TSI, want.TSI},
		{"cvm_results", got.CVMResults, want.CVMResults}, {"authorisation_response_code", got.AuthorisationResponseCode, want.AuthorisationResponseCode},
		{"cid", got.CID, want.CID}, {"application_cryptogram", got.ApplicationCryptogram, want.ApplicationCryptogram},
		{"arqc", got.ARQC, want.ARQC}, {"issuer_script_results", got.IssuerScriptResults, want.IssuerScriptResults},
	} {
		if v.want != nil && v.got.String() != v.want.String() {
			r.differ(v.name, orNone(v.got), v.want.String())
		}
	}
}

func orNone(h Hex) string {
	if len(h) == 0 {
		return "none"
	}
	return h.String()
}
