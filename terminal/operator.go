package terminal

import (
	"time"
)

// Who stands at the terminal. An operator logs in where the profile wants that; what only a supervisor may do asks for the
// supervisor's password each time. Wrong passwords are counted in the journal, so that pulling the plug does not help.

// operatorNumber is DE 63.1 of a request: two digits, and a blank.
func (t *Terminal) operatorNumber() string {
	if t.operator == "" {
		return ""
	}
	return t.operator + " "
}

// authorised asks for whatever password a level wants.
func (t *Terminal) authorised(who level) (bool, error) {
	switch {
	case who == supervisor && t.operator != Supervisor:
		return t.password(Supervisor)
	case who == operator && t.operator == "" && t.profile.Operators.Required:
		return t.logIn()
	}
	return true, nil
}

// logIn asks who is there; false: nobody who may be.
func (t *Terminal) logIn() (bool, error) {
	number, ok := t.ask("ask-operator", 2, 2)
	if !ok {
		return false, nil
	}
	right, err := t.password(number)
	if right && err == nil {
		t.operator = number
		t.show(say("operator-in", number))
	}
	return right, err
}

// The length of a password, in digits.
const (
	minPassword = 4
	maxPassword = 6
)

// password asks somebody for the password and tells whether it is right. Nobody learns whether the number or the password is
// wrong.
func (t *Terminal) password(number string) (bool, error) {
	if err := t.journal.deliver(t.cfg.Rand, t.passwordIterations()); err != nil {
		return false, err
	}
	i := t.journal.person(number)
	if i >= 0 && t.clock.Now().Before(t.journal.people[i].Locked) {
		t.show(say("operator-locked", number))
		return false, nil
	}
	typed, ok := t.askHidden("ask-password", minPassword, maxPassword, say("operator", number))
	if !ok {
		return false, nil
	}
	if i >= 0 && t.journal.people[i].is(typed) {
		return true, t.forgiven(i)
	}
	t.show(say("wrong-password"))
	if i < 0 {
		return false, nil
	}
	return false, t.wrong(i)
}

// forgiven forgets wrong passwords.
func (t *Terminal) forgiven(i int) error {
	p := t.journal.people[i]
	if p.Wrong == 0 {
		return nil
	}
	p.Wrong, p.Locked = 0, time.Time{}
	return t.journal.putPerson(p)
}

// wrong counts a wrong password, and locks the operator out after a few.
func (t *Terminal) wrong(i int) error {
	p := t.journal.people[i]
	p.Wrong++
	most := t.profile.Operators.MaxWrong
	if most == 0 {
		most = 3
	}
	if p.Wrong >= most {
		p.Wrong, p.Locked = 0, t.clock.Now().Add(orDuration(t.profile.Operators.Lock, time.Minute))
		t.show(say("operator-locked", p.Number))
	}
	return t.journal.putPerson(p)
}

func (t *Terminal) chooseLogin() (Ended, error) { return t.outcome(t.logIn()) }

// outcome is the end of what a person was allowed to do or not.
func (t *Terminal) outcome(ok bool, err error) (Ended, error) {
	if !ok {
		return Ended{Outcome: OutcomeNotAllowed}, err
	}
	return Ended{Outcome: OutcomeDone}, err
}

func (t *Terminal) chooseLogout() (Ended, error) {
	if t.operator == "" {
		t.show(say("nobody-in"))
		return Ended{Outcome: OutcomeNotAllowed}, nil
	}
	t.show(say("operator-out", t.operator))
	t.operator = ""
	return Ended{Outcome: OutcomeDone}, nil
}

// choosePassword gives somebody who knows the old password a new one.
func (t *Terminal) choosePassword() (Ended, error) {
	number := t.operator
	if number == "" {
		var ok bool
		if number, ok = t.ask("ask-operator", 2, 2); !ok {
			return t.cancelled(), nil
		}
	}
	if right, err := t.password(number); !right || err != nil {
		return t.outcome(right, err)
	}
	return t.newPassword(number)
}

// chooseOperator makes an operator, or gives one whose password is forgotten another. It is the supervisor's.
func (t *Terminal) chooseOperator() (Ended, error) {
	number, ok := t.ask("ask-operator", 2, 2)
	if !ok {
		return t.cancelled(), nil
	}
	return t.newPassword(number)
}

// newPassword asks for a password twice.
func (t *Terminal) newPassword(number string) (Ended, error) {
	first, ok := t.askHidden("ask-new-password", minPassword, maxPassword, say("operator", number))
	if !ok {
		return t.cancelled(), nil
	}
	again, ok := t.askHidden("ask-new-password-again", minPassword, maxPassword, say("operator", number))
	if !ok {
		return t.cancelled(), nil
	}
	if first != again {
		t.show(say("passwords-differ"))
		return Ended{Outcome: OutcomeNotAllowed}, nil
	}
	p, err := newPerson(t.cfg.Rand, t.passwordIterations(), number, first)
	if err != nil {
		return Ended{}, err
	}
	if err := t.journal.putPerson(p); err != nil {
		return Ended{}, err
	}
	t.show(say("password-changed", number))
	return Ended{Outcome: OutcomeDone}, nil
}

// chooseRemoveOperator takes an operator away. The supervisor stays.
func (t *Terminal) chooseRemoveOperator() (Ended, error) {
	number, ok := t.ask("ask-operator", 2, 2)
	if !ok {
		return t.cancelled(), nil
	}
	i := t.journal.person(number)
	if i < 0 || t.journal.people[i].Gone || number == Supervisor {
		t.show(say("no-such-operator", number))
		return Ended{Outcome: OutcomeNotFound}, nil
	}
	p := t.journal.people[i]
	p.Gone = true
	if err := t.journal.putPerson(p); err != nil {
		return Ended{}, err
	}
	if t.operator == number {
		t.operator = ""
	}
	t.show(say("operator-removed", number))
	return Ended{Outcome: OutcomeDone}, nil
}
