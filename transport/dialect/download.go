package dialect

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/posim/posim/emv/tlv"
)

// What DE 62 of downloads holds, in every dialect that has them.
//
// A list of CA public keys or applications is asked for with '1' and, in two digits, how many of them have come already. Its answer
// begins with '0' (there are none), '1' (these are all, or the last) or '2' (there are more), and then names them: a CA public key
// by 9F06, 9F22 and DF05, an application by 9F06. Each is then asked for by its name, and its answer is '1' and its data, or '0' if
// there is no such thing. That is how terminals of China UnionPay's acquirers download.
//
// Parameters have a form of our own, because every acquirer has one: a tag of two digits, a length of two digits and so many bytes,
// one after the other; an answer is '1' and some of them, or '2' if more are to come.

const (
	listNone = '0'
	listLast = '1'
	listMore = '2'

	maxListed = 99 // what a request can say
)

// The tags of downloaded data that the EMV dictionary does not have.
const (
	tagSelection     tlv.Tag = 0xDF01 // 00: the card's name may be longer
	tagKeyModulus    tlv.Tag = 0xDF02
	tagKeyChecksum   tlv.Tag = 0xDF03
	tagKeyExponent   tlv.Tag = 0xDF04
	tagKeyExpiry     tlv.Tag = 0xDF05
	tagHashAlgorithm tlv.Tag = 0xDF06
	tagKeyAlgorithm  tlv.Tag = 0xDF07
	tagTACDefault    tlv.Tag = 0xDF11
	tagTACOnline     tlv.Tag = 0xDF12
	tagTACDenial     tlv.Tag = 0xDF13
	tagDefaultDDOL   tlv.Tag = 0xDF14
	tagThreshold     tlv.Tag = 0xDF15
	tagMaxTarget     tlv.Tag = 0xDF16
	tagTarget        tlv.Tag = 0xDF17
	tagOnlinePIN     tlv.Tag = 0xDF18
	tagPurseLimit    tlv.Tag = 0x9F7B
	tagTapFloor      tlv.Tag = 0xDF19
	tagTapLimit      tlv.Tag = 0xDF20
	tagTapCVM        tlv.Tag = 0xDF21

	tagApplication = tlv.ApplicationIdentifierTerminal // of a CA public key the RID
	tagKeyIndex    = tlv.CertificationAuthorityPublicKeyIndexTerminal
	tagVersion     = tlv.ApplicationVersionNumberCard
	tagFloorLimit  = tlv.TerminalFloorLimit
)

const (
	algorithmOfCAKey   = 0x01 // SHA-1 and RSA
	maxParameterLength = 99
)

// ListRequest is DE 62 that asks for what a list has after the first so many.
func ListRequest(received int) []byte {
	return fmt.Appendf(nil, "1%02d", min(max(received, 0), maxListed))
}

// ParseListRequest reads what ListRequest writes.
func ParseListRequest(b []byte) (received int, err error) {
	if len(b) != 3 || b[0] != '1' || !isDigits(string(b)) {
		return 0, errors.New(`dialect: DE 62: request for a list: want "1" and two digits`)
	}
	return strconv.Atoi(string(b[1:]))
}

// CAKeyName is what a list says of a CA public key.
type CAKeyName struct {
	RID    [5]byte
	Index  byte
	Expiry string // YYYYMMDD
}

func (n CAKeyName) append(dst []byte) []byte {
	dst = tlv.Append(dst, tagApplication, n.RID[:])
	dst = tlv.Append(dst, tagKeyIndex, []byte{n.Index})
	if n.Expiry != "" {
		dst = tlv.Append(dst, tagKeyExpiry, []byte(n.Expiry))
	}
	return dst
}

// CAKeyRequest is DE 62 that asks for one CA public key.
func CAKeyRequest(n CAKeyName) []byte { return CAKeyName{RID: n.RID, Index: n.Index}.append(nil) }

