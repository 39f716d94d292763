package card_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/posim/posim/emv"
	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/card"
	"github.com/posim/posim/emv/security"
)

// shop is a terminal that can do all that a card may ask for, with a cardholder who types pin.
type shop struct {
	counter
	pin   string
	asked int // offline PINs
}

func (s *shop) VerifyPIN(_ *emv.Session, p emv.OfflinePIN) (emv.PINEntry, apdu.SW, error) {
	s.asked++
	block, err := security.PINBlock2(s.pin)
	if err != nil {
		return 0, 0, err
	}
	command := apdu.Command{INS: apdu.InsVerify, P2: 0x80, Data: block[:], Le: apdu.LeAbsent}
	if p.Key != nil {
		raw, err := p.Card.Transmit(apdu.Command{INS: apdu.InsGetChallenge, Le: apdu.MaxLe}.Append(nil))
		if err != nil || len(raw) != 10 {
			return emv.PINNotSent, 0, err
		}
		var a security.Arithmetic
		enciphered, err := a.EncipherPIN(p.Key, &block, [8]byte(raw), rand.NewChaCha8([32]byte{7}))
		if err != nil {
			return 0, 0, err
		}
		command.P2, command.Data = 0x88, enciphered
	}
	raw, err := p.Card.Transmit(command.Append(nil))
	if err != nil {
		return 0, 0, err
	}
	return emv.PINEntered, apdu.SW(raw[0])<<8 | apdu.SW(raw[1]), nil
}

// everything is the configuration of a terminal that authenticates cards and verifies PINs in every way.
func everything(t testing.TB) *emv.Config {
	c := config(1)
	c.Capabilities = [3]byte{0xE0, 0xF8, 0xC8}
	for _, k := range library(t) {
		c.CAPublicKeys = append(c.CAPublicKeys, k.Authority)
	}
	c.Revoked = []emv.RevokedCertificate{{RID: [5]byte{0xA0, 0, 0, 0, 3}, Index: 0xD2, Serial: [3]byte{0x0B, 0xAD, 0x01}}}
	for i := range c.Applications {
		c.Applications[i].DefaultDDOL = []byte{0x9F, 0x37, 0x04}
	}
	return c
}

