package security

// ScriptReport is what a card says in its verification results about the issuer scripts of the last transaction that had any.
type ScriptReport struct {
	Commands int  // that it took, at most 15
	Failed   bool // one of them was refused
	// Fresh tells that the report is of the last transaction that went online, because the card says that it was completed.
	// Where the specification's results have no such bit it is false.
	Fresh bool
}

// Scripts reads the report of a card in its issuer application data (tag 9F10). The places are those of the specifications'
// public descriptions. The error is that of an iad that is not laid out as the version says.
func (v Version) Scripts(iad []byte) (r ScriptReport, err error) {
	cvr, err := v.CVR(iad)
	if err != nil {
		return r, err
	}
	if v.row().cvrLen >= 0 { // its length, then three bytes
		return ScriptReport{int(cvr[3] >> 4), cvr[3]&0x08 != 0, cvr[2]&0x80 == 0}, nil
	}
	return ScriptReport{Commands: int(cvr[2] >> 4), Failed: cvr[4]&0x01 != 0}, nil
}
