package terminal

// deskMenu is the menu's second half: batch, host, store-and-forward queue, people.
func deskMenu() []menuGroup {
	return []menuGroup{
		{"menu-host", []menuItem{
			{FunctionSignOn, "menu-sign-on", anyone, (*Terminal).chooseSignOn},
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
