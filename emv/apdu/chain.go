package apdu

import "fmt"

// maxExchanges bounds what one command may cost on the wire. A whole EMV response is at most 256 bytes, so even a card that
// hands it out in small pieces needs fewer; a card that never ends is ErrProtocol.
const maxExchanges = 40

// Chain gives a Card that never shows 61xx or 6Cxx (EMV Contact Interface Specification, Annex A):
//
//   - 61xx: GET RESPONSE with Le xx, as often as the card says so, data joined;
//   - 6Cxx: the same command again with Le xx, once per command;
//   - a warning without data to a command that sends and expects data (case 4): GET RESPONSE with Le 00 fetches the data, and
//     the warning stays the status word. If the card has none, the warning stands alone.
//
// The number of exchanges and the joined length are bounded. Cards that never answer so cost nothing more.
func Chain(c Card) Card {
	if _, ok := c.(*chain); ok {
		return c
	}
	return &chain{card: c}
}

type chain struct{ card Card }

var _ Card = (*chain)(nil)

func (c *chain) Transmit(command []byte) ([]byte, error) {
	raw, err := c.card.Transmit(command)
	if err != nil {
		return nil, err
	}
	r, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	if sw1 := byte(r.SW >> 8); sw1 != 0x61 && sw1 != 0x6C && (!r.SW.Warning() || len(r.Data) > 0) {
		return raw, nil
	}
	return c.follow(command, r)
}

// follow goes on from a first response r that is not the last word.
func (c *chain) follow(command []byte, r Response) ([]byte, error) {
	first, err := ParseCommand(command)
	if err != nil {
		return nil, err
	}
	caseFour := len(first.Data) > 0 && first.Le != LeAbsent
	sent, corrected := first, false
	var data []byte
	var warning SW // kept once the card has given one
	for range maxExchanges {
		switch {
		case r.SW>>8 == 0x6C:
			if corrected {
				return nil, fmt.Errorf("%w: %s corrected twice by 6Cxx", ErrProtocol, Name(sent.INS))
			}
			corrected = true
			sent.Le = le(byte(r.SW))
		case r.SW>>8 == 0x61:
			if data = append(data, r.Data...); len(data) > MaxLe {
				return nil, fmt.Errorf("%w: %s joined more than %d bytes", ErrProtocol, Name(first.INS), MaxLe)
			}
			sent, corrected = getResponse(first.CLA, le(byte(r.SW))), false
		case r.SW.Warning() && warning == 0 && caseFour && len(r.Data) == 0 && len(data) == 0:
			warning = r.SW
			sent, corrected = getResponse(first.CLA, MaxLe), false
		case warning != 0 && !r.SW.Success():
			return append(data, byte(warning>>8), byte(warning)), nil // nothing to fetch
		default:
			if data = append(data, r.Data...); len(data) > MaxLe {
				return nil, fmt.Errorf("%w: %s joined more than %d bytes", ErrProtocol, Name(first.INS), MaxLe)
			}
			if warning != 0 {
				r.SW = warning
			}
			return append(data, byte(r.SW>>8), byte(r.SW)), nil
		}
		raw, err := c.card.Transmit(sent.Append(nil))
		if err != nil {
			return nil, err
		}
		if r, err = Parse(raw); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s did not end after %d exchanges", ErrProtocol, Name(first.INS), maxExchanges)
}

// getResponse keeps the logical channel of the command it serves; its class is otherwise the inter-industry one.
func getResponse(cla byte, n int) Command {
	return Command{CLA: cla & 0x03, INS: InsGetResponse, Le: n}
}