// ParseCAKeyRequest reads what CAKeyRequest writes.
func ParseCAKeyRequest(b []byte) (n CAKeyName, err error) {
	err = each(b, "a CA public key's name", map[tlv.Tag]func([]byte) error{tagApplication: exact(n.RID[:]), tagKeyIndex: octet(&n.Index)}, tagApplication, tagKeyIndex)
	return n, err
}

// listed is the first byte of an answer about a list.
func listed(n int, more bool) []byte {
	switch {
	case more:
		return []byte{listMore}
	case n == 0:
		return []byte{listNone}
	}
	return []byte{listLast}
}

// listHead reads it.
func listHead(b []byte) (rest []byte, more bool, err error) {
	switch {
	case len(b) == 1 && b[0] == listNone:
		return nil, false, nil
	case len(b) > 1 && b[0] >= listLast && b[0] <= '3':
		return b[1:], b[0] != listLast, nil
	}
	return nil, false, errors.New(`dialect: DE 62: a list: want "0", or "1" to "3" and names`)
}

// CAKeyList is DE 62 of the answer to a list of CA public keys.
func CAKeyList(names []CAKeyName, more bool) []byte {
	b := listed(len(names), more)
	for _, n := range names {
		b = n.append(b)
	}
	return b
}

// ParseCAKeyList reads what CAKeyList writes. more tells whether there are others.
func ParseCAKeyList(b []byte) (names []CAKeyName, more bool, err error) {
	rest, more, err := listHead(b)
	if err != nil || len(rest) == 0 {
		return nil, false, err
	}
	r := tlv.NewReader(rest)
	for r.Next() {
		switch v := r.Value(); {
		case r.Tag() == tagApplication && len(v) == 5:
			names = append(names, CAKeyName{RID: [5]byte(v)})
		case len(names) == 0:
			return nil, false, errors.New("dialect: DE 62: a list of CA public keys: want a RID (9F06) of 5 bytes first")
		case r.Tag() == tagKeyIndex && len(v) == 1:
			names[len(names)-1].Index = v[0]
		case r.Tag() == tagKeyExpiry && len(v) == 8 && isDigits(string(v)):
			names[len(names)-1].Expiry = string(v)
		default:
			return nil, false, fmt.Errorf("dialect: DE 62: a list of CA public keys: %X of %d bytes", uint32(r.Tag()), len(v))
		}
		if len(names) > maxListed {
			return nil, false, fmt.Errorf("dialect: DE 62: a list of more than %d CA public keys", maxListed)
		}
	}
	if err := r.Err(); err != nil {
		return nil, false, fmt.Errorf("dialect: DE 62: a list of CA public keys: %w", err)
	}
	return names, more, nil
}

// CAKey is a CA public key as it is downloaded. Nothing here checks that modulus, exponent and checksum belong together.
type CAKey struct {
	CAKeyName
	Modulus, Exponent []byte
	Checksum          []byte // SHA-1 of RID, index, modulus and exponent; may be empty
}

// Download is DE 62 of the answer to the request for a key; nil: there is none.
func (k *CAKey) Download() []byte {
	if k == nil {
		return []byte{listNone}
	}
	b := k.append([]byte{listLast})
	b = tlv.Append(b, tagHashAlgorithm, []byte{algorithmOfCAKey})
	b = tlv.Append(b, tagKeyAlgorithm, []byte{algorithmOfCAKey})
	b = tlv.Append(b, tagKeyModulus, k.Modulus)
	b = tlv.Append(b, tagKeyExponent, k.Exponent)
	if len(k.Checksum) > 0 {
		b = tlv.Append(b, tagKeyChecksum, k.Checksum)
	}
	return b
}

