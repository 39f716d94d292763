package emv

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

func TestCVM(t *testing.T) {
	const supportsAll = 0x68 // online PIN, signature, no CVM
	tests := []struct {
		name   string
		list   string // "" is no list
		caps   byte   // 9F33 byte 2; 0 is supportsAll
		pin    PINEntry
		txn    Transaction
		typ    byte // 0 is 22
		other  bool // the card's currency is another
		noAIP  bool
		want   string // 9F34
		tvr    string
		noTSI  bool
		signed bool
		asked  int
	}{
		{name: "the card does not support cardholder verification", list: "00000000000000001F00", noAIP: true, want: "3F0000", tvr: "0000000000", noTSI: true},
		{name: "no list is missing data", want: "3F0000", tvr: "2000000000", noTSI: true},
		{name: "a list without rules", list: "0000000000000000", want: "3F0000", tvr: "0000000000", noTSI: true},
		{name: "signature is met, its result unknown", list: "00000000000000001E03", want: "1E0300", tvr: "0000000000", signed: true},
		{name: "no CVM required is met", list: "00000000000000001F03", want: "1F0302", tvr: "0000000000"},
		{name: "online PIN entered", list: "00000000000000004203", want: "420300", tvr: "0000040000", asked: 1},
		{name: "online PIN bypassed, no successor", list: "00000000000000000203", pin: PINBypassed, want: "020301", tvr: "0000880000", asked: 1},
		{name: "a method without a successor ends the list", list: "000000000000000002031F00", pin: PINBypassed, want: "020301", tvr: "0000880000", asked: 1},
		{name: "online PIN bypassed, then signature", list: "000000000000000042031E03", pin: PINBypassed, want: "1E0300", tvr: "0000080000", signed: true, asked: 1},
		{name: "online PIN bypassed is not asked for again", list: "0000000000000000420342001E03", pin: PINBypassed, want: "1E0300", tvr: "0000080000", signed: true, asked: 1},
		{name: "PIN pad absent, list exhausted", list: "00000000000000004203", pin: PINPadAbsent, want: "420301", tvr: "0000900000", asked: 1},
		{name: "online PIN always, not supported, counts as no PIN pad", list: "000000000000000042001F00", caps: 0x28, want: "1F0002", tvr: "0000100000"},
		{name: "online PIN if supported, not supported, is skipped", list: "000000000000000002031F00", caps: 0x28, want: "1F0002", tvr: "0000000000"},
		{name: "offline PIN if supported is skipped", list: "0000000000000000010304031E03", want: "1E0300", tvr: "0000000000", signed: true},
		{name: "offline PIN always counts as no PIN pad and is not performed", list: "00000000000000000100", want: "3F0001", tvr: "0000900000"},
		{name: "offline PIN and signature needs both", list: "000000000000000043031F00", want: "1F0002", tvr: "0000000000"},
		{name: "fail CVM processing fails at once, whatever bit 7 says", list: "000000000000000040001F00", want: "400001", tvr: "0000800000"},
		{name: "an unknown method is unsuccessful and not performed", list: "00000000000000002000", want: "3F0001", tvr: "0000C00000"},
		{name: "an unknown method with a successor", list: "000000000000000060001F00", want: "1F0002", tvr: "0000400000"},
		{name: "an unknown method if supported is only skipped", list: "000000000000000020031F00", want: "1F0002", tvr: "0000000000"},
		{name: "no condition is met", list: "00000000000000001E011E041E05", want: "3F0001", tvr: "0000800000"},
		{name: "an unknown condition is not met", list: "00000000000000001E0A1E801F00", want: "1F0002", tvr: "0000000000"},
		{name: "a false condition goes on though bit 7 is clear", list: "00000000000000001E011F00", want: "1F0002", tvr: "0000000000"},
		{name: "signature always, not supported, is not performed", list: "00000000000000001E00", caps: 0x48, want: "3F0001", tvr: "0000800000"},
		{name: "no CVM always, not supported", list: "00000000000000001F00", caps: 0x60, want: "3F0001", tvr: "0000800000"},
		{name: "a failure names the last method performed", list: "000000000000000042036000", pin: PINBypassed, want: "420301", tvr: "0000C80000", asked: 1},

		{name: "01 unattended cash", list: "00000000000000001F01", txn: Transaction{Type: 0x01}, typ: 0x24, want: "1F0102", tvr: "0000000000"},
		{name: "01 not at an attended terminal", list: "00000000000000001F01", txn: Transaction{Type: 0x01}, want: "3F0001", tvr: "0000800000"},
		{name: "02 goods", list: "00000000000000001F02", want: "1F0202", tvr: "0000000000"},
		{name: "02 not cash", list: "00000000000000001F02", txn: Transaction{Type: 0x01}, want: "3F0001", tvr: "0000800000"},
		{name: "02 not cashback", list: "00000000000000001F02", txn: Transaction{Type: 0x09, Amount: 500, AmountOther: 100}, want: "3F0001", tvr: "0000800000"},
		{name: "04 manual cash", list: "00000000000000001F04", txn: Transaction{Type: 0x01}, want: "1F0402", tvr: "0000000000"},
		{name: "05 cashback", list: "00000000000000001F05", txn: Transaction{Amount: 500, AmountOther: 100}, want: "1F0502", tvr: "0000000000"},
		{name: "06 under X", list: "000003E8000007D01F06", txn: Transaction{Amount: 999}, want: "1F0602", tvr: "0000000000"},
		{name: "06 not at X", list: "000003E8000007D01F06", txn: Transaction{Amount: 1000}, want: "3F0001", tvr: "0000800000"},
		{name: "07 over X", list: "000003E8000007D01F07", txn: Transaction{Amount: 1001}, want: "1F0702", tvr: "0000000000"},
		{name: "07 not at X", list: "000003E8000007D01F07", txn: Transaction{Amount: 1000}, want: "3F0001", tvr: "0000800000"},
		{name: "08 under Y", list: "000003E8000007D01F08", txn: Transaction{Amount: 1999}, want: "1F0802", tvr: "0000000000"},
		{name: "08 not at Y", list: "000003E8000007D01F08", txn: Transaction{Amount: 2000}, want: "3F0001", tvr: "0000800000"},
		{name: "09 over Y", list: "000003E8000007D01F09", txn: Transaction{Amount: 2001}, want: "1F0902", tvr: "0000000000"},
		{name: "09 not at Y", list: "000003E8000007D01F09", txn: Transaction{Amount: 2000}, want: "3F0001", tvr: "0000800000"},
		{name: "06 needs the application's currency", list: "000003E8000007D01F06", txn: Transaction{Amount: 999}, other: true, want: "3F0001", tvr: "0000800000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Capabilities[1] = supportsAll
			if tt.caps != 0 {
				cfg.Capabilities[1] = tt.caps
			}
			if tt.typ != 0 {
				cfg.Type = tt.typ
			}
			s := newTestSession(t, nil, cfg)
			s.txn.Type, s.txn.Amount, s.txn.AmountOther = tt.txn.Type, tt.txn.Amount, tt.txn.AmountOther
			asked := 0
			s.term = &testTerminal{pin: func(*Session) (PINEntry, error) { asked++; return tt.pin, nil }}
			aip, currency := []byte{0x10, 0}, []byte{0x09, 0x78}
			if tt.noAIP {
				aip[0] = 0
			}
			if tt.other {
				currency = []byte{0x01, 0x56}
			}
			s.icc.add(tlv.ApplicationInterchangeProfile, aip)
			s.icc.add(tlv.ApplicationCurrencyCode, currency)
			if tt.list != "" {
				s.icc.add(tlv.CVMList, hx(tt.list))
			}
			if err := s.CardholderVerification(); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%X", s.cvmResults); got != tt.want {
				t.Errorf("CVM results %s: want %s", got, tt.want)
			}
			if got := fmt.Sprintf("%X", s.TVR()); got != tt.tvr {
				t.Errorf("TVR %s: want %s", got, tt.tvr)
			}
			if got := tlv.TSICardholderVerificationPerformed.In(s.tsi[:]); got == tt.noTSI {
				t.Errorf("TSI bit %v", got)
			}
			if s.SignatureRequired() != tt.signed || asked != tt.asked {
				t.Errorf("signature %v, PIN asked %d: want %v, %d", s.SignatureRequired(), asked, tt.signed, tt.asked)
			}
		})
	}
}

