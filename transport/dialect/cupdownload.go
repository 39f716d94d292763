package dialect

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/posim/posim/emv/tlv"
)

// DE 62 of downloads in cup: an answer begins with a digit that says whether there is more, and objects follow, BER-TLV with the
// document's private tags. Every error here is a *FieldError of DE 62.

// Download is the digit in front of a download's objects.
type Download byte

// The digits of an answer. A query sends one, too: 100, one after the other.
const (
	DownloadNone    Download = '0' // there is nothing
	DownloadLast    Download = '1' // this is all, or the rest of it
	DownloadMore    Download = '2' // more follows: ask again
	DownloadFurther Download = '3' // the same, said otherwise
)

// CAKeyQuery is DE 62 of a KindCAKeyList and of a KindAIDList that begin at the first one; the digits behind the first count what has
// come already.
const CAKeyQuery = "100"

// AppendDownload appends DE 62 of an answer: the digit and its objects, as the other functions of this file make them.
func AppendDownload(dst []byte, state Download, objects []byte) []byte {
	return append(append(dst, byte(state)), objects...)
}

// ParseDownload takes DE 62 of an answer apart. The objects are a part of b.
func ParseDownload(b []byte) (state Download, objects []byte, err error) {
	if len(b) == 0 || b[0] < '0' || b[0] > '3' {
		return 0, nil, bad62(errors.New("want a digit, 0 to 3, and objects behind it"))
	}
	state = Download(b[0])
	if (state == DownloadNone) != (len(b) == 1) {
		return 0, nil, bad62(fmt.Errorf("digit %c and %d bytes of objects", b[0], len(b)-1))
	}
	return state, b[1:], nil
}

func bad62(err error) error { return &FieldError{DE: 62, Err: err} }

// The document's tags.
const (
	tagRID              tlv.Tag = 0x9F06 // and an AID
	tagKeyIndex         tlv.Tag = 0x9F22
	tagModulus          tlv.Tag = 0xDF02
	tagChecksum         tlv.Tag = 0xDF03
	tagExponent         tlv.Tag = 0xDF04
	tagExpiry           tlv.Tag = 0xDF05
	tagHashAlgorithm    tlv.Tag = 0xDF06
	tagKeyAlgorithm     tlv.Tag = 0xDF07
	tagSelection        tlv.Tag = 0xDF01
	tagAppVersion       tlv.Tag = 0x9F08
	tagTACDefault       tlv.Tag = 0xDF11
	tagTACOnline        tlv.Tag = 0xDF12
	tagTACDenial        tlv.Tag = 0xDF13
	tagDDOL             tlv.Tag = 0xDF14
	tagThreshold        tlv.Tag = 0xDF15
	tagMaximumTarget    tlv.Tag = 0xDF16
	tagTarget           tlv.Tag = 0xDF17
	tagOnlinePIN        tlv.Tag = 0xDF18
	tagFloorLimit       tlv.Tag = 0x9F1B
	tagECLimit          tlv.Tag = 0x9F7B
	tagContactlessFloor tlv.Tag = 0xDF19
	tagContactlessLimit tlv.Tag = 0xDF20
	tagContactlessCVM   tlv.Tag = 0xDF21
)

// CAKeyName names a certification authority's key, with when it expires.
type CAKeyName struct {
	RID    [5]byte
	Index  byte
	Expiry string // YYYYMMDD; "": not said
}

// CAKey is a certification authority's public key as a host gives it.
type CAKey struct {
	CAKeyName
	HashAlgorithm byte // 1: SHA-1
	Algorithm     byte // 1: RSA
	Modulus       []byte
	Exponent      []byte
	Checksum      []byte // SHA-1 of RID, index, modulus and exponent; whoever takes the key compares it
}