// ParseCAKey reads what Download writes; nil: the host has no such key. The slices are b's.
func ParseCAKey(b []byte) (*CAKey, error) {
	rest, _, err := listHead(b)
	if err != nil || len(rest) == 0 {
		return nil, err
	}
	k := &CAKey{}
	var hash, algorithm byte
	err = each(rest, "a CA public key", map[tlv.Tag]func([]byte) error{
		tagApplication: exact(k.RID[:]), tagKeyIndex: octet(&k.Index), tagKeyModulus: between(&k.Modulus, 1, 248), tagKeyExponent: between(&k.Exponent, 1, 3),
		tagKeyChecksum: between(&k.Checksum, 20, 20), tagHashAlgorithm: octet(&hash), tagKeyAlgorithm: octet(&algorithm),
		tagKeyExpiry: func(v []byte) error {
			if len(v) != 8 || !isDigits(string(v)) {
				return errors.New("want YYYYMMDD")
			}
			k.Expiry = string(v)
			return nil
		},
	}, tagApplication, tagKeyIndex, tagKeyModulus, tagKeyExponent)
	switch {
	case err != nil:
		return nil, err
	case hash > algorithmOfCAKey || algorithm > algorithmOfCAKey: // 4 and 2 are SM2 with SM3
		return nil, fmt.Errorf("dialect: DE 62: a CA public key for algorithms %02X and %02X: want 01 and 01, SHA-1 and RSA", hash, algorithm)
	}
	return k, nil
}

// AIDList is DE 62 of the answer to a list of applications.
func AIDList(aids [][]byte, more bool) []byte {
	b := listed(len(aids), more)
	for _, a := range aids {
		b = tlv.Append(b, tagApplication, a)
	}
	return b
}

// ParseAIDList reads what AIDList writes. The slices are b's.
func ParseAIDList(b []byte) (aids [][]byte, more bool, err error) {
	rest, more, err := listHead(b)
	if err != nil || len(rest) == 0 {
		return nil, false, err
	}
	r := tlv.NewReader(rest)
	for r.Next() {
		if v := r.Value(); r.Tag() != tagApplication || len(v) < 5 || len(v) > 16 || len(aids) >= maxListed {
			return nil, false, fmt.Errorf("dialect: DE 62: a list of applications: %X of %d bytes: want at most %d names (9F06) of 5 to 16", uint32(r.Tag()), len(v), maxListed)
		}
		aids = append(aids, r.Value())
	}
	if err := r.Err(); err != nil {
		return nil, false, fmt.Errorf("dialect: DE 62: a list of applications: %w", err)
	}
	return aids, more, nil
}

// AIDRequest is DE 62 that asks for one application.
func AIDRequest(aid []byte) []byte { return tlv.Append(nil, tagApplication, aid) }

// ParseAIDRequest reads what AIDRequest writes. The slice is b's.
func ParseAIDRequest(b []byte) (aid []byte, err error) {
	return aid, each(b, "an application's name", map[tlv.Tag]func([]byte) error{tagApplication: between(&aid, 5, 16)}, tagApplication)
}

// AIDParameters are an application's as they are downloaded. Amounts are minor units.
type AIDParameters struct {
	AID                              []byte // 5 to 16 bytes
	Partial                          bool   // the card's name may be longer
	Version                          [2]byte
	TACDefault, TACOnline, TACDenial [5]byte
	DefaultDDOL                      []byte
	Threshold, FloorLimit            int64
	Target, MaxTarget                int // percent
	OnlinePIN                        bool

	// Limits of purses and contactless cards, minor units; nil: not said.
	PurseLimit            *int64 // of electronic cash
	ContactlessFloorLimit *int64
	ContactlessLimit      *int64 // no transaction above it
	ContactlessCVMLimit   *int64 // no verification below it
}

// limits are those that may be missing, in the order in which they are written.
func (p *AIDParameters) limits() []struct {
	tag tlv.Tag
	at  **int64
} {
	return []struct {
		tag tlv.Tag
		at  **int64
	}{{tagPurseLimit, &p.PurseLimit}, {tagTapFloor, &p.ContactlessFloorLimit}, {tagTapLimit, &p.ContactlessLimit}, {tagTapCVM, &p.ContactlessCVMLimit}}
}

