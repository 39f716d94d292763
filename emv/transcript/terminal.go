package transcript

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/security"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
)

// config is the terminal of the transcript. A tag that it has no place for is an error.
func (t *Transcript) config() (*emv.Config, error) {
	c := &emv.Config{
		AutoSelect: t.Terminal.AutoSelect, NoConfirmation: t.Terminal.NoConfirmation, CDAMode: t.Terminal.CDAMode,
		OnExceptionFile: func(pan.PAN, string) bool { return t.Transaction.OnExceptionFile },
	}
	app, err := t.application()
	if err != nil {
		return nil, err
	}
	for tag, v := range t.Terminal.Tags {
		number, err := strconv.ParseUint(tag, 16, 32)
		if err != nil {
			return nil, fmt.Errorf("terminal: tag %s: want the hexadecimal digits of a tag", tag)
		}
		if err := SetTerminal(c, app, tlv.Tag(number), v); err != nil {
			return nil, fmt.Errorf("terminal: tag %s: %w", tag, err)
		}
	}
	if err := t.setKeys(c); err != nil {
		return nil, err
	}
	names := t.Terminal.Applications
	if len(names) == 0 {
		aid, err := t.aid()
		if err != nil {
			return nil, err
		}
		names = []Application{{AID: aid}}
	}
	for _, n := range names {
		a := *app
		a.AID, a.Partial = n.AID, n.Partial
		c.Applications = append(c.Applications, a)
	}
	return c, c.Validate()
}

// application is what all applications share.
func (t *Transcript) application() (*emv.Application, error) {
	x := &t.Terminal
	a := &emv.Application{
		DefaultDDOL: x.DefaultDDOL, DefaultTDOL: x.DefaultTDOL,
		TargetPercent: x.RandomSelection.TargetPercentage, MaxTargetPercent: x.RandomSelection.MaxTargetPercentage,
	}
	for _, code := range [...]struct {
		name string
		from Hex
		to   *[5]byte
	}{{"tac_default", x.TACDefault, &a.TACDefault}, {"tac_denial", x.TACDenial, &a.TACDenial}, {"tac_online", x.TACOnline, &a.TACOnline}} {
		if len(code.from) != len(code.to) {
			return nil, fmt.Errorf("terminal: %s of %d bytes: want %d", code.name, len(code.from), len(code.to))
		}
		*code.to = [5]byte(code.from)
	}
	if n := len(x.RandomSelection.Threshold); n != 4 {
		return nil, fmt.Errorf("terminal: random_selection threshold of %d bytes: want 4", n)
	}
	a.Threshold = int64(binary.BigEndian.Uint32(x.RandomSelection.Threshold))
	return a, nil
}

// ErrNoPlace is the error of a data element that a terminal's configuration has no place for.
var ErrNoPlace = errors.New("no data element of a terminal's configuration")

// SetTerminal puts a data element of the terminal where the kernel's configuration has it.
func SetTerminal(c *emv.Config, a *emv.Application, tag tlv.Tag, v []byte) (err error) {
	switch tag {
	case tlv.TerminalCountryCode:
		c.CountryCode, err = number(v, 2)
	case tlv.TransactionCurrencyCode:
		c.CurrencyCode, err = number(v, 2)
	case tlv.TransactionCurrencyExponent:
		c.CurrencyExponent, err = number(v, 1)
	case tlv.MerchantCategoryCode:
		c.MerchantCategoryCode, err = number(v, 2)
	case tlv.TerminalCapabilities:
		err = fill(c.Capabilities[:], v)
	case tlv.AdditionalTerminalCapabilities:
		err = fill(c.AdditionalCapabilities[:], v)
	case tlv.TerminalType:
		var kind [1]byte
		err = fill(kind[:], v)
		c.Type = kind[0]
	case tlv.ApplicationVersionNumberTerminal:
		err = fill(a.Version[:], v)
	case tlv.TerminalFloorLimit:
		var limit [4]byte
		err = fill(limit[:], v)
		a.FloorLimit = int64(binary.BigEndian.Uint32(limit[:]))
	case tlv.TerminalRiskManagementData:
		a.RiskManagementData = v
	case tlv.MerchantIdentifier:
		c.MerchantIdentifier = string(v)
	case tlv.TerminalIdentification:
		c.TerminalIdentification = string(v)
	case tlv.InterfaceDeviceSerialNumber:
		c.InterfaceDeviceSerialNumber = string(v)
	case tlv.MerchantNameAndLocation:
		c.MerchantNameAndLocation = string(v)
	case tlv.AcquirerIdentifier: // eleven digits at most, in six bytes
		var n int
		n, err = number(v, 6)
		c.AcquirerIdentifier = fmt.Sprintf("%011d", n)
	default:
		return ErrNoPlace
	}
	return err
}