func TestCVMErrors(t *testing.T) {
	broken := errors.New("pad broken")
	tests := []struct {
		name, list string
		pin        func(*Session) (PINEntry, error)
		want       error
		terminated bool
	}{
		{name: "an odd list is a violation", list: "00000000000000001E03FF", terminated: true},
		{name: "a short list is a violation", list: "00000000", terminated: true},
		{name: "a cancelled PIN", list: "00000000000000000200", pin: enters(0, ErrCancelled), want: ErrCancelled},
		{name: "a broken terminal", list: "00000000000000000200", pin: enters(0, broken), want: broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTestSession(t, nil, testConfig())
			s.term = &testTerminal{pin: tt.pin}
			s.icc.add(tlv.ApplicationInterchangeProfile, []byte{0x10, 0})
			s.icc.add(tlv.CVMList, hx(tt.list))
			err := s.CardholderVerification()
			if tt.terminated && resultOf(err) != "terminate" || !tt.terminated && !errors.Is(err, tt.want) {
				t.Errorf("error %v: want %v, terminated %v", err, tt.want, tt.terminated)
			}
		})
	}
	s := newTestSession(t, nil, testConfig())
	s.term = &testTerminal{pin: enters(7, nil)}
	if _, err := s.onlinePIN(tlv.CVRule{Code: cvmOnlinePIN}); err == nil {
		t.Error("an entry that is none was taken")
	}
}

