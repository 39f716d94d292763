package scenario

import (
	"bytes"
	"errors"

	"github.com/posim/posim/emv/tlv"
)

// What faults make of a card's answer.

// cardGone strikes between a command and its answer: the card has done what it was told.
const cardGone = "gone"

// Kinds that strike at GENERATE AC alone.
const (
	wrongCryptogram = "wrong-cryptogram"
	wrongCID        = "wrong-cid"
)

// cryptogramAt finds the cryptogram information data (tag 9F27) and the cryptogram (9F26, or the signature 9F4B that holds it) in
// a GENERATE AC response of either format; -1: not there.
func cryptogramAt(answer []byte) (cid, cryptogram int) {
	if len(answer) > 13 && answer[0] == byte(tlv.ResponseMessageTemplateFormat1) {
		return 2, 5 // CID 1, ATC 2, AC 8
	}
	cid, cryptogram = -1, -1
	if len(answer) < 4 {
		return cid, cryptogram
	}
	value, err := tlv.Only(answer[:len(answer)-2], tlv.ResponseMessageTemplateFormat2)
	if err != nil {
		return cid, cryptogram
	}
	r := tlv.NewReader(value)
	for at := len(answer) - 2 - len(value); r.Next(); at += len(r.Raw()) {
		first := at + len(r.Raw()) - len(r.Value())
		switch {
		case r.Tag() == tlv.CryptogramInformationData && len(r.Value()) == 1:
			cid = first
		case (r.Tag() == tlv.ApplicationCryptogram || r.Tag() == tlv.SignedDynamicApplicationData) && len(r.Value()) > 0:
			cryptogram = first
		}
	}
	return cid, cryptogram
}

// withCryptogramType changes the cryptogram information data of a GENERATE AC response to another type of cryptogram.
func withCryptogramType(answer []byte, kind string) ([]byte, error) {
	cid, _ := cryptogramAt(answer)
	if cid < 0 {
		return nil, errors.New("scenario: the card's answer has no cryptogram to make " + kind + " of")
	}
	bits := map[string]byte{"AAC": 0x00, "TC": 0x40, "ARQC": 0x80}[kind]
	out := bytes.Clone(answer)
	out[cid] = out[cid]&0x3F | bits
	return out, nil
}

// withWrongCID has the card name another cryptogram than it gives. What has none stays as it is.
func withWrongCID(answer []byte) []byte {
	cid, _ := cryptogramAt(answer)
	out := bytes.Clone(answer)
	if cid < 0 {
		return out
	}
	bits := byte(0x40)
	if out[cid]&0xC0 == bits {
		bits = 0x80
	}
	out[cid] = out[cid]&0x3F | bits
	return out
}

// withWrongCryptogram flips a bit of the cryptogram, or of the signature that it is in. What has none stays as it is.
func withWrongCryptogram(answer []byte) []byte {
	_, at := cryptogramAt(answer)
	out := bytes.Clone(answer)
	if at >= 0 {
		out[at] ^= 0x01
	}
	return out
}

// withWrongLength makes the length of the outermost data object one too large. An answer without data gets a byte of it.
func withWrongLength(answer []byte) []byte {
	if len(answer) < 4 {
		return append([]byte{0x00}, answer...)
	}
	out := bytes.Clone(answer)
	at := 1
	if out[0]&0x1F == 0x1F { // a tag of two bytes, of GET DATA
		at = 2
	}
	if at < len(out)-2 && out[at]&0x80 != 0 {
		at += int(out[at] & 0x7F)
	}
	out[min(at, len(out)-3)]++
	return out
}
