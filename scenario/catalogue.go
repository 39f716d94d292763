package scenario

import "strings"

// CatalogueEntry is one fault of the catalogue as people write it.
type CatalogueEntry struct {
	Seams    []string // net.req, up.req, iss.req
	Event    string   // "0200 and other requests", or empty: a state fault
	Form     string   // delay(T)
	About    string   // in English
	RealTime bool     // it has no place in virtual time, and is refused there
}

// Catalogue is the fault catalogue, in the grammar's order.
func Catalogue() (all []CatalogueEntry) {
	for _, row := range faultTable {
		for _, k := range row.kinds {
			all = append(all, CatalogueEntry{
				Seams: row.seams, Event: row.example(), Form: k.name + k.arg.form(), About: k.about, RealTime: k.arg == argReal,
			})
		}
	}
	return all
}

// form is an argument as the catalogue shows it.
func (a argumentSort) form() string {
	switch a {
	case argDuration, argJump:
		return "(T)"
	case argByte:
		return "(byte=K)"
	case argLength, argKeep:
		return "(K)"
	case argPoint:
		return "(before-log|after-log[,T])"
	case argCode:
		return "(CODE)"
	case argImage:
		return "(" + strings.Join(images[:], "|") + "[,K])"
	case argCardAnswer:
		return "(HEX|AAC|TC|ARQC)"
	case argStatus:
		return "(HEX)"
	}
	return ""
}

// example is what stands in a row's brackets.
func (r faultRow) example() string {
	switch r.sort {
	case eventRequest:
		return "0200"
	case eventAnswer:
		return "0210"
	case eventMessage:
		return "MTI"
	case eventWordRequest:
		return r.word + " 0200"
	case eventWordAnswer:
		return r.word + " 0210"
	case eventFile:
		return "payout" // for one
	case eventCommand:
		return "READ RECORD" // for one
	}
	return r.word
}
