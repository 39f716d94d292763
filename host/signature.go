package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Signature is what is kept of a cardholder's signature: enough to recognise the picture by, and not the picture.
type Signature struct {
	STAN   string `json:"stan"`   // of the message that brought it
	Size   int    `json:"size"`   // bytes
	Digest string `json:"digest"` // SHA-256 of the picture, hexadecimal
}

func (s *Signature) check() error {
	if s.Size <= 0 || len(s.Digest) != 2*sha256.Size {
		return fmt.Errorf("signature of %d bytes with a digest of %d characters: want a picture, and %d", s.Size, len(s.Digest), 2*sha256.Size)
	}
	return nil
}

// signature takes a cardholder's signature to its transaction. A copy, and another picture for the same transaction, take the
// place of the first: it is evidence, and moves nothing.
func (x *Relay) signature(e Event) {
	m := e.Message
	o := x.book.named(m)
	switch {
	case len(m.ReservedPrivate62) == 0:
		x.refuse(e.Conn, m, codeFormat)
	case o == nil || o.State == Tombstone:
		x.refuse(e.Conn, m, codeNoOriginal)
	case m.HasAmount && m.AmountTransaction != o.Amount && m.AmountTransaction != x.book.amount(o):
		x.refuse(e.Conn, m, codeOriginalAmount)
	default:
		sum := sha256.Sum256(m.ReservedPrivate62)
		s := Signature{STAN: m.SystemsTraceAuditNumber, Size: len(m.ReservedPrivate62), Digest: hex.EncodeToString(sum[:])}
		if o.Signature == nil || o.Signature.Digest != s.Digest {
			t := o.Transaction
			t.Signature = &s
			x.put(t)
		}
		x.refuse(e.Conn, m, codeApproved)
	}
}
