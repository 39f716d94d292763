package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
	"github.com/posim/posim/internal/pan"
	"github.com/posim/posim/sim"
	"github.com/posim/posim/transport/reader"
)

func (a *app) readerAPDUCommand() *cobra.Command {
	var line string
	var wait time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use: "apdu --reader LINE HEX...", Short: "send commands to a card and name what it answers",
		Long: `apdu powers the card on and sends it commands, each HEX one whole command. Answers are named, card numbers masked; tracks
and PIN data are left out. 61xx and 6Cxx are followed.
A physical card is only read, unless its number, once read, lies in the published test ranges: a live card never sees a
VERIFY or a GENERATE AC. The exit status is 0 when every command had an answer, whatever its status word.`,
		Example: "  posim reader apdu --reader pcsc:// 00A4040007A000000003101000 00B2011400\n" +
			"  posim reader apdu --reader 'emu:visa-credit?protocol=ccid-serial' 00A4040007A000000003101000",
		RunE: func(_ *cobra.Command, args []string) error { return a.readerAPDU(line, wait, asJSON, args) },
	}
	c.Flags().StringVar(&line, "reader", "", "the reader (a LINE)")
	c.Flags().DurationVar(&wait, "wait", 0, "wait so long for a card, such as 30s")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// maxCommands is more than anybody types.
const maxCommands = 100

func (a *app) readerAPDU(line string, wait time.Duration, asJSON bool, args []string) error {
	spec, err := parseLine(line)
	if err != nil {
		return err
	}
	if wait < 0 {
		return misuse("--wait %v: want 0 or more", wait)
	}
	if len(args) == 0 || len(args) > maxCommands {
		return misuse("apdu: want 1 to %d commands in hexadecimal digits", maxCommands)
	}
	var commands [][]byte
	for i, arg := range args {
		b, err := parseHex(arg)
		if err == nil {
			_, err = apdu.ParseCommand(b)
		}
		if err != nil {
			return misuse("command %d: %w", i+1, err)
		}
		commands = append(commands, b)
	}
	ctx, stop := interruptible(0)
	defer stop()
	out := jsonExchanges{Reader: spec.String(), Exchanges: []jsonExchange{}}
	ended, err := onWall(ctx, func(w *sim.Wall) error { return a.talk(w, spec, wait, commands, &out, !asJSON) })
	if ended {
		err = errors.New("interrupted")
	}
	if asJSON && (err == nil || len(out.Exchanges) > 0) {
		if werr := writeJSON(a.stdout, out); err == nil {
			err = werr
		}
	}
	return readerFailure(err)
}

// jsonExchanges is a session with a card in --json.
type jsonExchanges struct {
	Reader    string         `json:"reader"`
	Physical  bool           `json:"physical"`
	ATR       string         `json:"atr"`
	About     string         `json:"about"`
	Exchanges []jsonExchange `json:"exchanges"`
}

// jsonExchange is a command and its answer as people may see them.
type jsonExchange struct {
	Name    string       `json:"name"`
	Command string       `json:"command"`
	SW      string       `json:"sw"`
	Bytes   int          `json:"bytes"` // of data in the answer
	Objects []jsonObject `json:"objects,omitempty"`
}

func (a *app) talk(w *sim.Wall, spec reader.Spec, wait time.Duration, commands [][]byte, out *jsonExchanges, text bool) error {
	s, err := reader.OpenSlot(w, w, spec, emulatedCards())
	if err != nil {
		return err
	}
	defer s.Close()
	if !s.Present() && wait > 0 {
		if text {
			if err := a.print("insert a card\n"); err != nil {
				return err
			}
			flush(a.stdout)
		}
		w.Wait(w.Now().Add(wait), func() bool { return s.Present() || s.Lost() != nil })
	}
	if err := s.Lost(); err != nil {
		return err
	}
	if !s.Present() {
		return fmt.Errorf("no card is in %v: insert one (--wait 30s gives time for it)", s.Spec())
	}
	c, err := s.PowerOn()
	if err != nil {
		return err
	}
	out.Reader, out.Physical, out.ATR = s.Spec().String(), s.Physical(), fmt.Sprintf("%X", s.ATR())
	if atr, err := reader.ParseATR(s.ATR()); err == nil {
		out.About = atr.Describe()
	}
	if text {
		if err := a.print(fmt.Sprintf("reader %s\nATR    % X: %s\n", out.Reader, s.ATR(), out.About)); err != nil {
			return err
		}
	}
	guard := &liveGuard{physical: s.Physical()}
	for _, command := range commands {
		if err := guard.allow(command); err != nil {
			return err
		}
		answer, err := c.Transmit(command)
		if err != nil {
			return fmt.Errorf("%s: %w", apdu.Name(command[1]), err)
		}
		guard.saw(answer)
		e := exchangeOf(command, answer)
		out.Exchanges = append(out.Exchanges, e)
		if text {
			if err := a.printExchange(e, answer); err != nil {
				return err
			}
		}
	}
	return s.PowerOff()
}