// AppendCAKeyName appends the objects of a KindCAKey's request, or one entry of a KindCAKeyList's answer.
func AppendCAKeyName(dst []byte, k CAKeyName) []byte {
	dst = tlv.Append(tlv.Append(dst, tagRID, k.RID[:]), tagKeyIndex, []byte{k.Index})
	if k.Expiry != "" {
		dst = tlv.Append(dst, tagExpiry, []byte(k.Expiry))
	}
	return dst
}

// ParseCAKeyNames reads what AppendCAKeyName writes, one or more.
func ParseCAKeyNames(b []byte) (list []CAKeyName, err error) {
	for r := tlv.NewReader(b); ; {
		if !r.Next() {
			if r.Err() != nil || len(list) == 0 {
				return nil, bad62(orErr(r.Err(), "want the names of keys"))
			}
			return list, nil
		}
		v := r.Value()
		switch tag := r.Tag(); {
		case tag == tagRID && len(v) == 5:
			list = append(list, CAKeyName{RID: [5]byte(v)})
			if !r.Next() || r.Tag() != tagKeyIndex || len(r.Value()) != 1 {
				return nil, bad62(errors.New("want a key's index, 9F22, behind its RID"))
			}
			list[len(list)-1].Index = r.Value()[0]
		case tag == tagExpiry && len(list) > 0 && list[len(list)-1].Expiry == "":
			if list[len(list)-1].Expiry, err = expiry(v); err != nil {
				return nil, bad62(err)
			}
		default:
			return nil, bad62(fmt.Errorf("%X of %d bytes: want 9F06, 9F22 and DF05", uint32(tag), len(v)))
		}
	}
}

func orErr(err error, otherwise string) error {
	if err == nil {
		return errors.New(otherwise)
	}
	return err
}

// expiry is a date: eight characters, or four bytes of digits.
func expiry(v []byte) (string, error) {
	s := string(v)
	if len(v) == 4 {
		s = hex.EncodeToString(v)
	}
	if len(s) != 8 || !isDigits(s) {
		return "", errors.New("DF05: want YYYYMMDD")
	}
	return s, nil
}

// AppendCAKey appends the objects of a KindCAKey's answer.
func AppendCAKey(dst []byte, k *CAKey) []byte {
	dst = AppendCAKeyName(dst, k.CAKeyName)
	dst = tlv.Append(dst, tagHashAlgorithm, []byte{k.HashAlgorithm})
	dst = tlv.Append(dst, tagKeyAlgorithm, []byte{k.Algorithm})
	dst = tlv.Append(dst, tagModulus, k.Modulus)
	dst = tlv.Append(dst, tagExponent, k.Exponent)
	return tlv.Append(dst, tagChecksum, k.Checksum)
}

// ParseCAKey reads what AppendCAKey writes. Whether the checksum is right is for the caller.
func ParseCAKey(b []byte) (*CAKey, error) {
	o, err := objects62(b)
	if err != nil {
		return nil, err
	}
	k := &CAKey{}
	copy(k.RID[:], o.take(tagRID, 5, 5))
	k.Index = o.byte(tagKeyIndex)
	k.Modulus, k.Exponent, k.Checksum = o.take(tagModulus, 1, 256), o.take(tagExponent, 1, 3), o.take(tagChecksum, 20, 20)
	k.HashAlgorithm, k.Algorithm = o.byte(tagHashAlgorithm), o.byte(tagKeyAlgorithm)
	if v, ok := o.optional(tagExpiry); ok && o.err == nil {
		k.Expiry, o.err = expiry(v)
	}
	return k, o.end()
}

// AIDParameters are those of one application, as a host gives them. Amounts are in minor units; nil: not said.
type AIDParameters struct {
	AID                              []byte
	FullMatch                        bool // DF01 of 1: the card's name must be this one; 0: it may be longer
	Version                          [2]byte
	TACDefault, TACOnline, TACDenial [5]byte
	FloorLimit                       uint32 // 9F1B
	Threshold                        uint32 // DF15, for biased random selection
	MaximumTargetPercent             int    // DF16
	TargetPercent                    int    // DF17
	DDOL                             []byte // DF14; nil: none
	OnlinePIN                        bool   // DF18: the terminal can send PINs
	ElectronicCashLimit              *int64 // 9F7B
	ContactlessFloorLimit            *int64 // DF19
	ContactlessLimit                 *int64 // DF20
	ContactlessCVMLimit              *int64 // DF21
}