func (t *Transcript) setKeys(c *emv.Config) error {
	for i, k := range t.CAPK {
		if len(k.RID) != 5 || len(k.Index) != 1 {
			return fmt.Errorf("capk %d: want a rid of 5 bytes and an index of 1", i+1)
		}
		key, err := security.NewCAPublicKey([5]byte(k.RID), k.Index[0], k.Modulus, k.Exponent, k.SHA1)
		if err != nil {
			return fmt.Errorf("capk %d: %w", i+1, err)
		}
		c.CAPublicKeys = append(c.CAPublicKeys, key)
	}
	for i, r := range t.Revoked {
		if len(r.RID) != 5 || len(r.Index) != 1 || len(r.Serial) != 3 {
			return fmt.Errorf("revoked %d: want a rid of 5 bytes, an index of 1 and a serial of 3", i+1)
		}
		c.Revoked = append(c.Revoked, emv.RevokedCertificate{RID: [5]byte(r.RID), Index: r.Index[0], Serial: [3]byte(r.Serial)})
	}
	return nil
}

// aid is the name of the card's application.
func (t *Transcript) aid() (Hex, error) {
	var facts struct {
		AID Hex `json:"aid"`
	}
	if len(t.Card) > 0 {
		if err := json.Unmarshal(t.Card, &facts); err != nil {
			return nil, fmt.Errorf("card: %w", err)
		}
	}
	if len(facts.AID) == 0 {
		return nil, errors.New("terminal: no applications, and no aid of the card")
	}
	return facts.AID, nil
}

// transaction is the transaction of the transcript.
func (t *Transcript) transaction() (emv.Transaction, error) {
	x := emv.Transaction{ForceOnline: t.Transaction.ForcedOnline}
	date, clock := "", "000000"
	var binaryAmount Hex
	for tag, v := range t.Transaction.Tags {
		var err error
		var n int
		switch tag {
		case "9F02":
			n, err = number(v, 6)
			x.Amount = int64(n)
		case "9F03":
			n, err = number(v, 6)
			x.AmountOther = int64(n)
		case "81":
			binaryAmount = v
		case "9A":
			date = v.String()
		case "9F21":
			clock = v.String()
		case "9C":
			var kind [1]byte
			err = fill(kind[:], v)
			x.Type = kind[0]
		case "9F41":
			n, err = number(v, 4)
			x.SequenceCounter = uint32(n)
		case "9F37":
			var un [4]byte
			err = fill(un[:], v)
		default:
			err = errors.New("no data element of a transaction")
		}
		if err != nil {
			return x, fmt.Errorf("transaction: tag %s: %w", tag, err)
		}
	}
	if binaryAmount != nil && (len(binaryAmount) != 4 || int64(binary.BigEndian.Uint32(binaryAmount)) != x.Amount) {
		return x, fmt.Errorf("transaction: tag 81: %s: want the amount of 9F02", binaryAmount)
	}
	when, err := time.Parse("060102150405", date+clock)
	if err != nil {
		return x, fmt.Errorf("transaction: tags 9A and 9F21: %s %s: want YYMMDD and HHMMSS", date, clock)
	}
	x.Time = when
	if logged := t.Transaction.LoggedAmount; logged != 0 {
		x.LoggedAmount = func(pan.PAN, string) int64 { return logged }
	}
	return x, nil
}

func number(v []byte, size int) (int, error) {
	if len(v) != size {
		return 0, fmt.Errorf("%d bytes: want %d", len(v), size)
	}
	n, err := strconv.ParseUint(Hex(v).String(), 10, 62)
	if err != nil {
		return 0, errors.New("want decimal digits")
	}
	return int(n), nil
}