// exchangeOf is what may be shown of a command and its answer.
func exchangeOf(command, answer []byte) jsonExchange {
	n := max(0, len(answer)-2)
	e := jsonExchange{Name: apdu.Name(command[1]), Command: showCommand(command), SW: fmt.Sprintf("%X", answer[n:]), Bytes: n}
	if objects, err := tlv.Decode(answer[:n]); err == nil && n > 0 {
		e.Objects = jsonObjects(objects)
	}
	return e
}

// showCommand is a command as far as it may be shown: the data of those that read, of others their length.
func showCommand(command []byte) string {
	if reads(command[1]) {
		return fmt.Sprintf("%X", command)
	}
	head := fmt.Sprintf("%X", command[:min(4, len(command))])
	if len(command) > 5 {
		head += fmt.Sprintf(" and %d bytes", len(command)-4)
	}
	return head
}

func (a *app) printExchange(e jsonExchange, answer []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "> %s %s\n< %s, %d bytes\n", e.Name, e.Command, e.SW, e.Bytes)
	if e.Objects != nil {
		var tree bytes.Buffer
		if err := tlv.Render(&tree, answer[:e.Bytes]); err == nil {
			for _, line := range strings.SplitAfter(tree.String(), "\n") {
				if line != "" {
					b.WriteString("  " + line)
				}
			}
		}
	}
	return a.print(b.String())
}

// liveGuard keeps commands that change a card away from cards that may be live.
type liveGuard struct {
	physical bool
	test     bool // a number in a published test range was read
	live     bool // one outside them
}

// reads tells whether a command only reads.
func reads(ins byte) bool {
	switch ins {
	case apdu.InsSelect, apdu.InsReadRecord, apdu.InsGetData, apdu.InsGetProcessingOptions, apdu.InsGetChallenge, apdu.InsGetResponse:
		return true
	}
	return false
}

// allow refuses what a live card must not see.
func (g *liveGuard) allow(command []byte) error {
	name := apdu.Name(command[1])
	switch {
	case !g.physical || reads(command[1]):
		return nil
	case g.live:
		return fmt.Errorf("live card refused: %s is for cards with a number in the published test ranges", name)
	case !g.test:
		return fmt.Errorf("%s is not sent before the card's number was read (SELECT, GET PROCESSING OPTIONS, READ RECORD): it may be a live card", name)
	}
	return nil
}

// saw looks for the card's number in an answer.
func (g *liveGuard) saw(answer []byte) {
	if len(answer) < 2 {
		return
	}
	objects, err := tlv.Decode(answer[:len(answer)-2])
	if err == nil { // what is no TLV names no card
		g.search(objects)
	}
}

func (g *liveGuard) search(objects []tlv.Object) {
	for _, o := range objects {
		g.search(o.Children)
		if o.Tag != tlv.ApplicationPAN && o.Tag != tlv.Track2EquivalentData {
			continue
		}
		digits, _, _ := strings.Cut(strings.ToUpper(hex.EncodeToString(o.Value)), "D")
		number, err := pan.Parse(strings.TrimRight(digits, "F"))
		if err == nil && pan.InTestRange(number) {
			g.test = true
		} else {
			g.live = true
		}
	}
}
