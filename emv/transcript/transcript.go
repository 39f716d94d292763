package transcript

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Layout is what a file of this kind calls itself.
const Layout = "emv-transcript/1"

// Limits of a file: a transaction has thirty commands of at most 260 bytes.
const (
	maxFile      = 1 << 20
	maxExchanges = 1000
)

// Hex is bytes that a file writes as hexadecimal digits, in capitals.
type Hex []byte

// UnmarshalJSON reads the digits.
func (h *Hex) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("want hexadecimal digits in quotes")
	}
	v, err := hex.DecodeString(s)
	if err != nil {
		return errors.New("want an even number of hexadecimal digits")
	}
	*h = v
	return nil
}

// MarshalJSON writes the digits.
func (h Hex) MarshalJSON() ([]byte, error) { return []byte(`"` + h.String() + `"`), nil }

// String is the digits.
func (h Hex) String() string { return strings.ToUpper(hex.EncodeToString(h)) }

// Transcript is one transaction. Title, Source and Transport are for people.
type Transcript struct {
	Layout    string `json:"layout"`
	ID        string `json:"id"`
	Title     string `json:"title,omitempty"`
	Source    string `json:"source,omitempty"`
	Transport string `json:"transport,omitempty"`

	Terminal    Terminal        `json:"terminal"`
	Transaction Transaction     `json:"transaction"`
	CAPK        []AuthorityKey  `json:"capk"`
	Revoked     []Revoked       `json:"revoked,omitempty"`
	PINs        []string        `json:"pins"`              // typed in this order; "": ENTER on nothing
	Choices     []int           `json:"choices,omitempty"` // of candidates, from 0, in this order
	Host        *Host           `json:"host"`              // nil: never asked
	Exchanges   []Exchange      `json:"exchanges"`
	Expected    Expected        `json:"expected"`
	Card        json.RawMessage `json:"card,omitempty"` // facts about the card: see aid
}

// Terminal is the configuration of the kernel.
type Terminal struct {
	Tags map[string]Hex `json:"tags"`

	TACDefault Hex `json:"tac_default"`
	TACDenial  Hex `json:"tac_denial"`
	TACOnline  Hex `json:"tac_online"`

	RandomSelection RandomSelection `json:"random_selection"`
	DefaultDDOL     Hex             `json:"default_ddol"`
	DefaultTDOL     Hex             `json:"default_tdol,omitempty"`
	CDAMode         int             `json:"cda_mode"`
	PINBypass       bool            `json:"pin_bypass"`

	Applications   []Application `json:"applications,omitempty"` // none: the card's AID alone
	AutoSelect     bool          `json:"auto_select,omitempty"`
	NoConfirmation bool          `json:"no_confirmation,omitempty"`
}

// Application is a name of the terminal's list. All share action codes and limits: those of the one that was selected.
type Application struct {
	AID     Hex  `json:"aid"`
	Partial bool `json:"partial,omitempty"`
}

// RandomSelection is what Book 3, 10.6.2 needs. Draws are the bytes that were drawn from, one each.
type RandomSelection struct {
	TargetPercentage    int `json:"target_percentage"`
	MaxTargetPercentage int `json:"max_target_percentage"`
	Threshold           Hex `json:"threshold"` // minor units
	Draws               Hex `json:"draws,omitempty"`
}

// Transaction is the transaction's own data, by tag, and what the terminal's files said of the card.
type Transaction struct {
	Tags            map[string]Hex
	ForcedOnline    bool
	LoggedAmount    int64 // minor units, of the card's latest sale
	OnExceptionFile bool
}

// The keys of a transaction that are no tags.
const (
	keyForcedOnline  = "forced_online"
	keyLoggedAmount  = "logged_amount"
	keyExceptionFile = "on_exception_file"
)

// UnmarshalJSON reads tags and the other keys apart.
func (t *Transaction) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*t = Transaction{Tags: map[string]Hex{}}
	for key, value := range all {
		var err error
		switch key {
		case keyForcedOnline:
			err = json.Unmarshal(value, &t.ForcedOnline)
		case keyLoggedAmount:
			err = json.Unmarshal(value, &t.LoggedAmount)
		case keyExceptionFile:
			err = json.Unmarshal(value, &t.OnExceptionFile)
		default:
			var v Hex
			err = json.Unmarshal(value, &v)
			t.Tags[key] = v
		}
		if err != nil {
			return fmt.Errorf("transaction: %s: %w", key, err)
		}
	}
	return nil
}

// MarshalJSON writes both.
func (t Transaction) MarshalJSON() ([]byte, error) {
	all := map[string]any{}
	for tag, v := range t.Tags {
		all[tag] = v
	}
	if t.ForcedOnline {
		all[keyForcedOnline] = true
	}
	if t.LoggedAmount != 0 {
		all[keyLoggedAmount] = t.LoggedAmount
	}
	if t.OnExceptionFile {
		all[keyExceptionFile] = true
	}
	return json.Marshal(all)
}

