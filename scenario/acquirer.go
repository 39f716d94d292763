package scenario

import (
	"fmt"
	"time"

	"github.com/posim/posim/host"
	"github.com/posim/posim/terminal"
	"github.com/posim/posim/transport/dialect"
)

// terminalName is a terminal as its acquirer lists it: who it is, how its messages are protected and written, and what it may
// download, which is what its profile says.
func terminalName(p *terminal.Profile) host.TerminalName {
	return host.TerminalName{TID: p.TID, MID: p.MID, Scheme: p.Security, Dialect: p.Speaks(), Downloads: downloadsOf(p), Code: categoryOf(p), Settles: host.Settlement(p.SettlementPlan)}
}

// TerminalName is a terminal as its acquirer lists it, with what its merchant has agreed to pay. It is made once for a terminal of the
// library, because its dialect and its downloads are much work beside a run.
func (l *Library) TerminalName(p *terminal.Profile) host.TerminalName {
	if n, ok := l.listed[p]; ok {
		return n
	}
	n := terminalName(p)
	if plan := l.plans[p.FeePlan]; plan != nil {
		n.Plan = plan.FeePlan
	}
	return n
}

// categoryOf is the category of a terminal's merchant (tag 9F15); "" where its profile says none.
func categoryOf(p *terminal.Profile) string {
	if p.EMV.MerchantCategoryCode == 0 {
		return ""
	}
	return fmt.Sprintf("%04d", p.EMV.MerchantCategoryCode)
}

func downloadsOf(p *terminal.Profile) (d host.Downloads) {
	add := func(tag, value string) {
		d.Parameters = append(d.Parameters, dialect.Parameter{Tag: tag, Value: value})
	}
	number := func(tag string, n, least, most, digits int) {
		if n >= least && n <= most {
			add(tag, fmt.Sprintf("%0*d", digits, n))
		}
	}
	number(dialect.ParameterAnswerWait, int(p.AnswerWait/time.Second), 1, 99, 2)
	number(dialect.ParameterReversalWait, int(p.ReversalWait/time.Second), 1, 99, 2)
	number(dialect.ParameterTip, p.TipPercent, 0, 99, 2)
	number(dialect.ParameterAttempts, p.Attempts, 1, 9, 1)
	number(dialect.ParameterBatchLimit, p.BatchLimit, 1, 9999, 1)
	add(dialect.ParameterMerchant, p.Merchant)
	add(dialect.ParameterMerchantID, p.MID)
	add(dialect.ParameterTerminalID, p.TID)
	for _, k := range p.EMV.CAPublicKeys {
		sum := k.Checksum()
		d.CAKeys = append(d.CAKeys, dialect.CAKey{
			CAKeyName: dialect.CAKeyName{RID: k.RID(), Index: k.Index(), Expiry: caKeyExpiry}, Modulus: k.Key().Modulus(), Exponent: k.Key().Exponent(), Checksum: sum[:],
		})
	}
	for i := range p.EMV.Applications {
		a := &p.EMV.Applications[i]
		d.Applications = append(d.Applications, dialect.AIDParameters{
			AID: a.AID, Partial: a.Partial, Version: a.Version, TACDefault: a.TACDefault, TACOnline: a.TACOnline, TACDenial: a.TACDenial,
			DefaultDDOL: a.DefaultDDOL, Threshold: a.Threshold, FloorLimit: a.FloorLimit, Target: a.TargetPercent, MaxTarget: a.MaxTargetPercent, OnlinePIN: true,
		})
	}
	return d
}

// caKeyExpiry is what keys are downloaded with whose profile says no date: the test keys of the library do not end.
const caKeyExpiry = "20991231"