// Download is DE 62 of the answer to the request for an application; nil: there is none.
func (p *AIDParameters) Download() []byte {
	if p == nil {
		return []byte{listNone}
	}
	number := func(n int64) []byte { return []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }
	percent := func(n int) []byte { return []byte{byte(n/10%10<<4 | n%10)} }
	flag := func(b bool) []byte {
		if b {
			return []byte{1}
		}
		return []byte{0}
	}
	b := tlv.Append([]byte{listLast}, tagApplication, p.AID)
	b = tlv.Append(b, tagSelection, flag(!p.Partial))
	b = tlv.Append(b, tagVersion, p.Version[:])
	b = tlv.Append(b, tagTACDefault, p.TACDefault[:])
	b = tlv.Append(b, tagTACOnline, p.TACOnline[:])
	b = tlv.Append(b, tagTACDenial, p.TACDenial[:])
	b = tlv.Append(b, tagFloorLimit, number(p.FloorLimit))
	b = tlv.Append(b, tagThreshold, number(p.Threshold))
	b = tlv.Append(b, tagMaxTarget, percent(p.MaxTarget))
	b = tlv.Append(b, tagTarget, percent(p.Target))
	if len(p.DefaultDDOL) > 0 {
		b = tlv.Append(b, tagDefaultDDOL, p.DefaultDDOL)
	}
	b = tlv.Append(b, tagOnlinePIN, flag(p.OnlinePIN))
	for _, l := range p.limits() {
		if *l.at == nil {
			continue
		}
		var v [6]byte // twelve digits
		for i, n := len(v)-1, **l.at; i >= 0; i, n = i-1, n/100 {
			v[i] = percent(int(n % 100))[0]
		}
		b = tlv.Append(b, l.tag, v[:])
	}
	return b
}

// ParseAIDParameters reads what Download writes; nil: the host has no such application. The slices are b's. Tags that it does not
// know are left alone.
func ParseAIDParameters(b []byte) (*AIDParameters, error) {
	rest, _, err := listHead(b)
	if err != nil || len(rest) == 0 {
		return nil, err
	}
	p := &AIDParameters{}
	number := func(to *int64) func([]byte) error {
		return func(v []byte) error {
			if len(v) != 4 {
				return errors.New("want 4 bytes")
			}
			*to = int64(v[0])<<24 | int64(v[1])<<16 | int64(v[2])<<8 | int64(v[3])
			return nil
		}
	}
	percent := func(to *int) func([]byte) error {
		return func(v []byte) error {
			if len(v) != 1 || v[0]>>4 > 9 || v[0]&15 > 9 {
				return errors.New("want two digits")
			}
			*to = int(v[0]>>4)*10 + int(v[0]&15)
			return nil
		}
	}
	amount := func(to **int64) func([]byte) error {
		return func(v []byte) error {
			if len(v) != 6 {
				return errors.New("want 12 digits")
			}
			var n int64
			for i := range v {
				var two int
				if err := percent(&two)(v[i : i+1]); err != nil {
					return errors.New("want 12 digits")
				}
				n = n*100 + int64(two)
			}
			*to = &n
			return nil
		}
	}
	var whole, pin byte
	parts := map[tlv.Tag]func([]byte) error{
		tagApplication: between(&p.AID, 5, 16), tagSelection: octet(&whole), tagVersion: exact(p.Version[:]), tagTACDefault: exact(p.TACDefault[:]),
		tagTACOnline: exact(p.TACOnline[:]), tagTACDenial: exact(p.TACDenial[:]), tagDefaultDDOL: between(&p.DefaultDDOL, 0, 252),
		tagThreshold: number(&p.Threshold), tagFloorLimit: number(&p.FloorLimit), tagTarget: percent(&p.Target), tagMaxTarget: percent(&p.MaxTarget), tagOnlinePIN: octet(&pin),
	}
	for _, l := range p.limits() {
		parts[l.tag] = amount(l.at)
	}
	err = each(rest, "an application", parts, tagApplication, tagVersion, tagTACDefault, tagTACOnline, tagTACDenial)
	if err != nil {
		return nil, err
	}
	p.Partial, p.OnlinePIN = whole == 0, pin != 0
	return p, nil
}