// Whatever list a card has, whatever its counter says and the pad reports: results and bits agree, and the PIN is asked for no more
// often than there are rules for it and tries.
func FuzzCVMList(f *testing.F) {
	f.Add(hx("000186A0000003E842014403410342031F03"), []byte{0x10, 0}, byte(0), uint16(0x9000), byte(3))
	f.Add(hx("0000000000000000400060002000"), []byte{0x10, 0}, byte(1), uint16(0x63C1), byte(3))
	f.Add(hx("00000000000000004100430044004500"), []byte{0x10, 0}, byte(0), uint16(0x63CF), byte(9))
	f.Add(hx("00000000000000004100430042001E00"), []byte{0x10, 0}, byte(2), uint16(0x63C0), byte(0))
	f.Add(hx("000000000000000003000500"), []byte{0x10, 0}, byte(3), uint16(0x6983), byte(1))
	f.Fuzz(func(t *testing.T, list, aip []byte, pin byte, word uint16, tries byte) {
		card := newCannedCard()
		card.data = map[uint16][]byte{0x9F17: {tries}}
		cfg := testConfig()
		cfg.Capabilities[1] = pin | hasSignature
		s := newTestSession(t, card, cfg)
		asked := 0
		s.term = &testTerminal{pin: enters(PINEntry(pin%3), nil), verify: func(*Session, OfflinePIN) (PINEntry, apdu.SW, error) {
			asked++
			return PINEntry(pin % 4), apdu.SW(word), nil
		}}
		s.icc.add(tlv.ApplicationInterchangeProfile, aip)
		s.icc.add(tlv.CVMList, list)
		s.icc.add(tlv.ApplicationCurrencyCode, []byte{0x09, 0x78})
		if err := s.CardholderVerification(); err != nil {
			if resultOf(err) != "terminate" {
				t.Fatal(err)
			}
			return
		}
		failed := s.cvmResults[2] == cvmFailed
		if failed != tlv.TVRCVMFailed.In(s.tvr[:]) {
			t.Fatalf("CVM results %X with TVR %X", s.cvmResults, s.tvr)
		}
		if s.signature && failed {
			t.Fatalf("a signature for %X", s.cvmResults)
		}
		checkBits(t, s.tvr, s.tsi)
		l, err := tlv.ParseCVMList(list)
		if err != nil {
			return
		}
		if 8+2*l.Len() != len(list) || asked > maxPINTries*l.Len() || asked > 0 && tries == 0 {
			t.Fatalf("%d rules of %d bytes, the PIN was asked for %d times, tries %d", l.Len(), len(list), asked, tries)
		}
		if s.cvmResults[0] != cvmNone && !slices.Contains(rulesOf(l), tlv.CVRule{Code: s.cvmResults[0], Condition: s.cvmResults[1]}) {
			t.Fatalf("CVM results %X name no rule of %X", s.cvmResults, list)
		}
	})
}

func rulesOf(l tlv.CVMethods) (all []tlv.CVRule) {
	for i := range l.Len() {
		all = append(all, l.Rule(i))
	}
	return all
}
