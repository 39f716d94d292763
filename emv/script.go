package emv

import (
	"fmt"

	"github.com/posim/posim/emv/apdu"
	"github.com/posim/posim/emv/tlv"
)

// Issuer script results, tag 9F5B: five bytes for each script (Book 4, A5). The high nibble of the first byte says what became
// of it, the low nibble which command failed.
const (
	scriptNotPerformed = 0x00
	scriptFailed       = 0x10
	scriptSuccessful   = 0x20
)

// runScripts sends the commands of the issuer scripts of one template: 71 before the second GENERATE AC, 72 after it (Book 3,
// 10.10). A command that fails ends its script; the next script runs. What is no script at all counts as one that was not
// performed, once: it is reported as the first kind, before the second GENERATE AC.
func (s *Session) runScripts(template tlv.Tag) error {
	rule, failedBit := RuleScriptBefore, tlv.TVRScriptFailedBeforeFinalGenerateAC
	if template == tlv.IssuerScriptTemplate2 {
		rule, failedBit = RuleScriptAfter, tlv.TVRScriptFailedAfterFinalGenerateAC
	}
	r := tlv.NewReader(s.answer.Scripts)
	for r.Next() {
		if r.Tag() != template {
			continue
		}
		tlv.TSIScriptProcessingPerformed.Set(s.tsi[:])
		result, err := s.runScript(r.Value())
		if result[0]&0xF0 != scriptSuccessful {
			failedBit.Set(s.tvr[:])
		}
		// A command that got no answer may have been carried out: nobody is told that it was, or that it was not. The card's own
		// count, in its next cryptogram's data, settles it.
		if err != nil {
			s.decide(rule, "a command got no answer: what became of its script is not known")
			if template == tlv.IssuerScriptTemplate2 {
				return nil // the card has said its last word on the transaction
			}
			return err
		}
		s.scriptResults = append(s.scriptResults, result[:]...)
		if s.traced() {
			s.decide(rule, fmt.Sprintf("script %X: result %X", template, result), about("identifier 9F18", "%X", result[1:]))
		}
	}
	if r.Err() != nil && template == tlv.IssuerScriptTemplate1 {
		s.scriptResults = append(s.scriptResults, scriptNotPerformed, 0, 0, 0, 0)
		failedBit.Set(s.tvr[:])
		s.decide(rule, "the host's scripts are not in order")
	}
	return nil
}

// runScript sends the commands of one script and returns its line of the results. The error is that of the card's transport.
func (s *Session) runScript(script []byte) (result [5]byte, err error) {
	commands, ok := parseScript(script, result[1:])
	if !ok {
		result[0] = scriptNotPerformed
		return result, nil
	}
	for i, command := range commands {
		sw, err := s.sendScriptCommand(command)
		if err == nil && (sw.Success() || sw.Warning()) {
			continue
		}
		result[0] = scriptFailed | byte(min(i+1, 15))
		return result, err
	}
	result[0] = scriptSuccessful
	return result, nil
}

// parseScript takes a script apart: 9F18, its identifier, copied to id, and the commands in their order. A script whose data
// objects or commands are not in order is not performed at all.
func parseScript(script, id []byte) (commands [][]byte, ok bool) {
	r := tlv.NewReader(script)
	for r.Next() {
		switch r.Tag() {
		case tlv.IssuerScriptIdentifier:
			if len(r.Value()) != len(id) {
				return nil, false
			}
			copy(id, r.Value())
		case tlv.IssuerScriptCommand:
			if _, err := apdu.ParseCommand(r.Value()); err != nil {
				return nil, false
			}
			commands = append(commands, r.Value())
		}
	}
	return commands, r.Err() == nil
}

// sendScriptCommand sends the issuer's bytes as they are.
func (s *Session) sendScriptCommand(command []byte) (apdu.SW, error) {
	raw, err := s.card.Transmit(command)
	if err != nil {
		return 0, fmt.Errorf("emv: issuer script %s: %w", apdu.Name(command[1]), err)
	}
	r, err := apdu.Parse(raw)
	if err != nil {
		return 0, fmt.Errorf("emv: issuer script %s: %w", apdu.Name(command[1]), err)
	}
	return r.SW, nil
}