// AppendAIDName appends the object of a KindAID's request, or one entry of a KindAIDList's answer.
func AppendAIDName(dst, aid []byte) []byte { return tlv.Append(dst, tagRID, aid) }

// ParseAIDNames reads what AppendAIDName writes, one or more.
func ParseAIDNames(b []byte) (list [][]byte, err error) {
	r := tlv.NewReader(b)
	for r.Next() {
		if n := len(r.Value()); r.Tag() != tagRID || n < 5 || n > 16 {
			return nil, bad62(fmt.Errorf("%X of %d bytes: want 9F06 of 5 to 16", uint32(r.Tag()), n))
		}
		list = append(list, bytes.Clone(r.Value()))
	}
	if r.Err() != nil || len(list) == 0 {
		return nil, bad62(orErr(r.Err(), "want the names of applications"))
	}
	return list, nil
}

// AppendAIDParameters appends the objects of a KindAID's answer, in the document's order.
func AppendAIDParameters(dst []byte, p *AIDParameters) ([]byte, error) {
	dst = tlv.Append(dst, tagRID, p.AID)
	dst = tlv.Append(dst, tagSelection, []byte{oneIf(p.FullMatch)})
	dst = tlv.Append(dst, tagAppVersion, p.Version[:])
	dst = tlv.Append(dst, tagTACDefault, p.TACDefault[:])
	dst = tlv.Append(dst, tagTACOnline, p.TACOnline[:])
	dst = tlv.Append(dst, tagTACDenial, p.TACDenial[:])
	dst = tlv.Append(dst, tagFloorLimit, word32(p.FloorLimit))
	dst = tlv.Append(dst, tagThreshold, word32(p.Threshold))
	for _, percent := range []struct {
		tag   tlv.Tag
		value int
	}{{tagMaximumTarget, p.MaximumTargetPercent}, {tagTarget, p.TargetPercent}} {
		if percent.value < 0 || percent.value > 99 {
			return nil, bad62(fmt.Errorf("%X: %d percent: want 0 to 99", uint32(percent.tag), percent.value))
		}
		dst = tlv.Append(dst, percent.tag, []byte{byte(percent.value/10<<4 | percent.value%10)})
	}
	if p.DDOL != nil {
		dst = tlv.Append(dst, tagDDOL, p.DDOL)
	}
	dst = tlv.Append(dst, tagOnlinePIN, []byte{oneIf(p.OnlinePIN)})
	for _, limit := range p.limits() {
		if *limit.at == nil {
			continue
		}
		digits, err := inDigits(**limit.at, 12)
		if err != nil {
			return nil, bad62(fmt.Errorf("%X: %w", uint32(limit.tag), err))
		}
		b, _ := hex.DecodeString(digits) // twelve digits
		dst = tlv.Append(dst, limit.tag, b)
	}
	return dst, nil
}

type limit62 struct {
	tag tlv.Tag
	at  **int64
}

func (p *AIDParameters) limits() []limit62 {
	return []limit62{{tagECLimit, &p.ElectronicCashLimit}, {tagContactlessFloor, &p.ContactlessFloorLimit}, {tagContactlessLimit, &p.ContactlessLimit}, {tagContactlessCVM, &p.ContactlessCVMLimit}}
}

