package emv

import (
	"crypto/sha1" // by definition of the transaction data hash
	"errors"

	"github.com/posim/posim/emv/tlv"
)

// askForSignature is the bit of P1 of GENERATE AC that asks for combined DDA (Book 3, 6.5.5).
const askForSignature = 0x10

// prepareCDA recovers the card's key before the first GENERATE AC (Book 2, 6.6). If that fails, combined DDA has failed there
// and then, terminal action analysis sees it, and no signature is asked for.
func (s *Session) prepareCDA() {
	if _, err := s.iccKey(); err != nil {
		tlv.TVRCDAFailed.Set(s.tvr[:])
		tlv.TSIOfflineDataAuthenticationPerformed.Set(s.tsi[:])
		s.decideODA(RuleCDAKeys, err)
		return
	}
	s.decide(RuleCDAKeys, "the card will be asked for a signature with its cryptogram")
}

// wantsSignature tells whether this GENERATE AC asks for combined DDA. Which ones do besides a TC in the first is the terminal's
// mode (Book 4, 6.3.2): 1 for both, 2 for an ARQC only, 3 for neither, 4 for the second only. In the modes 3 and 4 a TC for want
// of an answer still asks: no other signature has vouched for a card that is about to be trusted offline.
func (s *Session) wantsSignature(want cryptogramType) bool {
	if s.oda.method != odaCDA || want == aac || s.oda.icc.err != nil || s.oda.wrong {
		return false
	}
	first := s.generated == 0
	switch mode := max(s.cfg.CDAMode, 1); {
	case first && want == tc:
		return true
	case first:
		return mode == 1 || mode == 2
	default:
		return mode == 1 || mode == 4 || mode == 3 && !s.answer.Reached
	}
}

// verifyCDA verifies the signature of a GENERATE AC (Book 2, 6.6.2) and takes the cryptogram out of it. What does not verify is
// a bit, and the end of every approval; a response that is not in order ends the transaction. response is the value of 77.
func (s *Session) verifyCDA(response, signed []byte) {
	err := s.checkCombinedSignature(response, signed)
	tlv.TSIOfflineDataAuthenticationPerformed.Set(s.tsi[:])
	if err != nil {
		tlv.TVRCDAFailed.Set(s.tvr[:])
		s.oda.wrong = true
	}
	s.decideODA(RuleCDA, err)
}

func (s *Session) checkCombinedSignature(response, signed []byte) error {
	if !s.hasUN { // a card that was sent none could have been recorded: its lists must ask for it (Book 2, 6.6)
		return errors.New("emv: neither PDOL nor CDOL asks for the unpredictable number 9F37: nothing ties a signature to this transaction")
	}
	dynamic, err := s.oda.arithmetic.RecoverDynamicData(&s.oda.icc.key, signed, s.un[:])
	if err != nil {
		return err
	}
	c, err := dynamic.Combined()
	if err != nil {
		return err
	}
	if c.CryptogramInformationData != s.cid {
		return errors.New("emv: signed dynamic application data 9F4B: the CID that was signed is not the one in clear")
	}
	if s.transactionDataHash(response) != c.TransactionDataHash {
		return errors.New("emv: signed dynamic application data 9F4B: the transaction data hash differs")
	}
	s.icc.set(tlv.ICCDynamicNumber, s.keep(c.Number))
	s.icc.set(tlv.ApplicationCryptogram, s.keep(c.Cryptogram[:]))
	return nil
}

// transactionDataHash is over the data of PDOL, CDOL1 and, in the second GENERATE AC, CDOL2, and over the data objects of the
// response as they came, but for the signature itself (Book 2, 6.6.1).
func (s *Session) transactionDataHash(response []byte) [sha1.Size]byte {
	var room [3 * 256]byte
	b := append(room[:0], s.pdolData...)
	b = append(b, s.cdolData[0]...)
	if s.generated > 0 {
		b = append(b, s.cdolData[1]...)
	}
	r := tlv.NewReader(response)
	for r.Next() {
		if r.Tag() != tlv.SignedDynamicApplicationData {
			b = append(b, r.Raw()...)
		}
	}
	return sha1.Sum(b)
}
