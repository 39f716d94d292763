package terminal

// deskMenu is the menu's second half: batch, reports, host, store-and-forward queue, people.
func deskMenu() []menuGroup {
	return []menuGroup{
		{"menu-batch", []menuItem{
			{FunctionSettlement, "menu-settlement", operator, (*Terminal).chooseSettlement},
			{FunctionReportTotals, "menu-report-totals", anyone, (*Terminal).chooseTotals},
			{FunctionReportJournal, "menu-report-journal", anyone, (*Terminal).chooseJournal},
			{FunctionReportSettlement, "menu-report-settlement", anyone, (*Terminal).chooseLastSettlement},
			{FunctionSignatureUpload, "menu-signatures", anyone, (*Terminal).chooseSignatures},
		}},
		{"menu-host", []menuItem{
			{FunctionSignOn, "menu-sign-on", anyone, (*Terminal).chooseSignOn},
			{FunctionSignOff, "menu-sign-off", operator, (*Terminal).chooseSignOff},
			{FunctionEcho, "menu-echo", anyone, (*Terminal).chooseEcho},
			{FunctionParameters, "menu-parameters", supervisor, (*Terminal).chooseParameters},
			{FunctionCAKeys, "menu-ca-keys", supervisor, (*Terminal).chooseCAKeys},
			{FunctionAIDs, "menu-aids", supervisor, (*Terminal).chooseAIDs},
			{FunctionStatus, "menu-status", anyone, (*Terminal).sendStatus},
		}},
		{"menu-saf", []menuItem{
			{FunctionSAFList, "menu-saf-list", anyone, (*Terminal).chooseQueue},
			{FunctionSAFRetry, "menu-saf-retry", anyone, (*Terminal).chooseRetry},
			{FunctionSAFPause, "menu-saf-pause", supervisor, (*Terminal).choosePause},
			{FunctionSAFPark, "menu-saf-park", supervisor, (*Terminal).choosePark},
		}},
		{"menu-people", []menuItem{
			{FunctionOperatorLogin, "menu-login", anyone, (*Terminal).chooseLogin},
			{FunctionOperatorLogout, "menu-logout", anyone, (*Terminal).chooseLogout},
			{FunctionPassword, "menu-password", anyone, (*Terminal).choosePassword},
			{FunctionOperators, "menu-operator", supervisor, (*Terminal).chooseOperator},
			{FunctionRemoveOperator, "menu-remove-operator", supervisor, (*Terminal).chooseRemoveOperator},
		}},
	}
}

// chooseSignOn asks for new session keys because the clerk wants them.
func (t *Terminal) chooseSignOn() (Ended, error) {
	before := t.clock.Now()
	if err := t.signOn(); err != nil {
		return Ended{}, err
	}
	if t.stale || !t.keysReady() {
		t.remark("sign-on failed after %v", t.clock.Now().Sub(before))
		return Ended{Outcome: OutcomeNoAnswer}, nil
	}
	return Ended{Outcome: OutcomeDone}, nil
}
