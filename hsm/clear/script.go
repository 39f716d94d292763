package clear

import (
	"strings"

	"github.com/posim/posim/emv/security"
)

// scriptForms are the forms of issuer scripts that have a name.
var scriptForms = []security.ScriptForm{security.ScriptVisa, security.ScriptMChip, security.ScriptCommonCore, security.ScriptUnionPay}

// ScriptForms lists the names of the forms of issuer scripts.
func ScriptForms() (names []string) {
	for _, f := range scriptForms {
		names = append(names, f.String())
	}
	return names
}

// Script is what secures the issuer's commands of one transaction: a form, by its name, and a card's master keys.
type Script struct {
	Form         string
	MAC          Key
	Encipherment Key // the zero Key: no PIN is changed
	Cryptogram   Key // the forms visa and unionpay mix it into a PIN block
	ATC          []byte
	AC           []byte // the transaction's first cryptogram
}

func (s Script) session() (*security.ScriptSession, error) {
	form := security.ScriptForm(0)
	for _, f := range scriptForms {
		if f.String() == s.Form {
			form = f
		}
	}
	switch {
	case form == 0:
		return nil, &Error{"form", ErrName, "", strings.Join(ScriptForms(), ", ")}
	case len(s.ATC) != 2:
		return nil, wrongLength("atc", len(s.ATC), "2 bytes")
	case len(s.AC) != 8:
		return nil, wrongLength("cryptogram", len(s.AC), "8 bytes")
	}
	var keys [3]*security.MasterKey
	for i, k := range []struct {
		field string
		key   Key
	}{{"key for MACs", s.MAC}, {"key for encipherment", s.Encipherment}, {"key for cryptograms", s.Cryptogram}} {
		if i > 0 && k.key.algorithm == "" {
			continue
		}
		key, err := k.key.double(k.field)
		if err != nil {
			return nil, err
		}
		if keys[i], err = security.NewMasterKey(key); err != nil {
			return nil, inField(k.field, err)
		}
	}
	session, err := form.Session(security.ScriptKeys{MAC: keys[0], Encipherment: keys[1], Cryptogram: keys[2]}, [2]byte(s.ATC), [8]byte(s.AC))
	return session, inField("script", err)
}

// Command secures a command of CLA, INS, P1 and P2 and its data: the whole command with its MAC.
func (s Script) Command(header, data []byte) ([]byte, error) {
	if len(header) != 4 {
		return nil, wrongLength("header", len(header), "the 4 bytes CLA INS P1 P2")
	}
	session, err := s.session()
	if err != nil {
		return nil, err
	}
	command, err := session.Seal([4]byte(header), data)
	return command, inField("script", err)
}

// EncipherPIN is the data of PIN CHANGE/UNBLOCK. current is the PIN that the card has now, "" where the command does not carry it.
func (s Script) EncipherPIN(pin, current string) ([]byte, error) {
	if err := checkPIN("pin", pin); err != nil {
		return nil, err
	}
	if current != "" {
		if err := checkPIN("current pin", current); err != nil {
			return nil, err
		}
	}
	session, err := s.session()
	if err != nil {
		return nil, err
	}
	data, err := session.EncipherPIN(pin, current)
	return data, inField("script", err)
}