// Every card of the library in front of the kernel, two rooms written apart: what it was made to show is what comes out. The
// terminal can do everything and wants to go online for what its own rules say only; the amount is 50.00. Of the TVR, byte 1
// is offline data authentication, byte 2 the versions, dates and the new card, byte 3 cardholder verification.
func TestLibraryAndKernel(t *testing.T) {
	tests := map[string]struct {
		want emv.Result
		tvr  string
		cvm  string
		pins int // asked for the card itself
	}{
		"broken-ca-index":             {emv.OnlineApproved, "0400040000", "420300", 0},
		"broken-cda-cid":              {emv.OfflineDeclined, "0400040000", "420300", 0},
		"broken-cda-hash":             {emv.OfflineDeclined, "0400040000", "420300", 0},
		"broken-cda-signature":        {emv.OfflineDeclined, "0400040000", "420300", 0},
		"broken-cryptogram":           {emv.DeclinedUnableToGoOnline, "8000040000", "420300", 0},
		"broken-dda-signature":        {emv.OnlineApproved, "0800040000", "420300", 0},
		"broken-icc-certificate":      {emv.OnlineApproved, "0400040000", "420300", 0},
		"broken-icc-missing":          {emv.OnlineApproved, "2400040000", "420300", 0},
		"broken-icc-pan":              {emv.OnlineApproved, "0400040000", "420300", 0},
		"broken-issuer-certificate":   {emv.OnlineApproved, "0400040000", "420300", 0},
		"broken-issuer-hash":          {emv.OnlineApproved, "0400040000", "420300", 0},
		"broken-issuer-identifier":    {emv.OnlineApproved, "0400040000", "420300", 0},
		"broken-issuer-remainder":     {emv.OnlineApproved, "2400040000", "420300", 0},
		"broken-signed-static-data":   {emv.OnlineApproved, "4200040000", "420300", 0},
		"broken-static-data":          {emv.OnlineApproved, "0400040000", "420300", 0},
		"cup-cda-long":                {emv.OnlineApproved, "0080040000", "420300", 0},
		"cup-credit":                  {emv.OnlineApproved, "8080040000", "420300", 0},
		"cup-dda":                     {emv.OnlineApproved, "0080040000", "420300", 0},
		"cup-debit":                   {emv.OnlineApproved, "8080040000", "020300", 0},
		"cup-pin-key":                 {emv.OfflineApproved, "0080000000", "440302", 1},
		"cup-purse-low":               {emv.NotAccepted, "0000000000", "3F0000", 0}, // a purse is for a tap
		"cup-purse":                   {emv.NotAccepted, "0000000000", "3F0000", 0},
		"icc-certificate-expired":     {emv.OnlineApproved, "0400040000", "420300", 0},
		"issuer-certificate-expired":  {emv.OnlineApproved, "0400040000", "420300", 0},
		"issuer-certificate-revoked":  {emv.OnlineApproved, "0400040000", "420300", 0},
		"mc-cda-pin-enciphered":       {emv.OfflineApproved, "0080000000", "440302", 1},
		"mc-cda":                      {emv.OnlineApproved, "0080040000", "420300", 0},
		"mc-credit":                   {emv.OnlineApproved, "8080040000", "420300", 0},
		"mc-dda-768":                  {emv.OnlineApproved, "0080040000", "420300", 0},
		"mc-pin-exceeded-declines":    {emv.OfflineApproved, "0080000000", "410302", 1},
		"mc-preferred-name":           {emv.OnlineApproved, "8080040000", "420300", 0},
		"mc-signature":                {emv.OnlineApproved, "8080000000", "1E0000", 0},
		"mc-velocity-amount":          {emv.OfflineApproved, "0080000000", "1E0300", 0},
		"visa-advice":                 {emv.OfflineDeclined, "8000040000", "420300", 0},
		"visa-always-declines":        {emv.OfflineDeclined, "8000040000", "420300", 0},
		"visa-always-online":          {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-app-blocked":            {emv.NotAccepted, "0000000000", "3F0000", 0},
		"visa-blocked-answers":        {emv.NotAccepted, "0000000000", "3F0000", 0},
		"visa-card-blocked":           {emv.CardBlocked, "0000000000", "3F0000", 0},
		"visa-cda":                    {emv.OnlineApproved, "0000040000", "420300", 0},
		"visa-credit":                 {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-cvm-amounts":            {emv.OnlineApproved, "8000000000", "5E0800", 0},
		"visa-cvm-unknown":            {emv.OnlineApproved, "8000400000", "1E0300", 0},
		"visa-dda":                    {emv.OfflineApproved, "0000000000", "410302", 1},
		"visa-debit":                  {emv.OnlineApproved, "8000040000", "020300", 0},
		"visa-expired":                {emv.OnlineApproved, "8040040000", "420300", 0},
		"visa-lenient-arpc":           {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-new-card":               {emv.OnlineApproved, "0008000000", "1E0300", 0},
		"visa-no-cash":                {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-no-cvm-list":            {emv.OnlineApproved, "A000000000", "3F0000", 0},
		"visa-no-cvm":                 {emv.OnlineApproved, "8000000000", "1F0002", 0},
		"visa-offline":                {emv.OfflineApproved, "8008000000", "1E0300", 0},
		"visa-partial-aid":            {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-pin-blocked-unreadable": {emv.OnlineApproved, "0000200000", "5E0300", 1},
		"visa-pin-blocked":            {emv.OnlineApproved, "0000200000", "5E0300", 0},
		"visa-pin-enciphered":         {emv.OfflineApproved, "0000000000", "440302", 1},
		"visa-pin-key":                {emv.OfflineApproved, "0000000000", "440302", 1},
		"visa-pin-last-try":           {emv.OfflineApproved, "0000000000", "410302", 1},
		"visa-pin-signature":          {emv.OfflineApproved, "0000000000", "430300", 1},
		"visa-referral":               {emv.Terminated, "8000040000", "420300", 0},
		"visa-refuses-once":           {emv.NotAccepted, "0000000000", "3F0000", 0},
		"visa-refuses":                {emv.NotAccepted, "0000000000", "3F0000", 0},
		"visa-requires-arpc":          {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-sda":                    {emv.OnlineApproved, "0200040000", "420300", 0},
		"visa-two-apps-first-refuses": {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-two-apps":               {emv.OnlineApproved, "8000040000", "420300", 0},
		"visa-velocity":               {emv.OfflineApproved, "0008000000", "1E0300", 0},
	}
	for _, name := range names(t) {
		p := profile(t, name)
		if !p.HasChip {
			continue
		}
		t.Run(name, func(t *testing.T) {
			test, ok := tests[name]
			if !ok {
				t.Fatal("nobody says what this card is to show")
			}
			c, err := card.New(p)
			if err != nil {
				t.Fatal(err)
			}
			c.Reset()
			s := &shop{counter: counter{t: t, p: p, approve: true}, pin: p.Issuer.PIN()}
			s.silent = name == "broken-cryptogram" // the issuer would see that, and the counter is no test of it
			out, err := emv.Run(c, s, everything(t), emv.Transaction{Amount: 5000, Time: time.Date(2026, 3, 2, 10, 11, 12, 0, time.UTC), SequenceCounter: 1})
			if err != nil || out.Result != test.want {
				t.Fatalf("%v (%v), %v: want %v", out.Result, out.Reason, err, test.want)
			}
			tvr := out.Session.TVR()
			if got := fmt.Sprintf("%X", tvr); got != test.tvr {
				t.Errorf("TVR %s, want %s", got, test.tvr)
			}
			if got := fmt.Sprintf("%X", out.Session.Data(0x9F34)); got != test.cvm {
				t.Errorf("CVM results %s, want %s", got, test.cvm)
			}
			if s.asked != test.pins {
				t.Errorf("%d PINs for the card, want %d", s.asked, test.pins)
			}
		})
	}
}

// What a card decides by itself, whatever the terminal asks.
func TestDecisions(t *testing.T) {
	ask := func(name string, p1 byte, more map[uint32]string) (*desk, generated) {
		t.Helper()
		d := newDesk(t, profile(t, name))
		o := d.start()
		data := with(more)
		g := d.generateAC(p1, fill(t, o[0x8C], data))
		d.verify(o, g, data)
		return d, g
	}
	tests := []struct {
		name, card string
		asked      byte
		more       map[uint32]string
		cid        byte
	}{
		{"declines what would be approved", "visa-always-declines", 0x40, nil, 0x00},
		{"declines what would go online", "visa-always-declines", 0x80, nil, 0x00},
		{"a referral", "visa-referral", 0x40, nil, 0xC0},
		{"online", "visa-always-online", 0x40, nil, 0x80},
		{"an AAC stays one", "visa-always-online", 0x00, nil, 0x00},
		{"with advice", "visa-advice", 0x40, nil, 0x08},
		{"cash", "visa-no-cash", 0x80, map[uint32]string{0x9C: "01"}, 0x01},
		{"cashback", "visa-no-cash", 0x80, map[uint32]string{0x9C: "09"}, 0x01},
		{"goods", "visa-no-cash", 0x80, nil, 0x80},
		{"a new card", "visa-new-card", 0x40, nil, 0x80},
		{"a new card and a terminal that is offline only", "visa-new-card", 0x40, map[uint32]string{0x9F35: "23"}, 0x00},
		{"below both amounts", "mc-velocity-amount", 0x40, nil, 0x40},
		{"above the lower amount", "mc-velocity-amount", 0x40, map[uint32]string{0x9F02: "000000030001"}, 0x80},
		{"at the lower amount", "mc-velocity-amount", 0x40, map[uint32]string{0x9F02: "000000030000"}, 0x40},
		{"above the upper amount, offline only", "mc-velocity-amount", 0x40, map[uint32]string{0x9F02: "000000050001", 0x9F35: "23"}, 0x00},
		{"a foreign currency counts for nothing", "mc-velocity-amount", 0x40, map[uint32]string{0x9F02: "000000050001", 0x5F2A: "0840"}, 0x40},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, g := ask(test.card, test.asked, test.more); g.cid != test.cid {
				t.Errorf("CID %02X, want %02X", g.cid, test.cid)
			}
		})
	}
}

// Amounts add up, and the issuer application data of the versions that cover them say so.
func TestOfflineAmounts(t *testing.T) {
	d := newDesk(t, profile(t, "mc-velocity-amount"))
	for n, want := range []struct {
		cid      byte
		counters string
	}{{0x40, "00000001234501FF"}, {0x40, "00000002469002FF"}, {0x80, "00000002469002FF"}} {
		o := d.start()
		g := d.generateAC(0x40, fill(t, o[0x8C], terminalData)) // 123.45
		d.verify(o, g, terminalData)
		if got := fmt.Sprintf("%X", g.iad[10:]); g.cid != want.cid || got != want.counters {
			t.Errorf("transaction %d: CID %02X, counters %s: want %02X, %s", n+1, g.cid, got, want.cid, want.counters)
		}
	}
	if k := d.c.Counters()[0]; k.OfflineAmount != 24690 || k.ConsecutiveOffline != 2 {
		t.Errorf("%+v", k)
	}
}

func TestRefusesToStart(t *testing.T) {
	d := newDesk(t, profile(t, "visa-refuses-once"))
	d.selectAID()
	d.want("80A8000002830000", "6985")
	if k := d.c.Counters()[0]; k.ATC != 0 {
		t.Errorf("refused and counted: ATC %d", k.ATC)
	}
	d.c.Reset()
	d.selectAID()
	d.want("80A8000002830000", "9000")

	d = newDesk(t, profile(t, "visa-refuses"))
	for range 3 {
		d.selectAID()
		d.want("80A8000002830000", "6985")
	}
}

// A transaction that was declined offline because authentication failed is told to the issuer next time.
func TestFailedAuthenticationIsRemembered(t *testing.T) {
	for tvr, want := range map[string]string{"4000000000": "03A01100", "0800000000": "03A01004", "0400000000": "03A01004", "0000000000": "03A01000"} {
		d := newDesk(t, profile(t, "visa-credit"))
		o := d.start()
		d.generateAC(0x00, fill(t, o[0x8C], with(map[uint32]string{0x95: tvr})))
		o, h := d.toARQC()
		d.start()
		g := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
		if cvr, err := h.version.CVR(g.iad); err != nil || fmt.Sprintf("%X", cvr) != "03A09"+want[5:] { // the ARQC before was not completed
			t.Errorf("TVR %s: CVR %X, %v", tvr, cvr, err)
		}
	}
}

// The key of an application data object that never changes, and a number that never does.
func TestFixedData(t *testing.T) {
	src := edit(t, source(t, "visa-dda"), "      keys: visa-1408", "      keys: visa-1408\n      issuer_application_data: \"06010A03000000\"\n      dynamic_number: \"00AE\"")
	p, err := card.ParseProfile("visa-dda.yaml", []byte(src), library(t)...)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, p)
	o := d.start()
	var x terminal
	if problem := d.chain(&x, o, true); problem != "" {
		t.Fatal(problem)
	}
	signed := map[uint32][]byte{}
	collect(t, d.want("008800000452BF458500", "9000"), signed)
	data, err := x.a.RecoverDynamicData(&x.icc, signed[0x9F4B], unhex(t, "52BF4585"))
	if err != nil {
		t.Fatal(err)
	}
	if number, err := data.Number(); err != nil || fmt.Sprintf("%X", number) != "00AE" {
		t.Errorf("number %X, %v", number, err)
	}
	g := d.generateAC(0x80, fill(t, o[0x8C], terminalData))
	if fmt.Sprintf("%X", g.iad) != "06010A03000000" {
		t.Errorf("IAD %X", g.iad)
	}
	d.verify(o, g, terminalData)
}