func fill(dst, v []byte) error {
	if len(v) != len(dst) {
		return fmt.Errorf("%d bytes: want %d", len(v), len(dst))
	}
	copy(dst, v)
	return nil
}

// player is the terminal's part of a transcript: it chooses, types and answers as the file says.
type player struct {
	t       *Transcript
	pins    int
	choices int
	asked   bool
}

var _ emv.Terminal = (*player)(nil)

// ChooseApplication takes the next of choices, the first candidate without one.
func (p *player) ChooseApplication(candidates []emv.Candidate) (int, error) {
	if p.choices >= len(p.t.Choices) {
		return 0, errors.New("transcript: an application is to be chosen: choices has no further entry")
	}
	p.choices++
	return p.t.Choices[p.choices-1], nil
}

// nextPIN is the next PIN typed; "": ENTER on nothing.
func (p *player) nextPIN() (string, error) {
	if p.pins >= len(p.t.PINs) {
		if p.t.Terminal.PINBypass {
			return "", nil
		}
		return "", errors.New("transcript: a PIN is asked for: pins has no further entry")
	}
	p.pins++
	return p.t.PINs[p.pins-1], nil
}

// EnterPIN takes a PIN for the issuer, which nobody here needs.
func (p *player) EnterPIN(*emv.Session) (emv.PINEntry, error) {
	pin, err := p.nextPIN()
	if pin == "" {
		return emv.PINBypassed, err
	}
	return emv.PINEntered, err
}

// VerifyPIN is the PIN pad.
func (p *player) VerifyPIN(_ *emv.Session, o emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	pin, err := p.nextPIN()
	if err != nil || pin == "" {
		return emv.PINBypassed, 0, err
	}
	block, err := security.PINBlock2(pin)
	if err != nil {
		return 0, 0, err
	}
	command := apdu.Command{INS: apdu.InsVerify, P2: 0x80, Data: block[:], Le: apdu.LeAbsent}
	if o.Key != nil {
		r, err := send(o.Card, apdu.Command{INS: apdu.InsGetChallenge, Le: apdu.MaxLe})
		if err != nil {
			return 0, 0, err
		}
		if !r.SW.Success() || len(r.Data) != 8 {
			return emv.PINNotSent, 0, nil
		}
		var a security.Arithmetic
		if command.Data, err = a.EncipherPIN(o.Key, &block, [8]byte(r.Data), zeros{}); err != nil {
			return 0, 0, err
		}
		command.P2 = 0x88
	}
	r, err := send(o.Card, command)
	return emv.PINEntered, r.SW, err
}

func send(card apdu.Card, c apdu.Command) (apdu.Response, error) {
	raw, err := card.Transmit(c.Append(nil))
	if err != nil {
		return apdu.Response{}, err
	}
	return apdu.Parse(raw)
}

// zeros fills an enciphered PIN block: the file compares no more than its beginning.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// GoOnline answers as the host did.
func (p *player) GoOnline(*emv.Session) (emv.OnlineAnswer, error) {
	p.asked = true
	h := p.t.Host
	if h == nil {
		return emv.OnlineAnswer{}, errors.New("transcript: the host is asked, and host is null")
	}
	if !h.Reachable && h.ResponseCode == "" {
		return emv.OnlineAnswer{}, nil
	}
	a, err := emv.NewOnlineAnswer(h.ResponseCode, h.Field55)
	if err != nil {
		return a, fmt.Errorf("transcript: host: field_55: %w", err)
	}
	return a, nil
}

// randomness gives the kernel the numbers of the transcript: four bytes are the unpredictable number, one is a draw.
type randomness struct {
	number Hex
	draws  []byte
}

var _ io.Reader = (*randomness)(nil)

// Read gives the next of either.
func (r *randomness) Read(b []byte) (int, error) {
	switch {
	case len(b) == 4 && len(r.number) == 4:
		return copy(b, r.number), nil
	case len(b) == 1 && len(r.draws) > 0:
		b[0], r.draws = r.draws[0], r.draws[1:]
		return 1, nil
	}
	return 0, fmt.Errorf("transcript: %d random bytes are asked for, and the file has none", len(b))
}