// ParseAIDParameters reads what AppendAIDParameters writes, in any order.
func ParseAIDParameters(b []byte) (*AIDParameters, error) {
	o, err := objects62(b)
	if err != nil {
		return nil, err
	}
	p := &AIDParameters{AID: o.take(tagRID, 5, 16)}
	p.FullMatch, p.OnlinePIN = o.flag(tagSelection), o.flag(tagOnlinePIN)
	copy(p.Version[:], o.take(tagAppVersion, 2, 2))
	copy(p.TACDefault[:], o.take(tagTACDefault, 5, 5))
	copy(p.TACOnline[:], o.take(tagTACOnline, 5, 5))
	copy(p.TACDenial[:], o.take(tagTACDenial, 5, 5))
	p.FloorLimit, p.Threshold = o.word(tagFloorLimit), o.word(tagThreshold)
	p.MaximumTargetPercent, p.TargetPercent = int(o.digits(tagMaximumTarget, 1)), int(o.digits(tagTarget, 1))
	if v, ok := o.optional(tagDDOL); ok {
		if p.DDOL = bytes.Clone(v); p.DDOL == nil {
			p.DDOL = []byte{}
		}
		if len(v) > 252 {
			o.fail(tagDDOL, "want up to 252 bytes")
		}
	}
	for _, l := range p.limits() {
		if o.has(l.tag) {
			v := o.digits(l.tag, 6)
			*l.at = &v
		}
	}
	return p, o.end()
}

func oneIf(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func word32(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }

// object62 are the objects of DE 62, each once. What is asked for is taken away; the first thing that is wrong is kept.
type object62 struct {
	values map[tlv.Tag][]byte
	order  []tlv.Tag
	err    error
}

func objects62(b []byte) (*object62, error) {
	o := &object62{values: map[tlv.Tag][]byte{}}
	r := tlv.NewReader(b)
	for r.Next() {
		if _, twice := o.values[r.Tag()]; twice {
			return nil, bad62(fmt.Errorf("%X comes twice", uint32(r.Tag())))
		}
		o.values[r.Tag()] = r.Value()
		o.order = append(o.order, r.Tag())
	}
	if r.Err() != nil {
		return nil, bad62(r.Err())
	}
	return o, nil
}

func (o *object62) fail(tag tlv.Tag, what string) {
	if o.err == nil {
		o.err = fmt.Errorf("%X: %s", uint32(tag), what)
	}
}

func (o *object62) has(tag tlv.Tag) bool {
	_, ok := o.values[tag]
	return ok
}

func (o *object62) optional(tag tlv.Tag) ([]byte, bool) {
	v, ok := o.values[tag]
	delete(o.values, tag)
	return v, ok
}

// take is a copy of an object's value, of so many bytes.
func (o *object62) take(tag tlv.Tag, shortest, longest int) []byte {
	v, ok := o.optional(tag)
	switch {
	case !ok:
		o.fail(tag, "missing")
	case len(v) < shortest || len(v) > longest:
		o.fail(tag, fmt.Sprintf("%d bytes: want %d to %d", len(v), shortest, longest))
	default:
		return bytes.Clone(v)
	}
	return nil
}

func (o *object62) byte(tag tlv.Tag) byte {
	if v := o.take(tag, 1, 1); v != nil {
		return v[0]
	}
	return 0
}

func (o *object62) flag(tag tlv.Tag) bool {
	b := o.byte(tag)
	if b > 1 {
		o.fail(tag, "want 00 or 01")
	}
	return b == 1
}

func (o *object62) word(tag tlv.Tag) (n uint32) {
	for _, b := range o.take(tag, 4, 4) {
		n = n<<8 | uint32(b)
	}
	return n
}

// digits is a number of two digits to a byte.
func (o *object62) digits(tag tlv.Tag, length int) (n int64) {
	for _, b := range o.take(tag, length, length) {
		if b>>4 > 9 || b&15 > 9 {
			o.fail(tag, "want digits")
		}
		n = n*100 + int64(b>>4)*10 + int64(b&15)
	}
	return n
}

// end is what was wrong, or what nobody asked for.
func (o *object62) end() error {
	i := slices.IndexFunc(o.order, o.has)
	if i >= 0 {
		o.fail(o.order[i], "an object that is not known here")
	}
	if o.err != nil {
		return bad62(o.err)
	}
	return nil
}