// AuthorityKey is a certification authority's public key.
type AuthorityKey struct {
	RID      Hex `json:"rid"`
	Index    Hex `json:"index"`
	Modulus  Hex `json:"modulus"`
	Exponent Hex `json:"exponent"`
	SHA1     Hex `json:"sha1"`
}

// Revoked is an issuer certificate on the revocation list.
type Revoked struct {
	RID    Hex `json:"rid"`
	Index  Hex `json:"index"`
	Serial Hex `json:"serial"`
}

// Host is what the host answered.
type Host struct {
	Reachable    bool   `json:"reachable"`
	ResponseCode string `json:"response_code,omitempty"`
	Field55      Hex    `json:"field_55,omitempty"` // 91, 71 and 72
}

// Exchange is one command and its response.
type Exchange struct {
	Phase    string `json:"phase,omitempty"` // for people
	Command  Hex    `json:"command"`
	Response Hex    `json:"response"`
	Match    string `json:"match,omitempty"`    // "prefix:HEX": the rest of the command is not compared
	Optional bool   `json:"optional,omitempty"` // the command may be left out
}

const matchPrefix = "prefix:"

// matches tells whether a command is this exchange's.
func (e *Exchange) matches(command []byte) bool {
	if prefix, ok := strings.CutPrefix(e.Match, matchPrefix); ok {
		b, err := hex.DecodeString(prefix)
		return err == nil && bytes.HasPrefix(command, b)
	}
	return bytes.Equal(command, e.Command)
}

// Expected is how the transaction ends. Empty ones are not compared, but the outcome always is.
type Expected struct {
	Outcome                   string `json:"outcome"`
	ODA                       *ODA   `json:"oda,omitempty"`
	TVR                       Hex    `json:"tvr,omitempty"`
	TVRAtFirstGenerateAC      Hex    `json:"tvr_at_first_generate_ac,omitempty"`
	TSI                       Hex    `json:"tsi,omitempty"`
	CVMResults                Hex    `json:"cvm_results,omitempty"`
	AuthorisationResponseCode Hex    `json:"authorisation_response_code,omitempty"`
	CID                       Hex    `json:"cid,omitempty"`
	ApplicationCryptogram     Hex    `json:"application_cryptogram,omitempty"`
	ARQC                      Hex    `json:"arqc,omitempty"`
	IssuerScriptResults       Hex    `json:"issuer_script_results,omitempty"`
}

// ODA is the method of offline data authentication and what came of it.
type ODA struct {
	Method string `json:"method"`
	OK     bool   `json:"ok"`
}

// Parse reads a file. The error names it and the line: a key that is not known, a value that is not what it must be.
func Parse(name string, src []byte) (*Transcript, error) {
	if len(src) > maxFile {
		return nil, fmt.Errorf("transcript: %s: more than %d bytes", name, maxFile)
	}
	d := json.NewDecoder(bytes.NewReader(src))
	d.DisallowUnknownFields()
	t := new(Transcript)
	err := d.Decode(t)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the transcript")
		}
	}
	if err == nil {
		err = t.check()
	} else {
		err = fmt.Errorf("line %d: %w", 1+bytes.Count(src[:min(int(d.InputOffset()), len(src))], []byte{'\n'}), err)
	}
	if err != nil {
		return nil, fmt.Errorf("transcript: %s: %w", name, err)
	}
	return t, nil
}

// check looks at what can be wrong before anything runs.
func (t *Transcript) check() error {
	if t.Layout != Layout {
		return fmt.Errorf("layout %q: want %s", t.Layout, Layout)
	}
	if n := len(t.Exchanges); n == 0 || n > maxExchanges {
		return fmt.Errorf("%d exchanges: want 1 to %d", n, maxExchanges)
	}
	for i, e := range t.Exchanges {
		if err := e.check(); err != nil {
			return fmt.Errorf("exchange %d: %w", i+1, err)
		}
	}
	for i, pin := range t.PINs {
		if pin != "" && (len(pin) < 4 || len(pin) > 12 || strings.Trim(pin, "0123456789") != "") {
			return fmt.Errorf("pins: entry %d: want 4 to 12 digits, or nothing", i+1)
		}
	}
	if t.Expected.Outcome == "" {
		return errors.New("expected: outcome is missing")
	}
	_, err := t.config()
	if err == nil {
		_, err = t.transaction()
	}
	return err
}

func (e *Exchange) check() error {
	if len(e.Response) < 2 {
		return fmt.Errorf("response of %d bytes: want at least a status word", len(e.Response))
	}
	if e.Match == "" {
		return nil
	}
	prefix, ok := strings.CutPrefix(e.Match, matchPrefix)
	if b, err := hex.DecodeString(prefix); !ok || err != nil || len(b) == 0 {
		return fmt.Errorf("match %q: want prefix: and hexadecimal digits", e.Match)
	}
	return nil
}

// Write writes the file, indented.
func (t *Transcript) Write(w io.Writer) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("transcript: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