// each gives the data objects of b to whom they are for. A tag that nobody is for is left alone; one that comes twice, and one of
// those wanted that does not come, are errors.
func each(b []byte, what string, to map[tlv.Tag]func([]byte) error, wanted ...tlv.Tag) error {
	seen := map[tlv.Tag]bool{}
	r := tlv.NewReader(b)
	for r.Next() {
		tag := r.Tag()
		if seen[tag] {
			return fmt.Errorf("dialect: DE 62: %s: %X comes twice", what, uint32(tag))
		}
		seen[tag] = true
		if f := to[tag]; f != nil {
			if err := f(r.Value()); err != nil {
				return fmt.Errorf("dialect: DE 62: %s: %X of %d bytes: %w", what, uint32(tag), len(r.Value()), err)
			}
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("dialect: DE 62: %s: %w", what, err)
	}
	for _, tag := range wanted {
		if !seen[tag] {
			return fmt.Errorf("dialect: DE 62: %s: no %X", what, uint32(tag))
		}
	}
	return nil
}

// exact takes a value of dst's length.
func exact(dst []byte) func([]byte) error {
	return func(v []byte) error {
		if len(v) != len(dst) {
			return fmt.Errorf("want %d", len(dst))
		}
		copy(dst, v)
		return nil
	}
}

func octet(to *byte) func([]byte) error {
	return func(v []byte) error {
		if len(v) != 1 {
			return errors.New("want 1")
		}
		*to = v[0]
		return nil
	}
}

func between(to *[]byte, least, most int) func([]byte) error {
	return func(v []byte) error {
		if len(v) < least || len(v) > most {
			return fmt.Errorf("want %d to %d", least, most)
		}
		*to = v
		return nil
	}
}

// Parameter is one parameter of a terminal as it is downloaded.
type Parameter struct {
	Tag   string // two digits
	Value string // up to 99 bytes
}

// The tags of parameters that our terminals know. An unknown one is left alone.
const (
	ParameterAnswerWait   = "12" // seconds to wait for an answer, two digits
	ParameterTip          = "18" // percent of a sale that a tip may come to, two digits
	ParameterMerchant     = "22" // the merchant's name
	ParameterAttempts     = "23" // tries of a reversal on an occasion, one digit
	ParameterMerchantID   = "31" // 15 characters
	ParameterTerminalID   = "32" // 8 characters
	ParameterBatchLimit   = "33" // records of a batch, up to four digits
	ParameterReversalWait = "34" // seconds to wait for the answer to a reversal, two digits
)

// Parameters is DE 62 of the answer to a request for parameters. It panics on a tag or a value that has no place: they are a host's
// own configuration.
func Parameters(all []Parameter, more bool) []byte {
	b := listed(len(all), more)
	for _, p := range all {
		if len(p.Tag) != 2 || !isDigits(p.Tag) || len(p.Value) > maxParameterLength {
			panic(fmt.Sprintf("bug: dialect: parameter %q of %d bytes", p.Tag, len(p.Value)))
		}
		b = fmt.Appendf(b, "%s%02d%s", p.Tag, len(p.Value), p.Value)
	}
	return b
}

// ParseParameters reads what Parameters writes.
func ParseParameters(b []byte) (all []Parameter, more bool, err error) {
	rest, more, err := listHead(b)
	for err == nil && len(rest) > 0 {
		if len(rest) < 4 || !isDigits(string(rest[:4])) {
			return nil, false, errors.New("dialect: DE 62: parameters: want a tag and a length, two digits each")
		}
		n := 4 + int(rest[2]-'0')*10 + int(rest[3]-'0')
		if n > len(rest) {
			return nil, false, fmt.Errorf("dialect: DE 62: parameter %s: %d bytes: want %d", rest[:2], len(rest)-4, n-4)
		}
		all = append(all, Parameter{string(rest[:2]), string(rest[4:n])})
		rest = rest[n:]
	}
	return all, more, err
}
