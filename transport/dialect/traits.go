package dialect

import "slices"

// Traits is what has to be known of a dialect to set up a terminal for it.
type Traits struct {
	Name             string
	Header           bool     // one of its own stands in front of the message
	KeySerialNumbers bool     // there is a place for one: keys for each message can be used
	PINBlocks        []string // the formats that its messages can say or need not; nil: every one
	MAC              string   // usual with session keys, as schemes name it; "": the schemes' own
	SingleMAC        string   // the same with a key of single length, which is a switch
	Reason           string   // where the reason of a reversal is and nowhere else, as reason rules are named; "": there is a choice
	MaxCount         int      // what its totals count to in each direction; 0: no limit of its own
}

var traits = []Traits{
	{Name: "iso87", KeySerialNumbers: true},
	{Name: "iso87-128", KeySerialNumbers: true},
	{Name: "cup", Header: true, PINBlocks: []string{"0", "1"}, MAC: "cup-ecb", SingleMAC: "cup-ecb-single", Reason: "39", MaxCount: 999},
}

// Names lists the dialects: what ByName makes and TraitsOf knows.
func Names() []string {
	var names []string
	for _, t := range traits {
		names = append(names, t.Name)
	}
	return names
}

// TraitsOf finds the traits of a dialect by its name.
func TraitsOf(name string) (Traits, bool) {
	i := slices.IndexFunc(traits, func(t Traits) bool { return t.Name == name })
	if i < 0 {
		return Traits{}, false
	}
	return traits[i], true
}
